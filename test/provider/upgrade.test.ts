import { describe, expect, test } from "vitest";
import { ownerMark } from "../../core/policy/owner.ts";
import { parseRegistry } from "../../core/policy/registry.ts";
import { joinPolicy } from "../../core/policy/share.ts";
import { STACKS_ANNOTATION } from "../../core/policy/stack-records.ts";
import { convertedReferenceValues } from "../../sandbox/trustee/manifests/reference-values.ts";
import { bench } from "./bench.ts";
import { A, B, C, decoded, entry, inputsIn, list, LIST, MAP, svn } from "./reference-values-fixtures.ts";
import { plainDeployment } from "./rollout-inputs.ts";
import { stackGrants } from "../fixtures/grants.ts";

const { cluster, engine, other } = await bench();

const [OLD, NEW] = ["policy.rego", "resource-policy.rego"] as const;
const STOCK = "package policy\n\ndefault allow = true\n";

/** The program's input for the policy. */
const policyIn = (configMap: string, key: string) => ({
  namespace: cluster.namespace,
  configMap,
  candidateKeys: [key],
  policy: stackGrants("org/p/dev", { s: { "*": { "azure-vtpm": { [A]: "pod1" } } } }),
  deployment: configMap,
});

/** The program's input: the key of the generation that it found. */
const values = (configMap: string, key: string, digest: string) =>
  inputsIn(cluster.namespace, configMap, [digest], { candidateKeys: [key] });

/** Renames the key and converts its content, our digests included. */
async function convert(configMap: string): Promise<void> {
  const data = (await cluster.data(configMap)) as Readonly<Record<string, string>>;
  await cluster.edit(configMap, { [LIST]: null, [MAP]: convertedReferenceValues(data[LIST] ?? "") });
}

test("with both keys present, the preview names the move, and each key gets back its content", async () => {
  const before = { [LIST]: list(entry([B])), [MAP]: "{\n}\n" };
  cluster.configMap("beside", { [LIST]: before[LIST] });
  const resource = engine.resource("ReferenceValues");
  await resource.up(values("beside", LIST, A));
  await cluster.edit("beside", { [MAP]: before[MAP] });
  const since = engine.messages("INFO").length;
  expect((await resource.preview(values("beside", MAP, A))).op).toBe("update");
  expect(engine.messages("INFO").slice(since)).toStrictEqual([
    `Trustee now reads the key "${MAP}" of ConfigMap "beside" instead of "${LIST}". ` +
      `This stack's part moves to "${MAP}", and "${LIST}" gets back its content from before this stack.`,
  ]);
  await resource.up(values("beside", MAP, A));
  await resource.destroy();
  expect(await cluster.data("beside")).toStrictEqual(before);
});

describe("everything was converted to the new generation, including our content", () => {
  test("reference values: the preview names the move, our old digests are removed, others stay", async () => {
    const theirs = list(entry([B], { note: "x" }), svn);
    cluster.configMap("values", { [LIST]: theirs });
    const resource = engine.resource("ReferenceValues");
    await resource.up(values("values", LIST, A));
    await convert("values");
    const since = engine.messages("INFO").length;
    const moved = await resource.up(values("values", MAP, C));
    expect(engine.messages("INFO").slice(since)).toStrictEqual([
      `drift: Trustee now reads the key ${MAP} instead of ${LIST}`,
      `Trustee now reads the key "${MAP}" of ConfigMap "values" instead of "${LIST}". ` +
        `This stack's part moves to "${MAP}", and "${LIST}" gets back its content from before this stack.`,
    ]);
    expect(moved.outputs).toMatchObject({ key: MAP, added: { snp_pcr08: [C] } });
    const expected = (...digests: string[]) => ({
      [MAP]: convertedReferenceValues(
        theirs.replace(`"${B}"`, [B, ...digests].map((one) => `"${one}"`).join(",")),
      ),
    });
    expect(decoded(await cluster.data("values"))).toStrictEqual(decoded(expected(C)));
    expect((await resource.up(values("values", MAP, C))).op).toBe("same");
    await resource.destroy();
    expect(await cluster.data("values")).toStrictEqual(expected());
    expect((await cluster.get("ConfigMap", "values")).metadata.annotations).toBeUndefined();
  });

  test("an unchanged digest is still ours to remove", async () => {
    cluster.configMap("same", { [LIST]: list(entry([B])) });
    const resource = engine.resource("ReferenceValues");
    await resource.up(values("same", LIST, A));
    await convert("same");
    await resource.up(values("same", MAP, A));
    await resource.destroy();
    expect(await cluster.data("same")).toStrictEqual({ [MAP]: convertedReferenceValues(list(entry([B]))) });
  });

  test("an entry that we created is removed on destroy", async () => {
    cluster.configMap("created", { [LIST]: "[]" });
    const resource = engine.resource("ReferenceValues");
    await resource.up(values("created", LIST, A));
    await convert("created");
    await resource.up(values("created", MAP, A));
    expect((await resource.up(values("created", MAP, A))).op).toBe("same");
    await resource.destroy();
    expect(JSON.parse(String(Object.values((await cluster.data("created")) as object)[0]))).toStrictEqual({});
  });

  test("two stacks move one after the other, and each removes its own", async () => {
    cluster.configMap("shared", { [LIST]: list(entry([B])) });
    const ours = engine.resource("ReferenceValues");
    const theirs = other.resource("ReferenceValues");
    await ours.up(values("shared", LIST, A));
    await theirs.up(values("shared", LIST, C));
    await convert("shared");
    await ours.up(values("shared", MAP, A));
    await theirs.up(values("shared", MAP, C));
    await ours.destroy();
    expect(decoded(await cluster.data("shared"))).toStrictEqual(
      decoded({ [MAP]: convertedReferenceValues(list(entry([B, C]))) }),
    );
    await theirs.destroy();
    expect(await cluster.data("shared")).toStrictEqual({ [MAP]: convertedReferenceValues(list(entry([B]))) });
  });

  test("policy: the original content is restored under the new key", async () => {
    const stock = "package policy\n\ndefault allow = true\n";
    const policy = stackGrants("org/p/dev", { s: { "*": { "azure-vtpm": { [A]: "pod1" } } } });
    const given = (key: string) => ({
      namespace: cluster.namespace,
      configMap: "policy",
      candidateKeys: [key],
      policy,
    });
    cluster.configMap("policy", { "policy.rego": stock });
    const resource = engine.resource("ResourcePolicy");
    await resource.up(given("policy.rego"));
    const text = joinPolicy(stock, { ...policy, owner: ownerMark(resource.urn) });
    await cluster.edit("policy", { "policy.rego": null, "resource-policy.rego": text });
    expect(await resource.drift()).toBe(
      "Trustee now reads the key resource-policy.rego instead of policy.rego",
    );
    await resource.up(given("resource-policy.rego"));
    expect(await cluster.data("policy")).toStrictEqual({ "resource-policy.rego": text });
    await resource.destroy();
    expect(await cluster.data("policy")).toStrictEqual({ "resource-policy.rego": stock });
  });
});

describe("a destroy without an up since the upgrade, while both keys are there", () => {
  test("removes this stack's line from both keys of the policy, and each gets back its content", async () => {
    const before = { [OLD]: STOCK, [NEW]: STOCK.replace("true", "false") };
    cluster.configMap("two-keys", { [OLD]: STOCK });
    cluster.kbsConfig("two-keys", []);
    const given = (key: string, stack = "dev") => ({
      ...policyIn("two-keys", key),
      kbsConfig: "two-keys",
      policy: stackGrants(`org/p/${stack}`, { [stack]: { "*": { "azure-vtpm": { [A]: stack } } } }),
    });
    const [ours, theirs] = [engine.resource("ResourcePolicy"), other.resource("ResourcePolicy")];
    await ours.up(given(OLD));
    await theirs.up(given(OLD, "other"));
    await cluster.edit("two-keys", { [NEW]: before[NEW] });
    // It restores our line under the new key.
    await theirs.up(given(NEW, "other"));
    const stacks = async (): Promise<unknown> =>
      Object.values((await cluster.data("two-keys")) as Readonly<Record<string, string>>).map((text) =>
        parseRegistry(text)?.stacks.map(({ stack }) => stack),
      );
    expect(await stacks()).toStrictEqual([["org/p/dev"], ["org/p/dev", "org/p/other"]]);
    await ours.destroy();
    expect(await stacks()).toStrictEqual([undefined, ["org/p/other"]]);
    await theirs.destroy();
    expect(await cluster.data("two-keys")).toStrictEqual(before);
    const { annotations } = (await cluster.get("KbsConfig", "two-keys")).metadata;
    expect(annotations).toBeUndefined();
  });

  test("leaves the line and the record of the resource that took over under the new key", async () => {
    cluster.configMap("successor", { [OLD]: STOCK });
    cluster.kbsConfig("successor", []);
    const given = (key: string) => ({ ...policyIn("successor", key), kbsConfig: "successor" });
    const resource = engine.resource("ResourcePolicy");
    await resource.up(given(OLD));
    await cluster.edit("successor", { [NEW]: STOCK });
    const successor = engine.resource("ResourcePolicy", "successor");
    await successor.up(given(NEW));
    await resource.destroy();
    const { [OLD]: old, [NEW]: text = "" } = (await cluster.data("successor")) as Record<string, string>;
    expect(old).toBe(STOCK);
    expect(parseRegistry(text)?.stacks).toMatchObject([{ stack: "org/p/dev" }]);
    expect(await successor.drift()).toBe("none");
    await successor.destroy();
    expect(await cluster.data("successor")).toStrictEqual({ [OLD]: STOCK, [NEW]: STOCK });
  });

  test("removes this stack's digests from both keys of the reference values", async () => {
    const theirs = list(entry([B]), svn);
    cluster.configMap("two-lists", { [LIST]: theirs });
    const resource = engine.resource("ReferenceValues");
    await resource.up(values("two-lists", LIST, A));
    const data = (await cluster.data("two-lists")) as Readonly<Record<string, string>>;
    await cluster.edit("two-lists", { [MAP]: convertedReferenceValues(data[LIST] ?? "") });
    await resource.destroy();
    expect(await cluster.data("two-lists")).toStrictEqual({
      [LIST]: theirs,
      [MAP]: convertedReferenceValues(theirs),
    });
  });

  test("keeps a digest under the previous key that was there before this stack", async () => {
    const before = { [LIST]: list(entry([A])), [MAP]: "{\n}\n" };
    cluster.configMap("theirs", { [LIST]: before[LIST] });
    const resource = engine.resource("ReferenceValues");
    await resource.up(values("theirs", LIST, A));
    await cluster.edit("theirs", { [MAP]: before[MAP] });
    await resource.up(values("theirs", MAP, A));
    await resource.destroy();
    expect(await cluster.data("theirs")).toStrictEqual(before);
  });
});

test("a line of another resource of the stack, left under the previous key, keeps no record of a destroyed stack", async () => {
  cluster.kbsConfig("left-line");
  cluster.configMap("left-line", { [OLD]: STOCK, [NEW]: STOCK });
  const resource = engine.resource("ResourcePolicy", "left-line");
  const want = { ...policyIn("left-line", NEW), kbsConfig: "left-line" };
  await resource.up(want);
  const left = joinPolicy(STOCK, { ...want.policy, owner: ownerMark("urn:pulumi:former") });
  await cluster.edit("left-line", { [OLD]: left });
  await resource.destroy();
  expect(await cluster.data("left-line")).toStrictEqual({ [OLD]: left, [NEW]: STOCK });
  expect(
    (await cluster.get("KbsConfig", "left-line")).metadata.annotations?.[STACKS_ANNOTATION],
  ).toBeUndefined();
});

describe("KBS pods of the previous version still run, which read the previous key at each request", () => {
  /** Changes the pod template. On a node that does not exist, a new pod waits and the previous one stays. */
  async function roll(deployment: string, version: string, nodeSelector: object | null): Promise<void> {
    const template = { metadata: { annotations: { version } }, spec: { nodeSelector } };
    await cluster.patch("Deployment", deployment, { spec: { template } });
    cluster.clock.advance(2_000);
  }
  const said = (name: string): string =>
    `TA841 Trustee is being updated, and KBS pods of the previous version may still read the key "${OLD}" of ConfigMap "${name}" ` +
    `in namespace "${cluster.namespace}". It stays as it is: without it, they would give every secret to every affirming pod. ` +
    `The policy is written to the key "${NEW}". Wait until no KBS pod of Deployment "${name}" is left from the previous version, not even a terminating one, then run again: ` +
    `kubectl get pods -n ${cluster.namespace}`;

  test.each([
    ["a new pod waits", "waits", async (name: string) => roll(name, "2", { node: "none" })],
    [
      "its rollouts are paused",
      "paused",
      async (name: string) => {
        await cluster.patch("Deployment", name, { spec: { paused: true } });
        await roll(name, "2", null);
      },
    ],
    [
      "one is terminating",
      "ending",
      async (name: string) => {
        await cluster.patch("Deployment", name, { spec: { template: { spec: { restart: "2" } } } });
        cluster.clock.until("a pod is terminating", () =>
          cluster
            .list("Pod")
            .some(
              ({ metadata }) => metadata.name.startsWith(name) && metadata.deletionTimestamp !== undefined,
            ),
        );
        cluster.clock.advance(100);
      },
    ],
  ])(
    "%s: the new key is restricted, and the previous one stays so until the update is complete",
    async (_, name, begin) => {
      plainDeployment(cluster, name, { app: name });
      cluster.rolledOut(name);
      cluster.configMap(name, { [OLD]: STOCK });
      const resource = engine.resource("ResourcePolicy", name);
      await resource.up(policyIn(name, OLD));
      const { [OLD]: restricted } = (await cluster.data(name)) as Readonly<Record<string, string>>;
      await cluster.edit(name, { [NEW]: STOCK });
      await begin(name);
      expect((await resource.preview(policyIn(name, NEW))).op).toBe("update");
      await expect(resource.up(policyIn(name, NEW))).rejects.toThrow(said(name));
      expect(await cluster.data(name)).toStrictEqual({ [OLD]: restricted, [NEW]: restricted });

      await cluster.patch("Deployment", name, { spec: { paused: false } });
      await roll(name, "3", null);
      cluster.rolledOut(name);
      cluster.clock.advance(1_000);
      await resource.up(policyIn(name, NEW));
      expect(await cluster.data(name)).toStrictEqual({ [OLD]: STOCK, [NEW]: restricted });
      expect((await resource.up(policyIn(name, NEW))).op).toBe("same");
      await resource.destroy();
      expect(await cluster.data(name)).toStrictEqual({ [OLD]: STOCK, [NEW]: STOCK });
    },
  );
});
