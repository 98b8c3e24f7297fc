import { basename } from "node:path";
import { describe, expect, test } from "vitest";
import { toolModules } from "../../sandbox/tools/catalog.ts";
import { publishedChecksum, type Platform } from "../../sandbox/tools/releases.ts";

const tools = toolModules.flatMap((module) => module.tools);

const addresses = (platform: Platform): Record<string, unknown> =>
  Object.fromEntries(
    tools.map((tool) => {
      const release = tool.release(platform);
      return [tool.name, release && [release.url, release.checksums, release.path ?? "the file itself"]];
    }),
  );

const github = "https://github.com";
const pulumi = "https://get.pulumi.com/releases/sdk";
const kubernetes = "https://dl.k8s.io/release/v1.33.13/bin";

describe("the release of each program", () => {
  test("exists for Linux on amd64", () => {
    const server = (name: string): readonly string[] => {
      const url = `${kubernetes}/linux/amd64/${name}`;
      return [url, `${url}.sha256`, "the file itself"];
    };
    const opa = `${github}/open-policy-agent/opa/releases/download/v1.22.2/opa_linux_amd64_static`;
    const cli = `${pulumi}/pulumi-v3.259.0-linux-x64.tar.gz`;
    const plugin = `${github}/pulumi/pulumi-kubernetes/releases/download/v4.34.2`;
    const etcd = `${github}/etcd-io/etcd/releases/download/v3.5.21`;
    expect(addresses({ os: "linux", arch: "amd64" })).toEqual({
      "pulumi-language-nodejs": [
        cli,
        `${pulumi}/pulumi-3.259.0-checksums.txt`,
        "pulumi/pulumi-language-nodejs",
      ],
      opa: [opa, `${opa}.sha256`, "the file itself"],
      pulumi: [cli, `${pulumi}/pulumi-3.259.0-checksums.txt`, "pulumi/pulumi"],
      etcd: [
        `${etcd}/etcd-v3.5.21-linux-amd64.tar.gz`,
        `${etcd}/SHA256SUMS`,
        "etcd-v3.5.21-linux-amd64/etcd",
      ],
      "kube-apiserver": server("kube-apiserver"),
      "kube-controller-manager": server("kube-controller-manager"),
      "kube-scheduler": server("kube-scheduler"),
      kubectl: server("kubectl"),
      kwok: [
        `${github}/kubernetes-sigs/kwok/releases/download/v0.8.0/kwok-linux-amd64`,
        "https://api.github.com/repos/kubernetes-sigs/kwok/releases/tags/v0.8.0",
        "the file itself",
      ],
      "pulumi-resource-kubernetes": [
        `${plugin}/pulumi-resource-kubernetes-v4.34.2-linux-amd64.tar.gz`,
        `${plugin}/pulumi-kubernetes_4.34.2_checksums.txt`,
        "pulumi-resource-kubernetes",
      ],
    });
  });

  const server = ["kube-apiserver", "kube-controller-manager", "kube-scheduler"];

  test.each([
    [
      "linux",
      "arm64",
      [],
      "etcd-v3.5.21-linux-arm64.tar.gz opa_linux_arm64_static pulumi-v3.259.0-linux-arm64.tar.gz",
    ],
    [
      "darwin",
      "amd64",
      server,
      "etcd-v3.5.21-darwin-amd64.zip opa_darwin_amd64 pulumi-v3.259.0-darwin-x64.tar.gz",
    ],
    [
      "darwin",
      "arm64",
      server,
      "etcd-v3.5.21-darwin-arm64.zip opa_darwin_arm64_static pulumi-v3.259.0-darwin-arm64.tar.gz",
    ],
  ] as const)("exists for %s on %s, except %j", (os, arch, without, files) => {
    const there = addresses({ os, arch });
    expect(Object.keys(there).filter((name) => there[name] === undefined)).toEqual(without);
    const urls = ["etcd", "opa", "pulumi"].map((name) => (there[name] as readonly string[])[0] ?? "");
    expect(urls.map((url) => basename(url)).join(" ")).toBe(files);
  });
});

describe("the checksum of a file", () => {
  const [one, two] = ["1".repeat(64), "A".repeat(64)];

  test.each([
    ["of a list", `${one}  other\n${two}  it\n`, two.toLowerCase()],
    ["of a list in binary mode", `${one} *other\n${two} *it\n`, two.toLowerCase()],
    ["of a list with folders", `${one}  ./bin/it\r\n`, one],
    ["alone", `${one}\n`, one],
    ["from GitHub's API", JSON.stringify({ assets: [{ name: "it", digest: `sha256:${one}` }] }), one],
    ["missing in a list", `${one}  other\n${two}  its\n`, undefined],
    ["of another file only", `${one}  other\n`, undefined],
    ["among sums without names", `${one}\n${two}\n`, undefined],
    ["too short", "abc  it\n", undefined],
    ["by another algorithm", `${one}${one}  it\n`, undefined],
    ["that GitHub has not computed", JSON.stringify({ assets: [{ name: "it", digest: null }] }), undefined],
    ["in an answer of another form", JSON.stringify({ message: "rate limit exceeded" }), undefined],
    ["in broken JSON", "{", undefined],
    ["on a page", "<html>not here</html>", undefined],
  ])("is found or not: %s", (_, text, sum) => {
    expect(publishedChecksum(text, "it")).toBe(sum);
  });
});
