import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { countCalls, type CallResult } from "../../bench/api-calls.ts";
import { generations } from "../../core/trustee/generation.ts";
import { startSandbox, type Sandbox } from "../../sandbox/api.ts";

describe.each(generations)("what is asked of Trustee's API server, on Trustee %s", (trustee) => {
  let sandbox: Sandbox;
  beforeAll(async () => {
    sandbox = await startSandbox({ name: `e2e-calls-${trustee.replace(".", "-")}`, trustee });
  }, 1_800_000);
  afterAll(async () => {
    await sandbox.stop();
  });

  const asked = async (pods: number): Promise<readonly CallResult[]> =>
    countCalls(sandbox, pods, () => undefined);

  it("does not grow from 2 pods to 12, beside the reads that wait for a rollout", async () => {
    const [few, many] = [await asked(2), await asked(12)];
    const commands = ["first up", "no-change up", "destroy"];
    expect([few, many].map((results) => results.map(({ command }) => command))).toEqual([commands, commands]);
    for (const results of [few, many]) {
      expect(results[0]?.writes).toBeGreaterThan(0);
      expect(results[1]?.writes).toBe(0);
      expect(results[2]?.writes).toBeGreaterThan(0);
    }
    // One call a pod would be ten more. A rollout that the operator is late with takes an eviction or a restart, and a
    // conflict with the operator takes the read and the write again: whether they do is a matter of time, not of pods.
    const tolerated = 4;
    many.forEach(({ writes, reads }, index) => {
      expect(writes).toBeLessThanOrEqual((few[index]?.writes ?? 0) + tolerated);
      expect(reads).toBeLessThanOrEqual((few[index]?.reads ?? 0) + tolerated);
    });
  });
});
