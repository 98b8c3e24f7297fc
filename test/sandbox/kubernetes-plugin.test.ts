import { lstat, mkdir, readlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import {
  checkPluginFolder,
  ownKubernetesPlugin,
  placeKubernetesPlugin,
} from "../../sandbox/pulumi/kubernetes-plugin.ts";
import { repositoryFolder, sandboxFolder } from "../../sandbox/state/folders.ts";
import { KUBERNETES_PLUGIN_VERSION, toolModules, type ToolOrigin } from "../../sandbox/tools/catalog.ts";
import { findFamily } from "../../sandbox/tools/installed.ts";
import { temporaryFolder } from "../support/folders.ts";

let folder: string;
beforeEach(() => {
  folder = temporaryFolder();
  vi.stubEnv("HOME", folder);
  vi.stubEnv("PULUMI_HOME", undefined);
});
afterEach(() => {
  vi.unstubAllEnvs();
});

/** Creates a Kubernetes plugin that only reports its version. @returns the program */
async function pluginOf(version: string, folder: string): Promise<string> {
  await mkdir(folder, { recursive: true });
  const module = join(folder, "plugin.mjs");
  const [serve, scripted] = ["provider/protocol/serve.ts", "test/provider/protocol/scripted-provider.ts"].map(
    (file) => JSON.stringify(join(repositoryFolder, file)),
  );
  const lines = [
    `import { serve } from ${serve};`,
    `import { scripted } from ${scripted};`,
    `await serve(scripted, ${JSON.stringify({ name: "kubernetes", version })});`,
  ];
  await writeFile(module, lines.join("\n"));
  const program = join(folder, "pulumi-resource-kubernetes");
  await writeFile(program, `#!/bin/sh\nexec '${process.execPath}' '${module}' "$@"\n`, { mode: 0o755 });
  return program;
}

const installedName = `plugins/resource-kubernetes-v${KUBERNETES_PLUGIN_VERSION}`;

describe("the Kubernetes plugin without a search on PATH", () => {
  test("is the one in the given folder, even if the user has installed one", async () => {
    const given = await pluginOf("4.35.0", join(folder, "given"));
    await pluginOf(KUBERNETES_PLUGIN_VERSION, join(folder, ".pulumi", installedName));
    expect(await ownKubernetesPlugin(join(folder, "given"))).toEqual({ file: given, from: "option" });
  });

  test("is the one that pulumi has installed, in PULUMI_HOME if that is set", async () => {
    expect(await ownKubernetesPlugin(undefined)).toBeUndefined();
    const own = await pluginOf(KUBERNETES_PLUGIN_VERSION, join(folder, ".pulumi", installedName));
    expect(await ownKubernetesPlugin(undefined)).toEqual({ file: own, from: "pulumi" });
    vi.stubEnv("PULUMI_HOME", join(folder, "elsewhere"));
    expect(await ownKubernetesPlugin(undefined)).toBeUndefined();
    const elsewhere = await pluginOf(KUBERNETES_PLUGIN_VERSION, join(folder, "elsewhere", installedName));
    expect(await ownKubernetesPlugin(undefined)).toEqual({ file: elsewhere, from: "pulumi" });
  });

  test("is neither a sandbox's nor partially installed", async () => {
    vi.stubEnv("TRUSTEE_ACCESS_HOME", join(folder, "sandboxes"));
    vi.stubEnv("PULUMI_HOME", join(sandboxFolder("mine"), "pulumi", "home"));
    await pluginOf(KUBERNETES_PLUGIN_VERSION, join(sandboxFolder("mine"), "pulumi", "home", installedName));
    expect(await ownKubernetesPlugin(undefined)).toBeUndefined();
    const own = join(folder, ".pulumi", installedName);
    await pluginOf(KUBERNETES_PLUGIN_VERSION, own);
    await writeFile(`${own}.partial`, "");
    expect(await ownKubernetesPlugin(undefined)).toBeUndefined();
  });

  test("must be in the given folder", async () => {
    await expect(checkPluginFolder(folder)).rejects.toThrow(
      `There is no pulumi-resource-kubernetes in "${folder}": give the folder that holds the program itself.`,
    );
    await pluginOf("4.34.2", folder);
    await expect(checkPluginFolder(folder)).resolves.toBeUndefined();
  });
});

describe("the Kubernetes plugin on PATH", () => {
  const family = toolModules
    .flatMap(({ tools }) => tools)
    .filter((tool) => tool.family === "kubernetes-plugin");

  test.each([
    ["4.34.0", true],
    ["4.40.1", true],
    ["4.33.9", false],
    ["5.0.0", false],
  ])("is used with version %s: %s", async (version, taken) => {
    const program = await pluginOf(version, join(folder, "bin"));
    const found = await findFamily(family, join(folder, "bin"));
    expect([...found]).toEqual(taken ? [["pulumi-resource-kubernetes", program]] : []);
  });

  test("is not used if it does not start", async () => {
    const program = join(folder, "pulumi-resource-kubernetes");
    for (const text of ["exit 1", "echo no port", "echo 1", "sleep 0.1; kill -9 $$"]) {
      await writeFile(program, `#!/bin/sh\n${text}\n`, { mode: 0o755 });
      expect([...(await findFamily(family, folder))]).toEqual([]);
    }
  });
});

describe("a sandbox's Kubernetes plugin", () => {
  const target = (): string => join(folder, "home", installedName);

  test.each([
    ["option", "4.35.1", "pulumi-resource-kubernetes v4.35.1 from FOLDER"],
    ["PATH", "4.35.1", "pulumi-resource-kubernetes v4.35.1, on PATH in FOLDER"],
    ["pulumi", "4.34.2", "pulumi-resource-kubernetes v4.34.2, as installed in FOLDER"],
    ["release", "4.34.2", "pulumi-resource-kubernetes v4.34.2, downloaded from its release"],
    ["build", "4.34.2", "pulumi-resource-kubernetes v4.34.2, built from sandbox/tools/cluster"],
  ] as const)("reports its version and its source: %s", async (from: ToolOrigin, version, source) => {
    const place = join(folder, "place");
    const file = await pluginOf(version, place);
    const plugin = await placeKubernetesPlugin(join(folder, "home"), { file, from });
    expect(plugin).toEqual({ version, source: source.replace("FOLDER", place) });
    expect((await lstat(target())).isDirectory()).toBe(true);
    expect(await readlink(join(target(), "pulumi-resource-kubernetes"))).toBe(file);
  });

  test("has an unknown version if the given program does not report it", async () => {
    const file = join(folder, "pulumi-resource-kubernetes");
    await writeFile(file, "#!/bin/sh\nexit 1\n", { mode: 0o755 });
    expect(await placeKubernetesPlugin(join(folder, "home"), { file, from: "option" })).toEqual({
      source: `pulumi-resource-kubernetes of an unknown version from ${folder}`,
    });
  });
});
