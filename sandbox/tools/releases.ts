import { z } from "zod";

/** A platform that releases exist for. */
export interface Platform {
  readonly os: "linux" | "darwin";
  readonly arch: "amd64" | "arm64";
}

/** The platform of this machine; undefined if there are no releases for it. */
export function thisPlatform(): Platform | undefined {
  const { platform: os, arch } = process;
  if ((os !== "linux" && os !== "darwin") || (arch !== "x64" && arch !== "arm64")) return undefined;
  return { os, arch: arch === "x64" ? "amd64" : "arm64" };
}

/** A release file that contains a program. */
export interface Release {
  readonly url: string;
  /** The URL of the published sha256; see {@link publishedChecksum}. */
  readonly checksums: string;
  /** The path of the program in the archive; absent if the file is the program. */
  readonly path?: string;
}

/** The release file for a platform; undefined if the program must be built. */
export type ReleaseFor = (platform: Platform) => Release | undefined;

const github = (repository: string, version: string): string =>
  `https://github.com/${repository}/releases/download/${version}`;

/** The control plane is released only for Linux, kubectl also for macOS. */
export function kubernetesRelease(name: string, version: string): ReleaseFor {
  return ({ os, arch }) => {
    if (os === "darwin" && name !== "kubectl") return undefined;
    const url = `https://dl.k8s.io/release/${version}/bin/${os}/${arch}/${name}`;
    return { url, checksums: `${url}.sha256` };
  };
}

/** kwok publishes no checksums, but GitHub does for files uploaded since June 2025. */
export function kwokRelease(version: string): ReleaseFor {
  return ({ os, arch }) => ({
    url: `${github("kubernetes-sigs/kwok", version)}/kwok-${os}-${arch}`,
    checksums: `https://api.github.com/repos/kubernetes-sigs/kwok/releases/tags/${version}`,
  });
}

export function etcdRelease(version: string): ReleaseFor {
  return ({ os, arch }) => {
    const [name, folder] = [`etcd-${version}-${os}-${arch}`, github("etcd-io/etcd", version)];
    const url = `${folder}/${name}.${os === "darwin" ? "zip" : "tar.gz"}`;
    return { url, checksums: `${folder}/SHA256SUMS`, path: `${name}/etcd` };
  };
}

export function opaRelease(version: string): ReleaseFor {
  return ({ os, arch }) => {
    const static_ = os === "darwin" && arch === "amd64" ? "" : "_static";
    const url = `${github("open-policy-agent/opa", version)}/opa_${os}_${arch}${static_}`;
    return { url, checksums: `${url}.sha256` };
  };
}

/** The archive of the CLI, with its language hosts. @param version without v */
export function pulumiRelease(name: string, version: string): ReleaseFor {
  return ({ os, arch }) => {
    const folder = "https://get.pulumi.com/releases/sdk";
    const url = `${folder}/pulumi-v${version}-${os}-${arch === "amd64" ? "x64" : arch}.tar.gz`;
    return { url, checksums: `${folder}/pulumi-${version}-checksums.txt`, path: `pulumi/${name}` };
  };
}

/** @param version without v */
export function kubernetesPluginRelease(name: string, version: string): ReleaseFor {
  return ({ os, arch }) => {
    const folder = github("pulumi/pulumi-kubernetes", `v${version}`);
    const url = `${folder}/${name}-v${version}-${os}-${arch}.tar.gz`;
    return { url, checksums: `${folder}/pulumi-kubernetes_${version}_checksums.txt`, path: name };
  };
}

const sha256 = /^[0-9a-f]{64}$/i;
const githubReleaseSchema = z.object({
  assets: z.array(z.object({ name: z.string(), digest: z.string().nullish() })),
});

/**
 * Reads the sha256 of a file from a published text, which is one of these:
 * - a list of `<sha256>  <file>`
 * - one sha256
 * - the JSON of a release from GitHub's API
 * @returns lower-case hex, or undefined if the text does not name the file
 */
export function publishedChecksum(text: string, file: string): string | undefined {
  const sums = text.trimStart().startsWith("{") ? githubDigests(text) : listedChecksums(text);
  const own =
    sums.find(([name]) => name === file) ??
    (sums.length === 1 ? sums.find(([name]) => name === "") : undefined);
  return own?.[1].toLowerCase();
}

function githubDigests(text: string): readonly (readonly [name: string, sum: string])[] {
  let answer: unknown;
  try {
    answer = JSON.parse(text);
  } catch {
    return [];
  }
  const { data } = githubReleaseSchema.safeParse(answer);
  return (data?.assets ?? []).flatMap(({ name, digest }) => {
    const sum = digest?.startsWith("sha256:") === true ? digest.slice("sha256:".length) : "";
    return sha256.test(sum) ? [[name, sum] as const] : [];
  });
}

/** The name is empty if a line has only a checksum. */
function listedChecksums(text: string): readonly (readonly [name: string, sum: string])[] {
  return text.split("\n").flatMap((line) => {
    const [sum = "", name = ""] = line.trim().split(/\s+/);
    return sha256.test(sum) ? [[name.replace(/^\*/, "").replace(/^.*\//, ""), sum] as const] : [];
  });
}
