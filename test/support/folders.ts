import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, onTestFinished } from "vitest";

function newFolder(removeAfter: (remove: () => void) => void): string {
  const folder = mkdtempSync(join(tmpdir(), "trustee-access-test-"));
  removeAfter(() => {
    rmSync(folder, { recursive: true, force: true });
  });
  return folder;
}

/** A new folder. It is removed after the test that calls this, directly or in beforeEach. */
export const temporaryFolder = (): string => newFolder(onTestFinished);

/** A new folder for all tests of a file or a block. It is removed after them. */
export const sharedFolder = (): string => newFolder(afterAll);
