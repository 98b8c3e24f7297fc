import { describe, expect, test } from "vitest";
import { ownerMark } from "../../core/policy/owner.ts";
import { joinPolicy } from "../../core/policy/share.ts";
import { convertedReferenceValues } from "../../sandbox/trustee/manifests/reference-values.ts";
import { bench } from "./bench.ts";
import { A, B, C, decoded, entry, inputsIn, list, LIST, MAP, svn } from "./reference-values-fixtures.ts";
import { stackGrants } from "../fixtures/grants.ts";

const { cluster, engine, other } = await bench();

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
