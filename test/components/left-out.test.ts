import { setTimeout } from "node:timers/promises";
import type { ComponentResource } from "@pulumi/pulumi";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { stackGrants } from "../fixtures/grants.ts";
import { mockPulumi } from "./live-trustee.ts";

const STACK = "organization/project/stack";

describe("a run that leaves the policy out: --target, --exclude", () => {
  const registered: string[] = [];
  const errors = new Set<string>();
  /** What each stack wrote last. */
  const written = {
    restricts: stackGrants(STACK, { old: {}, made: {} }),
    before: stackGrants(STACK, { old: {} }),
    denies: { ...stackGrants(STACK, {}), others: "deny" },
  } as const;
  type Written = keyof typeof written;

  // A program that fails in an output ends by an unhandled rejection.
  const others = process.listeners("unhandledRejection");
  const note = (error: unknown): void =>
    void errors.add(error instanceof Error ? (error.stack ?? "") : String(error));
  beforeAll(async () => {
    process.removeAllListeners("unhandledRejection").on("unhandledRejection", note);
    await mockPulumi({
      call: () => ({}),
      newResource: ({ type, name, inputs }) => {
        registered.push(`${type} ${name}`);
        // The engine answers with the state.
        const found = type === "trustee:index:ResourcePolicy" ? { policy: written[name as Written] } : {};
        return { id: `${name}-id`, state: { ...(inputs as object), ...found } };
      },
    });
  }, 60_000);
  afterAll(() => {
    process.removeAllListeners("unhandledRejection");
    for (const one of others) process.on("unhandledRejection", one);
  });

  /** The resources of a secret that are registered. */
  async function secretAfter(policy: Written, grants = stackGrants(STACK, { old: {}, made: {} })) {
    const { KbsSecret, ResourcePolicy } = await import("../../components/index.ts");
    errors.clear();
    registered.length = 0;
    const before = new ResourcePolicy(policy, { key: "policy.rego", grants });
    const secret: ComponentResource = new KbsSecret(
      "made",
      { data: { k: "" } },
      { dependsOn: before.before("made") },
    );
    await Promise.race([
      new Promise((resolve) => secret.urn.apply(resolve)),
      (async () => {
        while (errors.size === 0) await setTimeout(1);
      })(),
    ]);
    await setTimeout(50);
    return registered.filter((one) => one.endsWith(" made")).sort();
  }
  const resources = [
    "kubernetes:core/v1:Secret made",
    "trustee-access:index:KbsSecret made",
    "trustee:index:KbsSecretEntry made",
  ];

  it("neither creates nor lists a secret that the policy does not restrict", async () => {
    expect(await secretAfter("before")).toEqual([]);
    expect([...errors]).toEqual([
      'TA843 This run leaves out the resource policy, which does not restrict the secret "made" as declared yet. ' +
        "Every affirming pod could read the secret, so the run stops. A new secret is neither created nor listed; a listed secret stays open until the policy is written. " +
        "Run pulumi up without --target and --exclude, or name the policy too: --target '**::resource-policy'.",
    ]);
  });

  it.each(["restricts", "denies"] as const)("goes on if the policy %s it", async (policy) => {
    expect(await secretAfter(policy)).toEqual(resources);
    expect([...errors]).toEqual([]);
  });

  it("goes on if the program does not restrict it", async () => {
    expect(await secretAfter("before", stackGrants(STACK, { old: {} }))).toEqual(resources);
    expect([...errors]).toEqual([]);
  });
});
