import { describe, expect, test } from "vitest";
import { Secret } from "../../../protocol/index.ts";
import {
  fieldManager,
  liveInputs,
  liveOf,
  outputs,
  redact,
} from "../../../sandbox/kubernetes-plugin/state.ts";

const kind = { apiVersion: "v1", kind: "Secret" };
const applied = "kubectl.kubernetes.io/last-applied-configuration";

describe("the state", () => {
  test("keeps a Secret's data secret wherever it is", () => {
    const inputs = { ...kind, metadata: { name: "s" }, data: { a: "YQ==" } };
    const live = {
      ...kind,
      metadata: { name: "s", annotations: { [applied]: '{"data":{"a":"YQ=="}}', other: "o" } },
      data: { a: "YQ==" },
    };
    const state = outputs(live, inputs, "manager");
    expect(state).toStrictEqual({
      ...kind,
      metadata: { name: "s", annotations: { [applied]: new Secret('{"data":{"a":"YQ=="}}'), other: "o" } },
      data: new Secret({ a: "YQ==" }),
      __inputs: { ...inputs, data: new Secret({ a: "YQ==" }) },
      __initialApiVersion: "v1",
      __fieldManager: "manager",
    });
    expect(liveOf(state)).toStrictEqual(live);
  });

  test("keeps secret what the inputs say is, in any kind", () => {
    const pod = { apiVersion: "v1", kind: "Pod" };
    const inputs = { ...pod, metadata: { annotations: { a: new Secret("s"), b: "t" } } };
    const live = { ...pod, metadata: { annotations: { a: "s", b: "t" } } };
    expect(outputs(live, inputs, "m")).toMatchObject({
      metadata: { annotations: { a: new Secret("s"), b: "t" } },
    });
    expect(liveInputs(live, inputs)).toStrictEqual(inputs);
  });

  test("of an import has all inputs but the server's own", () => {
    const live = {
      ...kind,
      metadata: {
        name: "s",
        uid: "u",
        creationTimestamp: "t",
        managedFields: [],
        annotations: { [applied]: "{}" },
      },
      data: { a: "YQ==" },
      status: {},
    };
    expect(liveInputs(live, {})).toStrictEqual({
      ...kind,
      metadata: { name: "s" },
      data: new Secret({ a: "YQ==" }),
    });
  });
});

test("the field manager is the annotated one, the kept one, or one of the resource's own", () => {
  const annotated = { metadata: { annotations: { "pulumi.com/patchFieldManager": "mine" } } };
  expect(fieldManager("urn:a", annotated, { __fieldManager: "kept" })).toBe("mine");
  expect(fieldManager("urn:a", {}, { __fieldManager: "kept" })).toBe("kept");
  expect(fieldManager("urn:a", {}, {})).toBe("pulumi-kubernetes-558181ea");
  expect(fieldManager("urn:b", {}, {})).not.toBe("pulumi-kubernetes-558181ea");
});

test("messages quote no secret, neither encoded nor plain", () => {
  const data = { key: Buffer.from("hunter2").toString("base64"), short: "YQ==" };
  const inputs = { ...kind, data, other: new Secret(["tokentoken"]) };
  expect(redact(`bad ${data.key}, hunter2, tokentoken; a Secret`, inputs)).toBe(
    "bad [secret], [secret], [secret]; a Secret",
  );
});
