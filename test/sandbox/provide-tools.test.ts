import { mkdir, readdir, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { toolModules } from "../../sandbox/tools/catalog.ts";
import { findOnPath } from "../../sandbox/tools/installed.ts";
import { planTools, provideTools, type Surroundings } from "../../sandbox/tools/resolve.ts";
import { ReleaseHosts, releaseOf } from "./support/release-hosts.ts";
import { temporaryFolder } from "../support/folders.ts";

const tools = toolModules.flatMap((module) => module.tools);
const names = tools.map(({ name }) => name);

const hosts = new ReleaseHosts();
let folder: string;
let surroundings: Surroundings;
beforeEach(async () => {
  folder = temporaryFolder();
  hosts.answers.clear();
  hosts.requests.length = 0;
  await hosts.start();
  const path = join(folder, "bin");
  await mkdir(path);
  // The only programs on this machine.
  for (const name of ["sh", "tar", "gzip", "mkdir", "touch", "dirname", "basename"]) {
    await symlink((await findOnPath(name, process.env["PATH"] ?? "")) ?? name, join(path, name));
  }
  for (const name of ["openssl", "curl"]) await script(name, "");
  vi.stubEnv("PATH", path);
  // Long timeouts: every host answers here, even on a loaded machine.
  surroundings = {
    cache: join(folder, "cache"),
    path,
    network: { ...hosts.network(), answer: 10_000, stall: 10_000 },
  };
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await hosts.stop();
});

async function script(name: string, text: string): Promise<void> {
  await writeFile(join(folder, "bin", name), `#!/bin/sh\n${text}\n`, { mode: 0o755 });
}

/**
 * A fake Go that records its calls and creates empty programs.
 * @param failing the module that it fails to build
 */
async function fakeGo(failing = "none"): Promise<void> {
  await script(
    "go",
    `
case "$1" in
env) if [ "$3" = GOTOOLCHAIN ]; then printf 'go1.26.8\\nauto\\n'; else printf 'go1.26.8\\nlinux\\namd64\\n'; fi ;;
list) printf 'one\\ntwo\\nthree\\n' ;;
build)
  mkdir -p "$GOCACHE"
  touch "$GOCACHE/object"
  echo "$(basename "$PWD") CGO_ENABLED=$CGO_ENABLED GOCACHE=$GOCACHE GOFLAGS=$GOFLAGS GOWORK=$GOWORK $*" >> '${folder}/go.log'
  printf 'go: downloading one v1\\none\\ntwo\\n' >&2
  if [ "$(basename "$PWD")" = '${failing}' ]; then echo 'two: broken' >&2; exit 1; fi
  shift
  while [ "$1" != -o ]; do shift; done
  output=$2
  shift 2
  for package in "$@"; do
    case "$package" in */v[0-9]) package=$(dirname "$package") ;; esac
    printf '#!/bin/sh\\n' > "$output/$(basename "$package")"
    chmod +x "$output/$(basename "$package")"
  done ;;
esac`,
  );
  const chmod = await findOnPath("chmod", "/usr/bin:/bin");
  await symlink(chmod ?? "chmod", join(folder, "bin", "chmod"));
}

interface Provided {
  /** The source of each tool. */
  readonly from: Readonly<Record<string, string>>;
  readonly notices: readonly string[];
  readonly lines: readonly string[];
}

async function provide(): Promise<Provided> {
  const [notices, lines]: [string[], string[]] = [[], []];
  const plan = await planTools(surroundings);
  const found = await provideTools(plan, surroundings, (text, kind) => {
    (kind === "notice" ? notices : lines).push(text);
  });
  return { from: Object.fromEntries([...found].map(([name, tool]) => [name, tool.from])), notices, lines };
}

const all = (from: string): Record<string, string> => Object.fromEntries(names.map((name) => [name, from]));

/** The content of the cache other than the tools' folders. */
async function remains(): Promise<readonly string[]> {
  return (await readdir(surroundings.cache)).filter((name) => name.startsWith("."));
}

describe("missing tools", () => {
  test("are downloaded without Go, and then used from the cache", async () => {
    await hosts.publish(tools);
    const first = await provide();
    expect({ from: first.from, notices: first.notices }).toEqual({
      from: all("release"),
      notices: [
        `Downloaded ${[...names].sort().join(", ")}; each file has the sha256 that its release publishes.`,
      ],
    });
    const before = hosts.requests.length;
    expect(await provide()).toEqual({ from: all("release"), notices: [], lines: [] });
    expect(hosts.requests).toHaveLength(before);
    expect(await remains()).toEqual([]);
  });

  test("are built if a download does not match its checksum, with a notice", async () => {
    await hosts.publish(tools);
    await fakeGo();
    const kwok = tools.find(({ name }) => name === "kwok");
    if (kwok === undefined) throw new Error("no kwok");
    hosts.answers.set(releaseOf(kwok).url, Buffer.from("#!/bin/sh\necho evil\n"));
    const { from, notices } = await provide();
    expect({ from, notices: notices.slice(1) }).toEqual({
      from: { ...all("release"), kwok: "build" },
      notices: [
        expect.stringMatching(
          /^Not downloaded: kwok: https:\S+ is not what its release published: its sha256 is /,
        ),
        "Building kwok from source, once: up to 9 min on two cores.",
      ],
    });
    expect(await remains()).toEqual([]);
  });

  test("cause an error if they can be neither downloaded nor built", async () => {
    await expect(provide()).rejects.toThrow(
      /^The sandbox needs programs that are missing here:\n {2}- go is not on PATH: install Go 1\.26 or newer/,
    );
    expect(await remains()).toEqual([]);
  });

  test("are built per module, with its flags and a build cache that is removed at the end", async () => {
    await fakeGo();
    const { from, lines } = await provide();
    expect(from).toEqual(all("build"));
    const log = (await readFile(join(folder, "go.log"), "utf8")).replaceAll(/-o \S+/g, "-o OUT").split("\n");
    const cache = `GOCACHE=${surroundings.cache}/.go-build`;
    const flags = "GOFLAGS=-mod=readonly -buildvcs=false GOWORK=off";
    expect(log).toEqual([
      ...toolModules.map(
        (module) =>
          `${module.name} CGO_ENABLED=0 ${cache} ${flags} build -v -gcflags all=-dwarf=false -ldflags ${module.linkerFlags} -o OUT ${module.tools.map((tool) => tool.package).join(" ")}`,
      ),
      "",
    ]);
    expect(lines.slice(-3)).toEqual([
      "building cluster: downloading Go modules",
      "building cluster: 1 of at most 3 packages",
      "building cluster: 2 of at most 3 packages",
    ]);
    expect(await remains()).toEqual([]);
  });

  test("are built after a failed or killed build with the build cache that it left", async () => {
    await fakeGo("pulumi");
    await expect(provide()).rejects.toThrow(
      /^Building pulumi from sandbox\/tools\/pulumi with go build failed:/,
    );
    expect(await remains()).toEqual([".go-build"]);
    await mkdir(join(surroundings.cache, ".building-killed"));
    await mkdir(join(surroundings.cache, ".downloading-killed"));
    await rm(join(folder, "bin", "chmod"));
    await fakeGo();
    expect((await provide()).from).toEqual(all("build"));
    const modules = (await readFile(join(folder, "go.log"), "utf8")).trim().split("\n");
    expect(modules.map((line) => line.replace(/ .*/, ""))).toEqual([
      "language-nodejs",
      "opa",
      "pulumi",
      "pulumi",
      "cluster",
    ]);
    expect(await remains()).toEqual([]);
  });

  test("do not include a known tool", async () => {
    await hosts.publish(tools);
    const known = new Map([["kubectl", { file: "/given/kubectl", from: "option" }]] as const);
    const plan = await planTools(surroundings, known);
    const found = await provideTools(plan, surroundings, () => undefined);
    expect(found.get("kubectl")).toEqual({ file: "/given/kubectl", from: "option" });
    expect(hosts.requests.filter((url) => url.includes("kubectl"))).toEqual([]);
  });
});

test("builds Kubernetes with the version of the download", () => {
  const { linkerFlags, tools: own } = toolModules.find(({ name }) => name === "cluster") ?? {
    linkerFlags: "",
    tools: [],
  };
  const flag = (name: string): string =>
    new RegExp(`version\\.${name}=(\\S+)`).exec(linkerFlags)?.[1] ?? "none";
  expect(flag("gitVersion")).toMatch(new RegExp(`^v${flag("gitMajor")}\\.${flag("gitMinor")}\\.\\d+$`));
  const urls = own.filter(({ name }) => name.startsWith("kube")).map((tool) => releaseOf(tool).url);
  expect(urls.map((url) => url.includes(`/${flag("gitVersion")}/`))).toEqual([true, true, true, true]);
});
