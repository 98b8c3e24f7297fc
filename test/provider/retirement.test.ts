import { describe, expect, test } from "vitest";
import { parseRegistry } from "../../core/policy/registry.ts";
import { unknown, type PropertyMap } from "../../provider/protocol/property-value.ts";
import { bench } from "./bench.ts";
import type { TestResource } from "./engine.ts";
import { A, B, C, entry, list, LIST, MAP } from "./reference-values-fixtures.ts";
import { allKeys, stackGrants } from "../fixtures/grants.ts";

const { cluster, engine } = await bench();

const POLICY = "policy.rego";
const STOCK = "package policy\n\ndefault allow = true\n";
const STACK = "org/p/dev";
const THEIRS = list(entry([C]));

/** A policy, reference values and their retirement, for a pod with this init_data. */
class Stack {
  readonly #name: string;
  /** The readers with a grace period. */
  overlapping: readonly string[] = ["pod1"];
  readonly policy: TestResource = engine.resource("ResourcePolicy", "policy");
  readonly values: TestResource = engine.resource("ReferenceValues", "values");
  readonly retirement: TestResource = engine.resource("Retirement", "rotation");

  constructor(name: string) {
    this.#name = name;
  }

  get #policyMap(): string {
    return `${this.#name}-policy`;
  }

  get #valuesMap(): string {
    return `${this.#name}-values`;
  }

  prepare(): void {
    cluster.configMap(this.#policyMap, { [POLICY]: STOCK });
    cluster.configMap(this.#valuesMap, { [LIST]: THEIRS });
  }

  #rotation(initData: string): PropertyMap {
    return { current: { [initData]: "pod1" }, overlapping: this.overlapping };
  }

  policyInputs(initData: string): PropertyMap {
    return {
      namespace: cluster.namespace,
      configMap: this.#policyMap,
      candidateKeys: ["resource-policy.rego", POLICY],
      policy: stackGrants(STACK, { s: allKeys({ [initData]: "pod1" }) }),
      rotation: this.#rotation(initData),
    };
  }

  valuesInputs(initData: string): PropertyMap {
    return {
      namespace: cluster.namespace,
      configMap: this.#valuesMap,
      candidateKeys: [MAP, LIST],
      digests: { snp_pcr08: [initData] },
      validityDays: 365,
      rotation: this.#rotation(initData),
    };
  }

  retirementInputs(initData: string): PropertyMap {
    return {
      namespace: cluster.namespace,
      policy: { configMap: this.#policyMap, candidateKeys: ["resource-policy.rego", POLICY], stack: STACK },
      referenceValues: { configMap: this.#valuesMap, candidateKeys: [MAP, LIST], owner: this.values.urn },
      current: { [initData]: "pod1" },
      ...this.#overlaps(),
    };
  }

  #overlaps(): PropertyMap {
    const overlaps = [this.policy, this.values].flatMap(({ state }) => {
      const revision = state?.outputs["overlapRevision"];
      return typeof revision === "string" && revision !== "" ? [revision] : [];
    });
    return overlaps.length === 0 ? {} : { overlaps };
  }

  /** The first half of an `up`, before the pods. */
  async declare(initData: string): Promise<void> {
    await this.policy.up(this.policyInputs(initData));
    await this.values.up(this.valuesInputs(initData));
  }

  async up(initData: string): Promise<string> {
    await this.declare(initData);
    return (await this.retirement.up(this.retirementInputs(initData))).op;
  }

  /** The readers in the policy, and the content of the reference values. */
  async accepted(): Promise<{ readonly policy: unknown; readonly values: string }> {
    const policy = (await cluster.data(this.#policyMap)) as Record<string, string>;
    const [own] = parseRegistry(policy[POLICY] ?? "")?.stacks ?? [];
    const values = (await cluster.data(this.#valuesMap)) as Record<string, string>;
    return { policy: { now: own?.secrets, retiring: own?.retiring }, values: values[LIST] ?? "" };
  }

  async expectSame(initData: string): Promise<void> {
    expect((await this.policy.up(this.policyInputs(initData))).op).toBe("same");
    expect((await this.values.up(this.valuesInputs(initData))).op).toBe("same");
    expect((await this.retirement.up(this.retirementInputs(initData))).op).toBe("same");
  }

  async versions(): Promise<string> {
    const version = async (map: string): Promise<string> =>
      (await cluster.get("ConfigMap", map)).metadata.resourceVersion ?? "";
    return `${await version(this.#valuesMap)}/${await version(this.#policyMap)}`;
  }

  async destroy(): Promise<void> {
    await this.retirement.destroy();
    await this.values.destroy();
    await this.policy.destroy();
    expect(await cluster.data(this.#policyMap)).toStrictEqual({ [POLICY]: STOCK });
    expect(await cluster.data(this.#valuesMap)).toStrictEqual({ [LIST]: THEIRS });
  }
}

const only = (initData: string): object => ({
  policy: { now: { s: allKeys({ [initData]: "pod1" }) }, retiring: undefined },
  values: list(entry([C, initData])),
});
const both = (former: string, now: string): object => ({
  policy: { now: { s: allKeys({ [now]: "pod1" }) }, retiring: { s: allKeys({ [former]: "pod1" }) } },
  values: list(entry([C, former, now])),
});

describe("a change of initdata", () => {
  test("keeps the previous one until the retirement, which a rollout can follow", async () => {
    const stack = new Stack("change");
    stack.prepare();
    expect(await stack.up(A)).toBe("create");
    expect(stack.retirement.state?.outputs["revision"]).toBe("");
    expect(await stack.accepted()).toStrictEqual(only(A));
    await stack.expectSame(A);

    await stack.declare(B);
    expect(await stack.accepted()).toStrictEqual(both(A, B));
    expect(await stack.retirement.preview(stack.retirementInputs(B))).toMatchObject({
      op: "update",
      outputs: { revision: unknown },
    });
    expect(await stack.accepted()).toStrictEqual(both(A, B));
    await stack.retirement.up(stack.retirementInputs(B));
    expect(await stack.accepted()).toStrictEqual(only(B));
    expect(stack.retirement.state?.outputs["revision"]).toBe(await stack.versions());
    await stack.expectSame(B);
    await stack.destroy();
  });

  test("that was interrupted shows as drift, also if it was reverted, and ends with the next run", async () => {
    const stack = new Stack("back");
    stack.prepare();
    await stack.up(A);
    await stack.declare(B);
    expect(await stack.retirement.drift()).toBe("the previous initdata of pod1 is still accepted");
    await stack.declare(A);
    expect(await stack.accepted()).toStrictEqual({
      policy: { now: { s: allKeys({ [A]: "pod1" }) }, retiring: { s: allKeys({ [B]: "pod1" }) } },
      values: list(entry([C, A, B])),
    });
    expect(await stack.up(A)).toBe("update");
    expect(await stack.accepted()).toStrictEqual(only(A));
    await stack.expectSame(A);
    await stack.destroy();
  });

  test("that was refused at once and is reverted with a grace period ends in the same run", async () => {
    const stack = new Stack("reverted");
    stack.prepare();
    await stack.up(A);
    stack.overlapping = [];
    // Its pod does not become ready, so the retirement is not reached.
    await stack.declare(B);
    expect(await stack.accepted()).toStrictEqual(only(B));
    stack.overlapping = ["pod1"];
    for (const resource of [stack.policy, stack.values, stack.retirement]) await resource.refresh();
    await stack.policy.step(stack.policyInputs(A));
    await stack.values.step(stack.valuesInputs(A));
    expect(await stack.accepted()).toMatchObject({ policy: { retiring: { s: allKeys({ [B]: "pod1" }) } } });
    expect((await stack.retirement.step(stack.retirementInputs(A))).op).toBe("update");
    expect(await stack.accepted()).toStrictEqual(only(A));
    expect(stack.retirement.state?.outputs["revision"]).toBe(await stack.versions());
    await stack.expectSame(A);
    await stack.destroy();
  });

  test("with a forged reader name shows it escaped", async () => {
    const stack = new Stack("forged");
    stack.prepare();
    await stack.up(A);
    await stack.declare(B);
    const policy = (await cluster.data("forged-policy")) as Record<string, string>;
    const forged = (policy[POLICY] ?? "").replaceAll(
      `"retiring":{"s":{"*":{"azure-vtpm":{"${A}":"pod1"}}}}`,
      `"retiring":{"s":{"*":{"azure-vtpm":{"${A}":"x\\u001b[2J\\nall is well"}}}}`,
    );
    expect(forged).not.toBe(policy[POLICY]);
    await cluster.edit("forged-policy", { [POLICY]: forged });
    expect(await stack.retirement.drift()).toBe(
      String.raw`the previous initdata of x\u{1b}\u{5b}2J\u{a}all is well is still accepted`,
    );
  });

  test("that was killed before its state was saved continues", async () => {
    const stack = new Stack("killed");
    stack.prepare();
    await stack.up(A);
    const states = [stack.policy.state, stack.values.state];
    await stack.declare(B);
    [stack.policy.state, stack.values.state] = states;
    expect(await stack.up(B)).toBe("update");
    expect(await stack.accepted()).toStrictEqual(only(B));
    await stack.expectSame(B);
    const { state } = stack.retirement;
    await stack.declare(A);
    await stack.retirement.up(stack.retirementInputs(A));
    // Killed after its write: nothing is left to remove, but a rollout must follow.
    stack.retirement.state = state;
    await stack.retirement.up(stack.retirementInputs(A));
    expect(stack.retirement.state?.outputs["revision"]).toBe(await stack.versions());
    await stack.destroy();
  });

  test("that is destroyed half way restores the original content", async () => {
    const stack = new Stack("half");
    stack.prepare();
    await stack.up(A);
    await stack.declare(B);
    await stack.destroy();
  });

  test("does not restore a previous digest that was removed by hand", async () => {
    const stack = new Stack("by-hand");
    stack.prepare();
    await stack.up(A);
    await stack.declare(B);
    await cluster.edit("by-hand-values", { [LIST]: list(entry([C, B])) });
    await stack.up(B);
    expect(await stack.accepted()).toStrictEqual(only(B));
    await stack.expectSame(B);
    await stack.destroy();
  });

  test("whose entry was removed by hand: the retirement adds none, and the next run adds a valid one", async () => {
    const stack = new Stack("emptied");
    stack.prepare();
    await stack.up(A);
    await stack.declare(B);
    await cluster.edit("emptied-values", { [LIST]: "[]" });
    await stack.retirement.up(stack.retirementInputs(B));
    expect((await stack.accepted()).values).toBe("[]");
    expect(await stack.values.drift()).toBe("missing: the entry snp_pcr08");
    await stack.up(B);
    expect(JSON.parse((await stack.accepted()).values)).toStrictEqual([
      { name: "snp_pcr08", expiration: expect.stringMatching(/^20\d\d-.*Z$/) as unknown, value: [B] },
    ]);
    await stack.expectSame(B);
  });

  test("with another team's entry of the same name removes the previous digest from both, and destroy all of ours", async () => {
    const stack = new Stack("before");
    stack.prepare();
    await stack.up(A);
    const first = entry(["x"], { expiration: "2035-01-01T00:00:00Z" });
    await cluster.edit("before-values", { [LIST]: list(first, entry([C, A])) });
    await stack.up(B);
    const held = list({ ...first, value: ["x", B] }, entry([C, B]));
    expect((await stack.accepted()).values).toBe(held);
    await stack.expectSame(B);
    await stack.retirement.destroy();
    await stack.values.destroy();
    expect((await stack.accepted()).values).toBe(list(first, entry([C])));
  });
});
