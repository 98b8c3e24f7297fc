import { beforeEach, describe, expect, test } from "vitest";
import { generationFacts, generations, trusteeNames } from "../../core/trustee/generation.ts";
import { unknown, type PropertyMap } from "../../provider/protocol/property-value.ts";
import { stackGrants } from "../fixtures/grants.ts";
import { TestCluster } from "./cluster.ts";
import { Engine } from "./engine.ts";
import { kbsRollout } from "./rollout-inputs.ts";

const STACK = "organization/project/dev";
const STOCK = "package policy\n\ndefault allow = true\n";

describe.each(generations)(
  "somebody replaces the policy after it was written, on Trustee %s",
  (generation) => {
    const { policyKey } = generationFacts[generation];
    const policyConfigMap = trusteeNames.resourcePolicy;
    let cluster: TestCluster;
    let engine: Engine;

    beforeEach(async () => {
      cluster = await TestCluster.withTrustee(generation);
      engine = await Engine.start(cluster);
      cluster.secret("made", { key: "value" });
      return async () => {
        await engine.stop();
        cluster.stop();
      };
    });

    const policyOf = (...secrets: readonly string[]): PropertyMap => ({
      namespace: cluster.namespace,
      configMap: policyConfigMap,
      candidateKeys: [policyKey],
      policy: stackGrants(STACK, Object.fromEntries(secrets.map((secret) => [secret, {}]))),
      registered: [...secrets],
      timeoutMinutes: 1,
    });
    const unchecked = (): PropertyMap => ({
      namespace: cluster.namespace,
      kbsConfig: trusteeNames.kbsConfig,
      secret: "made",
      secretIsCreated: true,
    });
    const entryOf = (): PropertyMap => ({ ...unchecked(), policyConfigMap, policyKey });
    const liveText = async (): Promise<string> =>
      ((await cluster.data(policyConfigMap)) as Readonly<Record<string, string>>)[policyKey] ?? "";
    const entries = async (): Promise<unknown> => cluster.entries(trusteeNames.kbsConfig);
    const refusal = (then: string): string =>
      `TA843 The resource policy in the key "${policyKey}" of ConfigMap "${policyConfigMap}" in namespace "${cluster.namespace}" does not restrict "made" as declared: ` +
      `"somebody-else" has written it last. ${then} ` +
      "Stop the client that replaces the policy (kubectl get --show-managed-fields), then run pulumi up without --target and --exclude.";
    const unlisted = "Every affirming pod could read it, so the KbsConfig does not list it yet.";

    test.each<[string, (ours: string, earlier: string) => string | null]>([
      ["another text", () => STOCK],
      ["the stack's own earlier text", (_, earlier) => earlier],
      ["its text with rules of somebody's", (ours) => `${ours}\nallow { true }\n`],
    ])("a new secret is not listed under %s", async (_, replacement) => {
      const policy = engine.resource("ResourcePolicy", "policy");
      await policy.up(policyOf("other"));
      const earlier = await liveText();
      await policy.up(policyOf("other", "made"));
      const before = await entries();
      await cluster.edit(policyConfigMap, { [policyKey]: replacement(await liveText(), earlier) });

      const entry = engine.resource("KbsSecretEntry", "made");
      expect((await entry.preview(entryOf())).op).toBe("create");
      await expect(entry.up(entryOf())).rejects.toThrow(refusal(unlisted));
      expect(await entries()).toStrictEqual(before);

      // The next run restores the policy first.
      await policy.up(policyOf("other", "made"));
      await entry.up(entryOf());
      expect(await entries()).toStrictEqual([...(before as string[]), "made"]);
    });

    test("a new secret is not listed without the key or the ConfigMap", async () => {
      const policy = engine.resource("ResourcePolicy", "policy");
      await policy.up(policyOf("made"));
      const before = await entries();
      await cluster.edit(policyConfigMap, { [policyKey]: null });
      const entry = engine.resource("KbsSecretEntry", "made");
      await expect(entry.up(entryOf())).rejects.toThrow('does not restrict "made" as declared. Every');
      cluster.delete("ConfigMap", policyConfigMap);
      await expect(entry.up(entryOf())).rejects.toThrow('does not restrict "made" as declared. Every');
      expect(await entries()).toStrictEqual(before);
    });

    test("an entry that somebody has removed is not added again either", async () => {
      await engine.resource("ResourcePolicy", "policy").up(policyOf("made"));
      const before = (await entries()) as string[];
      const entry = engine.resource("KbsSecretEntry", "made");
      await entry.up(entryOf());
      await cluster.edit(policyConfigMap, { [policyKey]: STOCK });
      // It is listed already: nothing is added.
      expect((await entry.up(entryOf())).op).toBe("same");
      await cluster.setEntries(trusteeNames.kbsConfig, before);
      await expect(entry.up(entryOf())).rejects.toThrow(refusal(unlisted));
      expect(await entries()).toStrictEqual(before);
    });

    test("a secret that the stack does not restrict is listed under any policy", async () => {
      await engine.resource("KbsSecretEntry", "made").up(unchecked());
      expect(await entries()).toContain("made");
    });

    test("the rollout ends with an error if the policy is replaced later", async () => {
      await engine.resource("ResourcePolicy", "policy").up(policyOf("made"));
      await engine.resource("KbsSecretEntry", "made").up(entryOf());
      const restricted = { configMap: policyConfigMap, key: policyKey, secrets: ["made"] };
      const ours = await liveText();
      await cluster.edit(policyConfigMap, { [policyKey]: STOCK });
      const rollout = engine.resource("Rollout");
      const inputs = kbsRollout({ secret: "1" }, ["made"], { restricted });
      await expect(rollout.up(inputs)).rejects.toThrow(
        refusal("The KBS serves what it has listed, so every affirming pod can read it now."),
      );
      await cluster.edit(policyConfigMap, { [policyKey]: ours });
      expect((await rollout.up(inputs)).op).toBe("create");
      expect((await rollout.up(inputs)).op).toBe("same");
    });

    test("another ConfigMap of the policy replaces an entry; an older release's entry stays", async () => {
      await engine.resource("ResourcePolicy", "policy").up(policyOf("made"));
      const entry = engine.resource("KbsSecretEntry", "made");
      await entry.up(unchecked());
      const { resourceVersion } = (await cluster.get("KbsConfig", trusteeNames.kbsConfig)).metadata;
      expect(await entry.up(entryOf())).toMatchObject({
        op: "update",
        diff: { policyConfigMap: "add", policyKey: "add" },
      });
      expect((await cluster.get("KbsConfig", trusteeNames.kbsConfig)).metadata.resourceVersion).toBe(
        resourceVersion,
      );
      expect((await entry.preview({ ...entryOf(), policyKey: "other.rego" })).op).toBe("update");
      // The engine asks with an unknown value before it deletes a policy that it replaces.
      for (const next of ["another-policy", unknown]) {
        expect(await entry.preview({ ...entryOf(), policyConfigMap: next })).toMatchObject({
          op: "replace",
          diff: { policyConfigMap: "update-replace" },
        });
      }
    });
  },
);
