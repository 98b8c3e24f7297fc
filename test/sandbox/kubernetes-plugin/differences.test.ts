import { describe, expect, test } from "vitest";
import { Secret, unknown, type PropertyMap } from "../../../protocol/index.ts";
import { compare, prune } from "../../../sandbox/kubernetes-plugin/differences.ts";

const frozen = { enableSecretMutable: false, enableConfigMapMutable: false };
const mutable = { enableSecretMutable: true, enableConfigMapMutable: true };

function kinds(
  live: PropertyMap,
  oldInputs: PropertyMap,
  newInputs: PropertyMap,
  { mutability = frozen, ignoreChanges = [] as readonly string[] } = {},
): Readonly<Record<string, string>> {
  const diff = compare({ live, oldInputs, newInputs, mutability, ignoreChanges });
  return Object.fromEntries(Object.entries(diff).map(([path, { kind }]) => [path, kind]));
}

const pod = (metadata: PropertyMap, spec: PropertyMap): PropertyMap => ({
  apiVersion: "v1",
  kind: "Pod",
  metadata,
  spec,
});

test("pruning leaves what the inputs declare, at every depth", () => {
  const live = {
    metadata: { name: "a", uid: "u", labels: { mine: "1", theirs: "2" } },
    spec: {
      containers: [{ name: "c", image: "i", imagePullPolicy: "Always" }, { name: "injected" }],
      extra: 1,
    },
    status: {},
  };
  const inputs = {
    metadata: { name: "a", labels: new Secret({ mine: "0" }) },
    spec: { containers: [{ name: "c", image: "j" }], gone: true },
  };
  expect(prune(live, inputs)).toStrictEqual({
    metadata: { name: "a", labels: { mine: "1" } },
    spec: { containers: [{ name: "c", image: "i" }] },
  });
});

describe("a pod", () => {
  const inputs = pod({ name: "a", annotations: { "x/y": "1" } }, { containers: [{ name: "c", image: "i" }] });
  const live = pod(
    { name: "a", uid: "u", annotations: { "x/y": "1", other: "o" } },
    { containers: [{ name: "c", image: "i", imagePullPolicy: "Always" }], nodeName: "n" },
  );

  test("that is as declared does not differ, whatever the cluster added", () => {
    expect(kinds(live, inputs, inputs)).toStrictEqual({});
  });

  test("whose annotation somebody changed or removed differs there", () => {
    const drifted = pod(
      { name: "a", annotations: { "x/y": "2" } },
      { containers: [{ name: "c", image: "i" }] },
    );
    const removed = pod({ name: "a" }, { containers: [{ name: "c", image: "i" }] });
    expect(kinds(drifted, inputs, inputs)).toStrictEqual({ "metadata.annotations.x/y": "update" });
    expect(kinds(removed, inputs, inputs)).toStrictEqual({ "metadata.annotations": "add" });
  });

  test("is replaced for its spec, its name and its namespace, not for its labels", () => {
    const next = pod(
      { name: "b", namespace: "n", labels: { l: "1" }, annotations: { "x/y": "1" } },
      {
        containers: [{ name: "c", image: "j" }],
        runtimeClassName: "kata-remote",
        tolerations: [{ key: "k" }],
      },
    );
    expect(kinds(live, inputs, next)).toStrictEqual({
      "metadata.name": "update-replace",
      "metadata.namespace": "add-replace",
      "metadata.labels": "add",
      "spec.containers[0].image": "update-replace",
      "spec.runtimeClassName": "add-replace",
      "spec.tolerations": "add",
    });
    const without = pod({ name: "a" }, { containers: [] });
    expect(kinds(live, inputs, without)).toStrictEqual({
      "metadata.annotations": "delete",
      "spec.containers[0]": "delete-replace",
    });
  });

  test("differs where it is not known yet, and nowhere that is to be ignored", () => {
    const next = pod(
      { name: "a", annotations: { "x/y": unknown } },
      { containers: [{ name: "c", image: "j" }] },
    );
    const all = { "metadata.annotations.x/y": "update", "spec.containers[0].image": "update-replace" };
    expect(kinds(live, inputs, next)).toStrictEqual(all);
    expect(kinds(live, inputs, next, { ignoreChanges: ["spec.containers"] })).toStrictEqual({
      "metadata.annotations.x/y": "update",
    });
    expect(kinds(live, inputs, next, { ignoreChanges: ["metadata", "spec.cont"] })).toStrictEqual({
      "spec.containers[0].image": "update-replace",
    });
  });

  test.each([
    ["0.5", "500m", true],
    ["1024Mi", "1Gi", true],
    ["1", "1000m", true],
    ["1k", "1Ki", false],
    ["1", "one", false],
  ])("that asks for %s and has %s: the same is %j", (asked, has, same) => {
    const limits = (memory: string) =>
      pod({ name: "a" }, { containers: [{ resources: { limits: { memory } } }] });
    const diff = kinds(limits(has), limits(asked), limits(asked));
    expect(Object.keys(diff)).toStrictEqual(same ? [] : ["spec.containers[0].resources.limits.memory"]);
  });
});

test("empty lists and maps that the server dropped are no difference", () => {
  const live = { apiVersion: "v1", kind: "ConfigMap", metadata: { name: "a" } };
  const inputs = { ...live, metadata: { name: "a", annotations: {}, finalizers: [] } };
  expect(kinds(live, inputs, inputs)).toStrictEqual({});
});

describe("data", () => {
  const secret = (value: string, more: PropertyMap = {}): PropertyMap => ({
    apiVersion: "v1",
    kind: "Secret",
    data: new Secret({ key: value }),
    ...more,
  });
  const map = (value: string): PropertyMap => ({ apiVersion: "v1", kind: "ConfigMap", data: { key: value } });

  test("of Secrets and ConfigMaps is replaced, unless the provider is told that it may change", () => {
    expect(kinds(secret("a"), secret("a"), secret("b"))).toStrictEqual({ "data.key": "update-replace" });
    expect(kinds(map("a"), map("a"), map("b"))).toStrictEqual({ "data.key": "update-replace" });
    const options = { mutability: mutable };
    expect(kinds(secret("a"), secret("a"), secret("b"), options)).toStrictEqual({ "data.key": "update" });
    expect(kinds(map("a"), map("a"), map("b"), options)).toStrictEqual({ "data.key": "update" });
    const sealed = { immutable: true };
    expect(kinds(secret("a", sealed), secret("a", sealed), secret("b", sealed), options)).toStrictEqual({
      "data.key": "update-replace",
    });
  });
});

test("a Deployment changes in place, but for its selector", () => {
  const deployment = (spec: PropertyMap): PropertyMap => ({
    apiVersion: "apps/v1",
    kind: "Deployment",
    spec,
  });
  const old = deployment({ replicas: 1, selector: { matchLabels: { a: "b" } } });
  const next = deployment({ replicas: 2, selector: { matchLabels: { a: "c" } } });
  expect(kinds(old, old, next)).toStrictEqual({
    "spec.replicas": "update",
    "spec.selector.matchLabels.a": "update-replace",
  });
});
