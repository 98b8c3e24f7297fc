import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { Secret } from "../../protocol/property-value.ts";
import { TestCluster } from "./cluster.ts";
import { Engine } from "./engine.ts";

let cluster: TestCluster;
let engine: Engine;

beforeAll(async () => {
  cluster = await TestCluster.open();
  engine = await Engine.start({ kubeconfig: cluster.kubeconfig });
});

afterAll(async () => {
  await engine.stop();
});

const STOCK = "package policy\n\ndefault allow = true\n";
const OLD = "policy.rego";
const NEW = "resource-policy.rego";

const target = (configMap: string, keys: readonly string[] = [NEW, OLD]) => ({
  namespace: cluster.namespace,
  configMap,
  candidateKeys: [...keys],
});
const withContent = (configMap: string, content: string) => ({ ...target(configMap), content });

describe("a text of one's own", () => {
  test("is written, mended, and taken back", async () => {
    await cluster.configMap("text", { [NEW]: STOCK });
    const entry = engine.resource("ConfigMapEntry");
    const created = await entry.up(withContent("text", "mine\n"));
    expect(created.outputs).toMatchObject({
      key: NEW,
      before: STOCK,
      liveContent: "mine\n",
      written: "mine\n",
    });
    expect(await cluster.data("text")).toStrictEqual({ [NEW]: "mine\n" });
    await cluster.edit("text", { [NEW]: "theirs\n" });
    expect((await entry.preview(withContent("text", "mine\n"))).diff).toStrictEqual({ drift: "update" });
    await entry.up(withContent("text", "mine\n"));
    expect(await entry.up(withContent("text", "mine 2\n"))).toMatchObject({ diff: { content: "update" } });
    await entry.destroy();
    const after = await cluster.get("ConfigMap", "text");
    expect(after["data"]).toStrictEqual({ [NEW]: STOCK });
    expect(after.metadata.annotations).toBeUndefined();
  });

  test("the key is removed where there was none; what somebody else wrote since is left", async () => {
    await cluster.configMap("text-new", { other: "x" });
    const entry = engine.resource("ConfigMapEntry");
    const given = { ...target("text-new", [NEW]), content: "mine\n" };
    await entry.up(given);
    await entry.destroy();
    expect(await cluster.data("text-new")).toStrictEqual({ other: "x" });
    await entry.up(given);
    await cluster.edit("text-new", { [NEW]: "theirs\n" });
    await entry.destroy();
    expect(await cluster.data("text-new")).toStrictEqual({ [NEW]: "theirs\n", other: "x" });
    expect(engine.messages("WARNING").at(-1)).toMatch(
      /is left as it is, since somebody else has written it since\./,
    );
  });

  test("a run that was killed before its state was saved still knows what was there", async () => {
    await cluster.configMap("text-killed", { [NEW]: STOCK });
    const entry = engine.resource("ConfigMapEntry");
    await entry.up(withContent("text-killed", "mine\n"));
    entry.state = undefined;
    expect((await entry.up(withContent("text-killed", "mine 2\n"))).outputs["before"]).toBe(STOCK);
    await entry.destroy();
    expect(await cluster.data("text-killed")).toStrictEqual({ [NEW]: STOCK });
  });

  test("under another name without an alias it stays, and what was there at first comes back", async () => {
    await cluster.configMap("text-renamed", { [NEW]: STOCK });
    const old = engine.resource("ConfigMapEntry");
    await old.up(withContent("text-renamed", "mine\n"));
    const renamed = engine.resource("ConfigMapEntry", "renamed");
    await renamed.up(withContent("text-renamed", "mine\n"));
    await old.destroy();
    expect(await cluster.data("text-renamed")).toStrictEqual({ [NEW]: "mine\n" });
    expect((await renamed.up(withContent("text-renamed", "mine\n"))).op).toBe("same");
    await renamed.destroy();
    expect(await cluster.data("text-renamed")).toStrictEqual({ [NEW]: STOCK });
  });

  test("a secret text is secret in every output that holds it", async () => {
    await cluster.configMap("text-secret", { [NEW]: STOCK });
    const entry = engine.resource("ConfigMapEntry");
    const { outputs } = await entry.up({ ...target("text-secret"), content: new Secret("hidden") });
    expect(outputs).toMatchObject({
      content: new Secret("hidden"),
      liveContent: new Secret("hidden"),
      written: new Secret("hidden"),
      before: new Secret(STOCK),
    });
    await entry.refresh();
    expect(entry.state?.outputs["liveContent"]).toStrictEqual(new Secret("hidden"));
    expect((await entry.up({ ...target("text-secret"), content: new Secret("hidden") })).op).toBe("same");
    await entry.destroy();
  });

  test("import by id", async () => {
    await cluster.configMap("import", { [NEW]: STOCK });
    const entry = engine.resource("ConfigMapEntry");
    expect(await entry.import(`${cluster.namespace}/import/${NEW}`)).toBe(true);
    expect((await entry.up({ ...target("import", [NEW]), content: STOCK })).op).toBe("same");
    expect(await entry.import(`${cluster.namespace}/import/nothing`)).toBe(false);
  });
});
