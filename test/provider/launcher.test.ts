import { cpSync, mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { execFileSync } from "node:child_process";
import { join } from "node:path";
import { execa } from "execa";
import { expect, it } from "vitest";
import { sharedFolder } from "../support/folders.ts";

const folder = sharedFolder();
mkdirSync(join(folder, "bin"));
mkdirSync(join(folder, "provider"));
cpSync("provider/pulumi-resource-trustee", join(folder, "provider/pulumi-resource-trustee"));
const dirname = execFileSync("sh", ["-c", "command -v dirname"], { encoding: "utf8" }).trim();
symlinkSync(dirname, join(folder, "bin/dirname"));

/** Starts the provider away from a clone, where only the PATH has a node. */
async function start() {
  const { exitCode, stderr } = await execa("/bin/sh", [join(folder, "provider/pulumi-resource-trustee")], {
    env: { PATH: join(folder, "bin") },
    extendEnv: false,
    reject: false,
  });
  return { exitCode, stderr };
}

it("the provider names what it needs if there is no Node, or an older one", async () => {
  expect(await start()).toEqual({
    exitCode: 1,
    stderr:
      "TA953 The provider trustee needs Node 22.18 or newer, and there is no node on PATH. Install one; in a clone, npm ci brings it.",
  });
  const old = join(folder, "old.cjs");
  writeFileSync(old, 'Object.defineProperty(process, "versions", { value: { node: "20.1.0" } });\n');
  const node = `#!/bin/sh\nexec '${process.execPath}' -r '${old}' "$@"\n`;
  writeFileSync(join(folder, "bin/node"), node, { mode: 0o755 });
  expect(await start()).toEqual({
    exitCode: 1,
    stderr:
      "TA953 The provider trustee needs Node 22.18 or newer; this is 20.1.0. Install a newer one; in a clone, npm ci brings it.",
  });
});
