import { describe, expect, test } from "vitest";
import { Secret, unknown, Unknown, type PropertyMap } from "../../../protocol/index.ts";
import {
  isAutonamed,
  normalize,
  withName,
  withNamespace,
} from "../../../sandbox/kubernetes-plugin/inputs.ts";
import {
  describe as describeRef,
  idOf,
  kindOfToken,
  parseId,
} from "../../../sandbox/kubernetes-plugin/object.ts";

const secretKind = { apiVersion: "v1", kind: "Secret" };
const base64 = (text: string) => Buffer.from(text).toString("base64");

describe("normalize", () => {
  test("drops nulls, status and what only the server sets; fills in the kind", () => {
    const inputs = {
      metadata: { name: "a", uid: "u", resourceVersion: "1", managedFields: [], labels: { a: null, b: "c" } },
      status: { phase: "Running" },
      list: [{ x: null }],
    };
    expect(normalize(inputs, { apiVersion: "v1", kind: "ConfigMap" })).toStrictEqual({
      apiVersion: "v1",
      kind: "ConfigMap",
      metadata: { name: "a", labels: { b: "c" } },
      list: [{}],
    });
  });

  test("makes stringData the data that the server would make of it, all of it secret", () => {
    const inputs = {
      stringData: new Secret({ a: "plain", b: new Secret("p") }),
      data: { a: base64("overruled"), c: `${base64("c")}\n` },
    };
    expect(normalize(inputs, secretKind)).toStrictEqual({
      ...secretKind,
      data: new Secret({ a: base64("plain"), b: base64("p"), c: base64("c") }),
    });
  });

  test("keeps what is not known yet unknown, and what is no base64 as it is", () => {
    expect(normalize({ stringData: { a: unknown } }, secretKind)["data"]).toStrictEqual(
      new Secret({ a: unknown }),
    );
    expect(normalize({ stringData: new Secret(unknown) }, secretKind)["data"]).toStrictEqual(
      new Secret(unknown),
    );
    expect(normalize({ data: { a: "not base64!" } }, secretKind)["data"]).toStrictEqual(
      new Secret({ a: "not base64!" }),
    );
    expect(
      normalize({ stringData: { a: "b" } }, { apiVersion: "example.org/v1", kind: "Secret" }),
    ).toStrictEqual({
      apiVersion: "example.org/v1",
      kind: "Secret",
      stringData: { a: "b" },
    });
  });
});

describe("names", () => {
  const naming = { resourceName: "web", seed: new Uint8Array([1, 2, 3]), oldInputs: {} };
  const named = withName({ metadata: { labels: { a: "b" } } }, naming);

  test("are made of the resource's name and the seed where there is none, and said to be", () => {
    expect(named).toStrictEqual({
      metadata: {
        labels: { a: "b" },
        name: "web-039058c6",
        annotations: { "pulumi.com/autonamed": "true" },
      },
    });
    expect(withName({}, naming)).toStrictEqual({
      metadata: { name: "web-039058c6", annotations: { "pulumi.com/autonamed": "true" } },
    });
    expect(isAutonamed(named)).toBe(true);
  });

  test("are kept while the resource lives, and never touched where they are declared", () => {
    const other = { ...naming, seed: new Uint8Array([9]), oldInputs: named };
    expect(withName({}, other)).toStrictEqual({
      metadata: { name: "web-039058c6", annotations: { "pulumi.com/autonamed": "true" } },
    });
    const declared = [{ metadata: { name: "mine" } }, { metadata: { name: unknown } }];
    expect(declared.map((inputs) => withName(inputs, other))).toStrictEqual(declared);
    const declaredBefore = { ...other, oldInputs: { metadata: { name: "mine" } } };
    expect(withName({}, declaredBefore)).not.toStrictEqual({ metadata: { name: "mine" } });
  });

  test("come with a namespace exactly where the kind has one", () => {
    const inputs: PropertyMap = { metadata: { name: "a", namespace: "n" } };
    expect(withNamespace(inputs, true, "d")).toStrictEqual(inputs);
    expect(withNamespace(inputs, false, "d")).toStrictEqual({ metadata: { name: "a" } });
    expect(withNamespace({ metadata: { name: "a" } }, true, "d")).toStrictEqual({
      metadata: { name: "a", namespace: "d" },
    });
    const later = { metadata: { namespace: new Unknown() } };
    expect(withNamespace(later, true, "d")).toStrictEqual(later);
  });
});

test.each([
  ["kubernetes:core/v1:Pod", { apiVersion: "v1", kind: "Pod" }],
  ["kubernetes:apps/v1:Deployment", { apiVersion: "apps/v1", kind: "Deployment" }],
  [
    "kubernetes:rbac.authorization.k8s.io/v1:Role",
    { apiVersion: "rbac.authorization.k8s.io/v1", kind: "Role" },
  ],
  [
    "kubernetes:confidentialcontainers.org/v1alpha1:KbsConfig",
    { apiVersion: "confidentialcontainers.org/v1alpha1", kind: "KbsConfig" },
  ],
  ["kubernetes:core/v1:PodPatch", undefined],
  ["kubernetes:core/v1:PodList", undefined],
  ["kubernetes:helm.sh/v3:Release", undefined],
  ["kubernetes:yaml/v2:ConfigFile", undefined],
  ["kubernetes:kustomize/v2:Directory", undefined],
])("the type %s", (token, kind) => {
  expect(kindOfToken(token)).toStrictEqual(kind);
});

test.each([
  ["default/pod1", { namespace: "default", name: "pod1" }],
  ["team", { namespace: "", name: "team" }],
])("the id %s", (id, ref) => {
  expect(parseId(id)).toStrictEqual(ref);
  const object = { ...ref, apiVersion: "v1", kind: "Thing" };
  expect([idOf(object), describeRef(object)]).toStrictEqual([id, `Thing "${id}"`]);
});
