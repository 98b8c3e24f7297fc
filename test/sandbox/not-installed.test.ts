import { cp } from "node:fs/promises";
import { join } from "node:path";
import { execa } from "execa";
import { expect, test } from "vitest";
import { temporaryFolder } from "../support/folders.ts";

test("reports missing dependencies on a fresh clone", async () => {
  const clone = join(temporaryFolder(), "a clone");
  for (const folder of ["core", "kube", "sandbox"])
    await cp(folder, join(clone, folder), { recursive: true });
  const main = join(clone, "sandbox", "main.ts");
  const { exitCode, stdout, stderr } = await execa(process.execPath, [main, "status"], { reject: false });
  expect({ exitCode, stdout, stderr }).toEqual({
    exitCode: 1,
    stdout: "",
    stderr: "The dependencies of this project are not installed. Install them: node scripts/install.mjs",
  });
});
