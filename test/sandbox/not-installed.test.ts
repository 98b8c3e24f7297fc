import { cp, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { execa } from "execa";
import { afterEach, beforeEach, expect, test } from "vitest";

let clone: string;
beforeEach(async () => {
  clone = await mkdtemp(join(tmpdir(), "trustee access clone "));
  for (const folder of ["core", "kube", "sandbox"])
    await cp(folder, join(clone, folder), { recursive: true });
});
afterEach(async () => rm(clone, { recursive: true }));

test("the sandbox command on a fresh clone reports missing dependencies", async () => {
  const main = join(clone, "sandbox", "main.ts");
  const { exitCode, stdout, stderr } = await execa(process.execPath, [main, "status"], { reject: false });
  expect({ exitCode, stdout, stderr }).toEqual({
    exitCode: 1,
    stdout: "",
    stderr: "The dependencies of this project are not installed. Install them: node scripts/install.mjs",
  });
});
