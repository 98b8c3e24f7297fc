import { afterAll, describe, expect, test } from "vitest";
import { readStackRecords, STACKS_ANNOTATION } from "../../core/policy/stack-records.ts";
import { parseRegistry } from "../../core/policy/registry.ts";
import { generationFacts, trusteeNames } from "../../core/trustee/generation.ts";
import type { PropertyMap } from "../../provider/protocol/property-value.ts";
import { stackGrants } from "../fixtures/grants.ts";
import { FaultProxy, type Call, type Fault } from "../support/fault-proxy.ts";
import { faultyBench } from "./bench.ts";
import { Engine, type TestResource } from "./engine.ts";

const GENERATION = "0.18";
const { policyKey } = generationFacts[GENERATION];
const [STAYS, LEAVES] = ["org/p/dev", "org/p/other"] as const;

const { cluster, engine, proxy } = await faultyBench(GENERATION);
const otherProxy = await FaultProxy.start(cluster.kubeconfig);
const other = await Engine.start(cluster, { stack: "other", kubeconfig: otherProxy.kubeconfig });
afterAll(async () => {
  await other.stop();
  otherProxy.stop();
});

const policyOf = (stack: string, secret: string): PropertyMap => ({
  namespace: cluster.namespace,
  configMap: trusteeNames.resourcePolicy,
  candidateKeys: [policyKey],
  policy: stackGrants(stack, { [secret]: {} }),
  registered: [secret],
});

/** The stacks in the policy, and those in the records outside it. */
async function known(): Promise<unknown> {
  const data = (await cluster.data(trusteeNames.resourcePolicy)) as Readonly<Record<string, string>>;
  const { metadata } = await cluster.get("KbsConfig", trusteeNames.kbsConfig);
  return {
    policy: (parseRegistry(data[policyKey] ?? "")?.stacks ?? []).map(({ stack }) => stack),
    records: readStackRecords(metadata.annotations?.[STACKS_ANNOTATION]).map(({ stack }) => stack),
  };
}

/** Runs something before the call of that number, among those of a method. */
function beforeCall(
  number: number,
  run: () => Promise<unknown>,
  only?: string,
): (call: Call) => Fault | undefined {
  let calls = 0;
  return ({ method }) =>
    method === (only ?? method) && (calls += 1) === number ? { before: run } : undefined;
}

test("a stack that is destroyed while the policy's ConfigMap is gone does not come back with it", async () => {
  const [staying, leaving] = [engine.resource("ResourcePolicy"), other.resource("ResourcePolicy")];
  await staying.up(policyOf(STAYS, "a"));
  await leaving.up(policyOf(LEAVES, "b"));
  const name = trusteeNames.resourcePolicy;
  const stock = (await cluster.data(name)) as Readonly<Record<string, string>>;
  const before = parseRegistry(stock[policyKey] ?? "")?.before ?? "";
  cluster.delete("ConfigMap", name);
  expect(await leaving.drift()).toBe(`ConfigMap ${name} is gone`);
  await leaving.destroy();
  cluster.configMap(name, { [policyKey]: before });
  await staying.up(policyOf(STAYS, "a"));
  expect(await known()).toEqual({ policy: [STAYS], records: [STAYS] });
  await staying.destroy();
  expect(await known()).toEqual({ policy: [], records: [] });
});

describe("a stack that is destroyed while another one is updated", () => {
  /**
   * Starts the destroy before a call of the update, and holds it before its own write of that number until the
   * update is through.
   * @returns whether both calls took place
   */
  async function race(staying: TestResource, secret: string, at: number, holdAt: number) {
    const leaving = other.resource("ResourcePolicy", "policy");
    await leaving.up(policyOf(LEAVES, "b"));
    const through = Promise.withResolvers<undefined>();
    const held = Promise.withResolvers<undefined>();
    const reached = { update: false, destroy: false };
    let destroyed: Promise<unknown> = Promise.resolve();
    otherProxy.fault = beforeCall(
      holdAt,
      async () => {
        reached.destroy = true;
        held.resolve(undefined);
        await through.promise;
      },
      "PATCH",
    );
    proxy.fault = beforeCall(at, async () => {
      reached.update = true;
      destroyed = leaving.destroy();
      await Promise.race([held.promise, destroyed]);
    });
    await staying.up(policyOf(STAYS, secret));
    through.resolve(undefined);
    await destroyed;
    proxy.heal();
    otherProxy.heal();
    if (!reached.update) await leaving.destroy();
    return reached;
  }

  test(
    "does not come back, for any order of the update's calls and the destroy's writes",
    { timeout: 120_000 },
    async () => {
      const staying = engine.resource("ResourcePolicy", "policy");
      const names = ["a", "c"] as const;
      let runs = 0;
      for (let at = 1, more = true; more; at += 1) {
        for (let holdAt = 1, inDestroy = true; inDestroy && more; holdAt += 1) {
          const { update, destroy } = await race(staying, names[runs % 2] ?? "a", at, holdAt);
          runs += 1;
          [more, inDestroy] = [update, destroy];
          expect({ at, holdAt, ...((await known()) as object) }).toEqual({
            ...{ at, holdAt, policy: [STAYS], records: [STAYS] },
          });
        }
      }
      expect(runs).toBeGreaterThan(40);
      await staying.destroy();
      expect(await known()).toEqual({ policy: [], records: [] });
    },
  );
});
