import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { countCalls, isWrite, type CallResult } from "../../sandbox/bench/api-calls.ts";
import { generations } from "../../core/trustee/generation.ts";
import { startSandbox, type Sandbox } from "../../sandbox/api.ts";

describe.each(generations)("the number of calls to Trustee's API server, on Trustee %s", (trustee) => {
  let sandbox: Sandbox;
  beforeAll(async () => {
    sandbox = await startSandbox({ name: `e2e-calls-${trustee.replace(".", "-")}`, trustee });
  }, 1_800_000);
  afterAll(async () => {
    await sandbox.stop();
  });

  const callsFor = async (pods: number): Promise<readonly CallResult[]> =>
    countCalls(sandbox, pods, () => undefined);

  it("is the same for 2 and for 12 pods, except for rollouts and conflicts", async () => {
    const [few, many] = [await callsFor(2), await callsFor(12)];
    expect(few.map(({ command }) => command)).toEqual(["first up", "no-change up", "destroy"]);
    expect(few.map(({ calls }) => calls.some(isWrite))).toEqual([true, false, true]);
    // Lists each call, so that a failure shows the superfluous one.
    const callsOf = (results: readonly CallResult[]): unknown =>
      results.map(({ command, calls }) => ({ command, calls }));
    expect(callsOf(many)).toEqual(callsOf(few));
  });
});
