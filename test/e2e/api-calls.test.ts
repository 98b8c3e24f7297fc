import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { countCalls, isWrite, type CallResult, type CountedProject } from "../../sandbox/bench/api-calls.ts";
import { fleetSettings } from "../../sandbox/bench/fleet.ts";
import { generations } from "../../core/trustee/generation.ts";
import { startSandbox, type Sandbox } from "../../sandbox/api.ts";
import { Project, type Configuration } from "./support/project.ts";

describe.each(generations)("the number of calls to Trustee's API server, on Trustee %s", (trustee) => {
  let sandbox: Sandbox;
  beforeAll(async () => {
    sandbox = await startSandbox({ name: `e2e-calls-${trustee.replace(".", "-")}`, trustee });
  }, 1_800_000);
  afterAll(async () => {
    await sandbox.stop();
  });

  /** Served by a warm host, unlike that of the benchmark. */
  const makeFleet = async (pods: number, trustee: Configuration): Promise<CountedProject> => {
    const project = new Project(sandbox, `fleet-${pods}`);
    await project.init({ ...fleetSettings(pods), trustee });
    return {
      run: async (...command) => {
        await project.succeed(...command, "--stack", project.stack);
      },
      dispose: async () => project.dispose(),
    };
  };
  const callsFor = async (pods: number): Promise<readonly CallResult[]> =>
    countCalls(
      sandbox,
      pods,
      () => undefined,
      async (setting) => makeFleet(pods, setting),
    );

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
