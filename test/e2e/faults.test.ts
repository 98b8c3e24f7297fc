import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Call, Fault } from "../support/fault-proxy.ts";
import { kubectl } from "./support/cluster.ts";
import { FaultyStack, isWrite } from "./support/faulty-stack.ts";

/** What the provider `trustee` asks for, and the Kubernetes plugin, whose patience is its own, does not. */
function isOurs({ path }: Call): boolean {
  return /\/(configmaps|kbsconfigs|deployments|routes)\//.test(path);
}

/** One after the other, for every third request of ours; watches and the Kubernetes plugin's requests pass. */
const passing: readonly Fault[] = [
  { status: 500, message: "etcdserver: request timed out" },
  { status: 429, message: "too many requests", headers: { "retry-after": "1" } },
  "cut",
  { status: 503, message: "the server is currently unable to handle the request" },
  "lose-answer",
];

describe("an API server that fails", () => {
  let stack: FaultyStack;
  beforeAll(async () => {
    stack = await FaultyStack.start("faults", "0.18");
  }, 1_800_000);
  afterAll(async () => {
    await stack.dispose();
  });

  /** Fails every third request that is ours; in up, one write of the KbsConfig also hangs until it is given up. */
  function failEveryThird(hangs: number): { readonly failed: number; readonly hung: number } {
    const seen = { asked: 0, failed: 0, hung: 0 };
    stack.proxy.fault = (call): Fault | undefined => {
      if (!isOurs(call)) return undefined;
      if (seen.hung < hangs && isWrite(call) && call.path.includes("/kbsconfigs/")) {
        seen.hung += 1;
        return "hang";
      }
      seen.asked += 1;
      if (seen.asked % 3 !== 0) return undefined;
      seen.failed += 1;
      return passing[seen.failed % passing.length];
    };
    return seen;
  }

  it("every third time, in every way that passes, and once says nothing: up and destroy get through", async () => {
    const up = failEveryThird(1);
    await stack.project.up("--skip-preview");
    stack.proxy.heal();
    expect(up.hung).toBe(1);
    expect(up.failed).toBeGreaterThan(passing.length);
    await stack.expectUp();
    const destroy = failEveryThird(0);
    await stack.project.destroy();
    stack.proxy.heal();
    expect(destroy.failed).toBeGreaterThan(passing.length);
    await stack.expectRestored();
  });

  /** Credentials that expire right after the first write to a ConfigMap. */
  function expireInTheMiddle(): void {
    let expired = false;
    stack.proxy.fault = (call): Fault | undefined => {
      if (expired) return { status: 401, message: "Unauthorized" };
      if (isWrite(call) && call.path.includes("/configmaps/")) expired = true;
      return undefined;
    };
  }

  it("credentials expire in the middle of up, and of destroy: an error that says so; then it goes on", async () => {
    for (const [command, expectDone] of [
      ["up", async () => stack.expectUp()],
      ["destroy", async () => stack.expectRestored()],
    ] as const) {
      expireInTheMiddle();
      const { exitCode, output } = await stack.run(command).ended();
      stack.proxy.heal();
      expect({ failed: exitCode !== 0 }).toEqual({ failed: true });
      expect(output).toContain("Unauthorized. Renew the credentials of this kubeconfig context.");
      expect((await stack.run(command).ended()).exitCode).toBe(0);
      await expectDone();
    }
  });

  it("ctrl-C while a rollout is waited for ends within seconds; the next up goes on", async () => {
    await kubectl(stack.sandbox, "cordon", "kata-worker");
    const run = stack.run("up");
    await expect
      .poll(() => run.output, { timeout: 60_000 })
      .toMatch(/of 1 KBS pods run the new configuration; its rollout is under way/);
    const start = performance.now();
    run.interrupt();
    const { exitCode, output } = await run.ended();
    expect(performance.now() - start).toBeLessThan(5000);
    expect({ failed: exitCode !== 0 }).toEqual({ failed: true });
    expect(output).toMatch(/trustee:index:Rollout \(rollout\):\n +error: .*cancel/);
    expect(output).not.toMatch(/^\s+at /m);
    expect(await run.leftovers()).toEqual([]);
    await kubectl(stack.sandbox, "uncordon", "kata-worker");
    await stack.project.up("--skip-preview");
    await stack.expectUp();
    await stack.project.destroy();
    await stack.expectRestored();
  });
});
