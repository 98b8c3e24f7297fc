import { chmodSync } from "node:fs";
import { delimiter, join } from "node:path";
import { afterEach, describe, expect, it, vi } from "vitest";
import { readKbsLogs } from "../../../cli/live/read-kbs-log.ts";
import { folderWith } from "../../kube/api-server.ts";

/**
 * Replaces kubectl by a program.
 * @param script of sh; `$2` is the pod
 */
function kubectl(script: string): void {
  const folder = folderWith({ kubectl: `#!/bin/sh\n${script}\n` });
  chmodSync(join(folder, "kubectl"), 0o755);
  vi.stubEnv("PATH", `${folder}${delimiter}${process.env["PATH"]}`);
}

afterEach(() => {
  vi.unstubAllEnvs();
});

describe("the logs of the KBS's pods", () => {
  it("are read one by one, each line with its time", async () => {
    kubectl('echo "2026-03-01T00:00:00.123456789Z [a] $2"; echo "$*" >&2');
    const at = Date.parse("2026-03-01T00:00:00.123Z");
    expect(await readKbsLogs({}, "ns", ["kbs-1", "kbs-2"])).toEqual([
      [{ at, text: "[a] kbs-1" }],
      [{ at, text: "[a] kbs-2" }],
    ]);
  });

  it.each([
    ["exec sleep 60", "kubectl timed out"],
    ["exit 1", "kubectl failed without a message"],
    [
      'echo "Error from server (Forbidden): no" >&2; echo more >&2; exit 1',
      "Error from server (Forbidden): no",
    ],
  ])("have the problem in place of lines if reading fails: %s", async (script, problem) => {
    kubectl(script);
    expect(await readKbsLogs({}, "ns", ["kbs-1"], 500)).toEqual([problem]);
  });
});
