import { beforeEach, describe, expect, test } from "vitest";
import { parseRegistry } from "../../core/policy/registry.ts";
import { KEEP_ANNOTATION, ownerAnnotations, ownerLabels } from "../../core/trustee/ownership.ts";
import { generationFacts, trusteeNames } from "../../core/trustee/generation.ts";
import type { PropertyMap } from "../../provider/protocol/property-value.ts";
import { TestCluster } from "./cluster.ts";
import { Engine, type TestResource } from "./engine.ts";
import { STACK, trusteeArgs } from "./trustee-args.ts";
import { stackGrants } from "../fixtures/grants.ts";

const GENERATION = "0.18";
const { policyKey, referenceValuesKey } = generationFacts[GENERATION];
const DIGEST = "ab".repeat(32);

/** One stack's content of the shared objects: a policy, an entry, digests. */
class Stack {
  readonly policy: TestResource;
  readonly entry: TestResource;
  readonly values: TestResource;
  readonly #cluster: TestCluster;

  constructor(cluster: TestCluster, engine: Engine) {
    this.#cluster = cluster;
    this.policy = engine.resource("ResourcePolicy", "policy");
    this.entry = engine.resource("KbsSecretEntry", "made");
    this.values = engine.resource("ReferenceValues", "values");
  }

  async up(identity: string | undefined, stack: string = STACK, digest = DIGEST): Promise<void> {
    const id: PropertyMap = identity === undefined ? {} : { identity };
    const { namespace } = this.#cluster;
    const policy = stackGrants(stack, { made: { "*": { "azure-vtpm": { [digest]: "pod" } } } });
    await this.policy.up({
      ...{ namespace, configMap: trusteeNames.resourcePolicy, candidateKeys: [policyKey], policy },
      ...{ registered: ["made"], ...id },
    });
    await this.entry.up({
      ...{ namespace, kbsConfig: trusteeNames.kbsConfig, secret: "made", secretIsCreated: true, ...id },
    });
    await this.values.up({
      ...{ namespace, configMap: trusteeNames.referenceValues, candidateKeys: [referenceValuesKey] },
      ...{ digests: { snp_pcr08: [digest] }, validityDays: 365, ...id },
    });
  }

  async destroy(): Promise<void> {
    await this.values.destroy();
    await this.entry.destroy();
    await this.policy.destroy();
  }
}

describe("a stack is known by its identity", () => {
  let cluster: TestCluster;
  let engine: Engine;
  const engines: Engine[] = [];
  const start = async (options: Parameters<typeof Engine.start>[1] = {}): Promise<Engine> => {
    const started = await Engine.start(cluster, options);
    engines.push(started);
    return started;
  };
  const made = (annotations: object, data = {}): void => {
    cluster.secret("made", data, { labels: ownerLabels, annotations });
  };
  const marks = async (): Promise<readonly string[]> => {
    const objects = await Promise.all([
      cluster.get("ConfigMap", trusteeNames.referenceValues),
      cluster.get("KbsConfig", trusteeNames.kbsConfig),
    ]);
    return objects.map(({ metadata }) => JSON.stringify(metadata.annotations ?? {}));
  };
  const lines = async (): Promise<unknown> => {
    const data = (await cluster.data(trusteeNames.resourcePolicy)) as Readonly<Record<string, string>>;
    return parseRegistry(data[policyKey] ?? "")?.stacks.map(({ stack, identity }) => [stack, identity]);
  };

  beforeEach(async () => {
    cluster = await TestCluster.withTrustee(GENERATION);
    made(ownerAnnotations(STACK), { key: "value" });
    engine = await start();
    return async () => Promise.all(engines.splice(0).map(async (one) => one.stop()));
  });

  test("objects of an older release get the identity in place, and are removed without a trace", async () => {
    const before = await cluster.sharedContent();
    const stack = new Stack(cluster, engine);
    await stack.up(undefined);
    await stack.up("mine");
    expect(await lines()).toEqual([[STACK, "mine"]]);
    for (const mark of await marks()) {
      expect(mark).toContain("mine@urn:pulumi:dev::");
      expect(mark).not.toContain('"urn:pulumi:dev::');
    }
    await stack.destroy();
    expect(await cluster.sharedContent()).toEqual(before);
  });

  test("a rename changes the names in place, and destroy restores the content", async () => {
    const before = await cluster.sharedContent();
    const stack = new Stack(cluster, engine);
    await stack.up("mine");
    const renamed = new Stack(cluster, await start({ stack: "prod" }));
    for (const part of ["policy", "entry", "values"] as const) renamed[part].state = stack[part].state;
    await renamed.up("mine", "elsewhere/project/prod", "cd".repeat(32));
    expect(await lines()).toEqual([["elsewhere/project/prod", "mine"]]);
    await renamed.destroy();
    expect(await cluster.sharedContent()).toEqual(before);
  });

  test("another stack of the same name, in another backend, is refused and loses nothing", async () => {
    const first = new Stack(cluster, engine);
    await first.up("theirs");
    const up = await cluster.sharedContent();
    const second = new Stack(cluster, await start());
    await expect(second.up("mine", STACK, "cd".repeat(32))).rejects.toThrow(
      /a line, which belongs to another stack of the same name, .*takeOver/s,
    );
    expect(await cluster.sharedContent()).toEqual(up);
    await expect(
      engine.invoke(
        "trustee:index:getTrustee",
        trusteeArgs(undefined, { ...url, stack: "org/trustee-access/dev", identity: "mine" }),
      ),
    ).rejects.toThrow(/2 problems.*KbsConfig .*an ownership record.*the reference values/s);
  });

  test("takes over what a lost state has left, if takeOver is set", async () => {
    const before = await cluster.sharedContent();
    await new Stack(cluster, engine).up("lost");
    const second = new Stack(cluster, await start({ takeOver: true }));
    await second.up("mine");
    expect(await lines()).toEqual([[STACK, "mine"]]);
    for (const mark of await marks()) expect(mark).not.toContain("lost@");
    await second.destroy();
    expect(await cluster.sharedContent()).toEqual(before);
  });

  const url = { url: "https://kbs.example.com" };
  const problems = async (more: PropertyMap): Promise<string> => {
    try {
      await engine.invoke("trustee:index:getTrustee", trusteeArgs(undefined, { ...url, ...more }));
      return "";
    } catch (error) {
      return String(error);
    }
  };

  test("a namesake's Secret is refused, and its own from before a rename is not", async () => {
    made(ownerAnnotations({ stack: STACK, identity: "theirs" }));
    expect(await problems({ createdSecrets: ["made"], identity: "mine" })).toContain(
      "another stack of the same name",
    );
    made(ownerAnnotations({ stack: "o/p/x", identity: "mine" }));
    expect(await problems({ createdSecrets: ["made"], identity: "mine" })).toBe("");
    expect(await problems({ createdSecrets: ["made"] })).toContain(
      "kubectl annotate secret made -n trustee-operator-system trustee-access/stack=org/project/dev --overwrite",
    );
  });

  test("a Secret that it created must be handed over before it can be declared as existing", async () => {
    const annotations = ownerAnnotations({ stack: STACK, identity: "mine" });
    made(annotations);
    expect(await problems({ existingSecrets: ["made"], identity: "mine" })).toContain("Hand it over first");
    expect(await problems({ existingSecrets: ["made"], identity: "another" })).toBe("");
    made({ ...annotations, [KEEP_ANNOTATION]: "true" });
    expect(await problems({ existingSecrets: ["made"], identity: "mine" })).toBe("");
  });

  test("the ConfigMaps are those that the KbsConfig names", async () => {
    const names = { kbsResourcePolicyConfigMapName: "policy", kbsRvpsRefValuesConfigMapName: "values" };
    cluster.configMap("policy", { [policyKey]: "package policy\n" });
    cluster.configMap("values", { [referenceValuesKey]: "[]" });
    await cluster.patch("KbsConfig", trusteeNames.kbsConfig, { spec: names });
    // As the operator does.
    const { spec } = await cluster.get("Deployment", trusteeNames.deployment);
    const applied = JSON.stringify(spec)
      .replaceAll(`"name":"${trusteeNames.resourcePolicy}"`, '"name":"policy"')
      .replaceAll(`"name":"${trusteeNames.referenceValues}"`, '"name":"values"');
    await cluster.patch("Deployment", trusteeNames.deployment, { spec: JSON.parse(applied) as object });
    const args = trusteeArgs(undefined, url);
    expect(await engine.invoke("trustee:index:getTrustee", args)).toMatchObject({
      policyConfigMap: "policy",
      referenceValuesConfigMap: "values",
      policy: "package policy\n",
      referenceValues: "[]",
    });
  });
});
