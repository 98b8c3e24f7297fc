import { execFileSync } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { parseOutputs } from "../../cli/live/stack.ts";
import type { Sandbox } from "../../sandbox/api.ts";
import { curl, initdataAnnotation, readable, sharedData } from "./support/cluster.ts";
import { startOtherPod } from "./support/other-pod.ts";
import { takeSandbox } from "./support/shared-sandbox.ts";

/** Installs the package, as npm publishes it, and its dependencies into a folder's node_modules. */
function installPackage(folder: string): void {
  const packed = execFileSync("npm", ["pack", "--json", "--pack-destination", folder], {
    stdio: ["ignore", "pipe", "ignore"],
  });
  const [{ filename } = { filename: "" }] = JSON.parse(packed.toString("utf8")) as { filename: string }[];
  const modules = join(folder, "node_modules");
  mkdirSync(join(modules, "trustee-access"), { recursive: true });
  execFileSync("tar", [
    ...["xzf", join(folder, filename), "--strip-components", "1"],
    ...["-C", join(modules, "trustee-access")],
  ]);
  for (const name of readdirSync("node_modules")) {
    symlinkSync(resolve("node_modules", name), join(modules, name));
  }
}

describe("the components as a library of another program", () => {
  const folder = mkdtempSync(join(tmpdir(), "trustee-access-library-"));
  let sandbox: Sandbox;
  let before: unknown;

  beforeAll(async () => {
    sandbox = await takeSandbox();
    before = await sharedData(sandbox);
    installPackage(folder);
  }, 1_800_000);
  afterAll(async () => {
    await sandbox.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  async function pulumi(example: string, ...args: readonly string[]): Promise<string> {
    const cwd = join(folder, example);
    const { exitCode, stdout, stderr } = await sandbox.pulumi([...args, "--stack", example], { cwd });
    if (exitCode !== 0) throw new Error(`pulumi ${args.join(" ")}: ${stdout}\n${stderr}`);
    return stdout;
  }

  it("install the command trustee-access", () => {
    const program = join(folder, "node_modules/trustee-access/cli/trustee-access.mjs");
    const help = execFileSync(process.execPath, [program, "help", "lint"], { encoding: "utf8" });
    expect(help).toMatch(/^Usage: trustee-access lint /);
  });

  it.each([
    ["library", "orders", "orders-db/password"],
    ["components", "payments", "payments-key/key"],
  ])(
    "deploy examples/%s: its pod reads the secret, no changes follow, and destroy leaves nothing",
    async (name, pod, path) => {
      cpSync(join("examples", name), join(folder, name), { recursive: true });
      symlinkSync(join(folder, "node_modules"), join(folder, name, "node_modules"));
      await pulumi(name, "stack", "init");
      await pulumi(name, "up", "--yes", "--skip-preview");
      expect(await curl(sandbox, pod, path)).toMatch(/^[A-Za-z0-9]{32}$/);
      const outputs = JSON.parse(await pulumi(name, "stack", "output", "--json")) as Record<string, unknown>;
      if (name === "library") {
        // As the commands read them.
        expect(parseOutputs(outputs, "")).toMatchObject({
          matrix: ["        orders-db/password", "orders  ✓ may read"],
        });
      }
      const pcr8 = execFileSync(
        "bash",
        [
          "-c",
          `(printf '%064d' 0; base64 -d | gunzip | sha256sum | cut -d' ' -f1) | xxd -r -p | sha256sum | cut -d' ' -f1`,
        ],
        { input: await initdataAnnotation(sandbox, pod) },
      );
      expect(name === "library" ? outputs["initData"] : { [pod]: outputs["initData"] }).toEqual({
        [pod]: pcr8.toString("utf8").trim(),
      });
      const removeOther = await startOtherPod(sandbox, pod, "other", "kbsres1/key1");
      expect({
        its: await readable(sandbox, pod, path),
        others: await readable(sandbox, "other", path),
        unrestricted: await readable(sandbox, "other", "kbsres1/key1"),
      }).toEqual({ its: true, others: false, unrestricted: true });
      await removeOther();
      await pulumi(name, "preview", "--refresh", "--expect-no-changes");
      await pulumi(name, "destroy", "--yes", "--skip-preview");
      expect(await sharedData(sandbox)).toEqual(before);
    },
  );
});
