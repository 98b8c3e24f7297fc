import { dirname } from "node:path/posix";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { generations } from "../../core/trustee/generation.ts";
import type { Sandbox } from "../../sandbox/api.ts";
import { fleetSettings } from "../../sandbox/bench/projects.ts";
import { FaultProxy, type Call } from "../support/fault-proxy.ts";
import { isWrite } from "./support/faulty-stack.ts";
import { Project } from "./support/project.ts";
import { takeSandbox } from "./support/shared-sandbox.ts";

/** Calls for the rollout of the KBS: their number depends on timing. */
const ROLLOUT = /\/(deployments|replicasets|pods|events)(\/|$)/;
const CONFLICT = 409;

/**
 * The calls whose number does not depend on timing, sorted: without those for the rollout, reads of an object or its kind after its
 * deletion, which Kubernetes' plugin repeats until the object is gone, and writes that conflict with the reads before them.
 */
function settled(calls: readonly Call[]): readonly Call[] {
  const deleted = new Set<string>();
  const counted = calls.filter(({ method, path }) => {
    if (method === "DELETE") deleted.add(path).add(dirname(path));
    return !ROLLOUT.test(path) && (method !== "GET" || !deleted.has(path));
  });
  const left = counted.filter(({ status }) => status !== CONFLICT);
  for (const { path } of counted.filter(({ status }) => status === CONFLICT)) {
    const read = left.findIndex((call) => call.method === "GET" && call.path === path);
    if (read !== -1) left.splice(read, 1);
  }
  return left.sort((a, b) => textOf(a).localeCompare(textOf(b)));
}

function textOf({ method, path }: Call): string {
  return `${method} ${path}`;
}

describe.each(generations)("the number of calls to Trustee's API server, on Trustee %s", (trustee) => {
  let sandbox: Sandbox;
  beforeAll(async () => {
    sandbox = await takeSandbox(trustee);
  }, 1_800_000);
  afterAll(async () => {
    await sandbox.stop();
  });

  /** The calls of a first up, of one without changes and of destroy. The pods' cluster is reached directly. */
  const callsFor = async (pods: number): Promise<readonly (readonly Call[])[]> => {
    const proxy = await FaultProxy.start(sandbox.kubeconfig);
    const project = new Project(sandbox, `fleet-${pods}`);
    const kubeconfig = join(project.folder, "proxy.yaml");
    writeFileSync(kubeconfig, proxy.kubeconfig);
    try {
      await project.init({ ...fleetSettings(pods), trustee: { kubeconfig } });
      const commands = [() => project.up(), () => project.up(), () => project.destroy()];
      const calls: (readonly Call[])[] = [];
      for (const command of commands) {
        const before = proxy.calls.length;
        await command();
        calls.push(settled(proxy.calls.slice(before)));
      }
      return calls;
    } finally {
      await project.dispose();
      proxy.stop();
    }
  };

  it("is the same for 2 and for 12 pods, except for rollouts and conflicts", async () => {
    const [few, many] = [await callsFor(2), await callsFor(12)];
    expect(few.map((calls) => calls.some(isWrite))).toEqual([true, false, true]);
    // Lists each call, so that a failure shows the superfluous one.
    const texts = (all: readonly (readonly Call[])[]): unknown => all.map((calls) => calls.map(textOf));
    expect(texts(many)).toEqual(texts(few));
  });
});
