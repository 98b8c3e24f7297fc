import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { beforeEach, describe, expect, test } from "vitest";
import { cacheFolder } from "../../sandbox/tools/build.ts";
import { KUBERNETES_PLUGIN_VERSION, type ToolModule, toolModules } from "../../sandbox/tools/catalog.ts";
import { findFamily, isFitting, parseVersion } from "../../sandbox/tools/installed.ts";
import { checkRequirements } from "../../sandbox/tools/requirements.ts";
import { temporaryFolder } from "../support/folders.ts";

let folder: string;
beforeEach(() => {
  folder = temporaryFolder();
});

/** Creates a program on PATH that prints one line. */
async function program(name: string, line: string, place = "bin"): Promise<string> {
  const file = join(folder, place, name);
  await mkdir(join(folder, place), { recursive: true });
  await writeFile(file, `#!/bin/sh\necho '${line}'\n`, { mode: 0o755 });
  return file;
}

const family = (name: string): ToolModule["tools"] =>
  toolModules.flatMap((module) => module.tools).filter((tool) => tool.family === name);

describe("an installed tool", () => {
  test.each([
    ["etcd Version: 3.6.16", [3, 6]],
    ["Kubernetes v1.37.2", [1, 37]],
    ["Client Version: v1.32.4-dispatcher\nKustomize Version: v5.5.0", [1, 32]],
    ["v3.259.0", [3, 259]],
    ["kwok version v0.8.0 go1.26.8 (linux/amd64)", [0, 8]],
    ["Version: 1.22.2\nBuild Commit:", [1, 22]],
    ["no version", undefined],
  ])("has its version in %j", (text, version) => {
    expect(parseVersion(text)).toEqual(version);
  });

  test.each([
    [[3, 5], true],
    [[3, 6], true],
    [[3, 4], false],
    [[4, 0], false],
    [[2, 9], false],
    [undefined, false],
  ] as const)("of version %j fits 3.5: %s", (version, fits) => {
    expect(isFitting(version, [3, 5])).toBe(fits);
  });

  test("is used from PATH together with its family", async () => {
    const pulumi = await program("pulumi", "v3.259.0");
    const language = await program("pulumi-language-nodejs", "");
    const found = await findFamily(family("pulumi"), join(folder, "bin"));
    expect([...found]).toEqual([
      ["pulumi-language-nodejs", language],
      ["pulumi", pulumi],
    ]);
  });

  test("is not used if the rest of its family is not in its folder", async () => {
    await program("pulumi", "v3.259.0");
    await program("pulumi-language-nodejs", "", "elsewhere");
    const path = `${join(folder, "bin")}:${join(folder, "elsewhere")}`;
    expect([...(await findFamily(family("pulumi"), path))]).toEqual([]);
  });

  test("is not used if one of its family has another minor version", async () => {
    await program("kube-apiserver", "Kubernetes v1.36.0");
    await program("kube-controller-manager", "Kubernetes v1.37.0");
    await program("kube-scheduler", "Kubernetes v1.37.0");
    expect([...(await findFamily(family("kubernetes"), join(folder, "bin")))]).toEqual([]);
    await program("kube-apiserver", "Kubernetes v1.37.1");
    expect((await findFamily(family("kubernetes"), join(folder, "bin"))).size).toBe(3);
  });
});

describe("the error for missing programs", () => {
  test("lists all of them, with how to install each", () =>
    expect(checkRequirements(folder, true)).rejects.toThrow(
      [
        "The sandbox needs programs that are missing here:",
        "  - go is not on PATH: install Go 1.26 or newer, which builds Kubernetes and Pulumi from source: https://go.dev/dl",
        "  - openssl is not on PATH: install openssl, which makes the certificates: your system's package manager (apt install openssl, brew install openssl)",
        "  - curl is not on PATH: install curl, which reads secrets in the sandbox's pods: your system's package manager (apt install curl, brew install curl)",
      ].join("\n"),
    ));

  test("includes a Go that is too old and must not download a newer one", async () => {
    await program("go", "");
    await program("openssl", "");
    await program("curl", "");
    await writeFile(join(folder, "bin", "go"), "#!/bin/sh\necho go1.24.1\necho local\n");
    await expect(checkRequirements(join(folder, "bin"), true)).rejects.toThrow(
      / {2}- go is go1\.24\.1, which is too old/,
    );
    await writeFile(join(folder, "bin", "go"), "#!/bin/sh\necho go1.24.1\necho auto\n");
    await expect(checkRequirements(join(folder, "bin"), true)).resolves.toBeUndefined();
  });

  test("does not include Go if nothing must be built", async () => {
    await program("openssl", "");
    await program("curl", "");
    await expect(checkRequirements(join(folder, "bin"), false)).resolves.toBeUndefined();
  });
});

describe("the cache", () => {
  const [module] = toolModules.filter(({ name }) => name === "cluster");
  const [tool] = module?.tools ?? [];

  test("has a folder per Go version, linker flags, compiler flags and module", async () => {
    if (module === undefined || tool === undefined) throw new Error("no tools");
    const opa = toolModules.find(({ name }) => name === "opa") ?? module;
    const folders = await Promise.all([
      cacheFolder("/cache", module, tool, "go1.26.8 linux amd64"),
      cacheFolder("/cache", module, tool, "go1.26.9 linux amd64"),
      cacheFolder("/cache", { ...module, linkerFlags: "-s" }, tool, "go1.26.8 linux amd64"),
      cacheFolder("/cache", { ...module, gcflags: "-N" }, tool, "go1.26.8 linux amd64"),
      cacheFolder("/cache", opa, tool, "go1.26.8 linux amd64"),
    ]);
    expect(new Set(folders).size).toBe(5);
    expect(folders[0]).toMatch(/^\/cache\/etcd-[0-9a-f]{16}$/);
    expect(await cacheFolder("/cache", module, tool, "go1.26.8 linux amd64")).toBe(folders[0]);
  });
});

test("the catalog has the Kubernetes plugin version that the SDK requests", async () => {
  const sdk = await readFile("node_modules/@pulumi/kubernetes/package.json", "utf8");
  expect((JSON.parse(sdk) as { version: string }).version).toBe(KUBERNETES_PLUGIN_VERSION);
});
