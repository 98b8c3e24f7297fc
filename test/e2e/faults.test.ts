import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { generations } from "../../core/trustee/generation.ts";
import type { Call, Fault } from "../support/fault-proxy.ts";
import { FaultyStack, isWrite } from "./support/faulty-stack.ts";
import { patch } from "./support/objects.ts";

/** Requests of the provider `trustee`. The Kubernetes plugin has its own retries. */
function isOurs({ path }: Call): boolean {
  return /\/(configmaps|kbsconfigs|deployments|routes)\//.test(path);
}

/** Used in turn, for every third request of ours. Watches and the Kubernetes plugin's requests pass. */
const passing: readonly Fault[] = [
  { status: 500, message: "etcdserver: request timed out" },
  { status: 429, message: "too many requests", headers: { "retry-after": "1" } },
  "cut",
  { status: 503, message: "the server is currently unable to handle the request" },
  "lose-answer",
];

/** The shared objects: kind and name. */
const SHARED = /\/(configmaps|kbsconfigs)\/([\w-]+)$/;

interface Denial {
  readonly status: number;
  readonly message: string;
  /** The denial begins after this write. */
  readonly after: (call: Call) => boolean;
  readonly denies: (call: Call) => boolean;
  /** The expected message. */
  readonly says: RegExp;
}

function writesConfigMap(call: Call): boolean {
  return isWrite(call) && call.path.includes("/configmaps/");
}

/** In this order, the second denial still interrupts something. */
const denials: readonly Denial[] = [
  {
    status: 403,
    message: "forbidden: no rule allows it",
    after: isWrite,
    denies: writesConfigMap,
    says: /TA803 cannot patch configmaps "[\w-]+" in namespace "[\w-]+": forbidden: no rule allows it\. Grant the verb "patch" on configmaps to this account\./,
  },
  {
    status: 401,
    message: "Unauthorized",
    after: writesConfigMap,
    denies: () => true,
    says: /Unauthorized\. Renew the credentials of this kubeconfig context\./,
  },
];

describe.each(generations)("a stack on an API server that fails, on Trustee %s", (trustee) => {
  let stack: FaultyStack;
  beforeAll(async () => {
    stack = await FaultyStack.start(`faults-${trustee.replace(".", "-")}`, trustee);
  }, 1_800_000);
  afterAll(async () => {
    await stack.dispose();
  });
  beforeEach(() => {
    stack.stranger.watch();
  });
  afterEach(async ({ task }) => {
    await stack.stranger.stop();
    stack.stranger.expectNothingRead(task.name);
  });

  /**
   * Fails every third request of ours; the first write of the KbsConfig also hangs until the client gives
   * up.
   */
  function failEveryThird(): { readonly failed: number; readonly hung: number } {
    const seen = { asked: 0, failed: 0, hung: 0 };
    stack.proxy.fault = (call): Fault | undefined => {
      if (!isOurs(call)) return undefined;
      if (seen.hung === 0 && isWrite(call) && call.path.includes("/kbsconfigs/")) {
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

  it("completes up and destroy, if every third call fails in any transient way, and one has no answer", async () => {
    const up = failEveryThird();
    await stack.project.up();
    stack.proxy.heal();
    expect(up.hung).toBe(1);
    expect(up.failed).toBeGreaterThan(passing.length);
    await stack.expectUp();
    const destroy = failEveryThird();
    await stack.project.destroy();
    stack.proxy.heal();
    expect(destroy.hung).toBe(1);
    expect(destroy.failed).toBeGreaterThan(passing.length);
    await stack.expectRestored();
  });

  function denyInTheMiddle({ status, message, after, denies }: Denial): void {
    let begun = false;
    stack.proxy.fault = (call): Fault | undefined => {
      if (begun && denies(call)) return { status, message };
      begun ||= after(call);
      return undefined;
    };
  }

  it("reports a removed right and expired credentials in up and destroy, and continues with the next run", async () => {
    for (const [command, expectDone] of [
      ["up", async () => stack.expectUp()],
      ["destroy", async () => stack.expectRestored()],
    ] as const) {
      for (const denial of denials) {
        denyInTheMiddle(denial);
        const { exitCode, output } = await stack.runToEnd(command);
        stack.proxy.heal();
        expect({ failed: exitCode !== 0 }).toEqual({ failed: true });
        expect(output).toMatch(denial.says);
      }
      const { exitCode, output } = await stack.runToEnd(command);
      expect({ exitCode, printed: exitCode === 0 ? "" : output }).toEqual({ exitCode: 0, printed: "" });
      await expectDone();
    }
  });

  /** Each of our writes to a shared object conflicts three times: simulated, or by another client's write. */
  // Another value each time: writing the same value again would cause no conflict.
  let touched = 0;
  function collideThrice(): { readonly answered: number; readonly made: number } {
    const seen = { answered: 0, made: 0 };
    const writes = new Map<string, number>();
    stack.proxy.fault = (call): Fault | undefined => {
      const [, kind, name] = SHARED.exec(call.path) ?? [];
      if (!isWrite(call) || kind === undefined || name === undefined) return undefined;
      const count = (writes.get(name) ?? 0) + 1;
      writes.set(name, count);
      if (count % 4 === 0) return undefined;
      if (count % 4 === 2) {
        seen.made += 1;
        touched += 1;
        const metadata = { annotations: { "other-team/writes": String(touched) } };
        return {
          before: async () =>
            patch(stack.sandbox, kind === "configmaps" ? "ConfigMap" : "KbsConfig", name, { metadata }),
        };
      }
      seen.answered += 1;
      return {
        status: 409,
        message: `Operation cannot be fulfilled on ${kind} "${name}": it has been modified`,
      };
    };
    return seen;
  }

  it("merges again and completes up and destroy, if every write conflicts, simulated or real", async () => {
    const up = collideThrice();
    await stack.project.up();
    stack.proxy.heal();
    expect(up.answered).toBeGreaterThanOrEqual(6);
    expect(up.made).toBeGreaterThanOrEqual(3);
    await stack.expectUp();
    const destroy = collideThrice();
    await stack.project.destroy();
    stack.proxy.heal();
    expect(destroy.answered).toBeGreaterThanOrEqual(6);
    expect(destroy.made).toBeGreaterThanOrEqual(3);
    await stack.expectRestored();
  });

  const cordon = async (unschedulable: boolean): Promise<void> =>
    patch(stack.sandbox, "Node", "kata-worker", { spec: { unschedulable } }, "");

  /** Interrupts a command while it waits for a blocked rollout, then unblocks the rollout. */
  async function interruptedWhileWaiting(
    command: "up" | "destroy",
    resource: string,
    waits: RegExp,
  ): Promise<void> {
    await cordon(true);
    const run = stack.run(command);
    await expect.poll(() => run.output, { timeout: 120_000 }).toMatch(waits);
    const start = performance.now();
    run.interrupt();
    const { exitCode, output } = await run.ended();
    expect(performance.now() - start).toBeLessThan(5000);
    expect({ failed: exitCode !== 0 }).toEqual({ failed: true });
    expect(output).toMatch(new RegExp(`trustee:index:${resource}:\n +error: .*cancel`));
    expect(output).not.toMatch(/^\s+at /m);
    expect(await run.leftovers()).toEqual([]);
    await cordon(false);
  }

  it("ends up within seconds of ctrl-C during a rollout, and continues with the next up", async () => {
    const waits = /of 1 KBS pods run the new configuration; its rollout is under way/;
    await interruptedWhileWaiting("up", "Rollout \\(rollout\\)", waits);
    await stack.project.up();
    await stack.expectUp();
  });

  it("ends destroy within seconds of ctrl-C while the KBS serves a secret, and continues with the next destroy", async () => {
    // The previous KBS pod stays until the new one is ready. It never is.
    const strategy = { rollingUpdate: { maxUnavailable: 0 } };
    await patch(stack.sandbox, "Deployment", "trustee-deployment", { spec: { strategy } });
    const waits = /restricted until no KBS serves it: .*still mounts "p2-secret"/;
    await interruptedWhileWaiting("destroy", "ResourcePolicy \\(resource-policy\\)", waits);
    await stack.project.destroy();
    await stack.expectRestored();
  });
});
