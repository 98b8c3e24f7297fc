/** The plugin against a real API server, called as the engine calls it: what is previewed and created. */
import { describe, expect, test } from "vitest";
import {
  containsUnknown,
  messageOf,
  PartialFailure,
  Secret,
  unknown,
  Unknown,
} from "../../../../protocol/index.ts";
import { mapAt } from "../../../../sandbox/kubernetes-plugin/inputs.ts";
import { failure, Harness, namespace } from "./harness.ts";

const harness = new Harness();
const container = { name: "c", image: "busybox" };

describe("a Secret", () => {
  const stringData = new Secret({ key: "hunter2 and more" });

  test("is created with its data, all of it secret, and is gone after its deletion", async () => {
    const state = await harness.create("Secret", { metadata: { name: "s" }, stringData });
    const data = new Secret({ key: "aHVudGVyMiBhbmQgbW9yZQ==" });
    expect(state.id).toBe("plugin-test/s");
    expect(state.inputs).toStrictEqual({
      apiVersion: "v1",
      kind: "Secret",
      metadata: { name: "s", namespace },
      data,
    });
    expect(state.outputs).toMatchObject({ kind: "Secret", type: "Opaque", data, __inputs: { data } });
    expect(await harness.live("secret", "s", "{.data.key}")).toBe("aHVudGVyMiBhbmQgbW9yZQ==");
    await harness.delete("Secret", state);
    expect(await harness.live("secret", "s", "{.metadata.name}")).toBe("");
    await harness.delete("Secret", state);
  });

  test("that is refused is refused without a word of it", async () => {
    const error = await failure(
      harness.create("Secret", { metadata: { name: "s" }, data: { key: new Secret("hunter2!") } }),
    );
    expect(messageOf(error)).toMatch(/^the Kubernetes API server refused Secret "plugin-test\/s": /);
    expect(messageOf(error)).not.toContain("hunter2");
  });

  test("that exists is not taken over, unless the provider is told to", async () => {
    await harness.kubectl("create", "secret", "generic", "s", "-n", namespace, "--from-literal=key=theirs");
    const error = await failure(harness.create("Secret", { metadata: { name: "s" }, stringData }));
    expect(messageOf(error)).toBe(
      'Secret "plugin-test/s" already exists in the cluster. Import it with pulumi import, rename the new one, ' +
        "or set upsertExistingObjects on the provider to take it over.",
    );
    expect(await harness.live("secret", "s", "{.data.key}")).toBe("dGhlaXJz");
    const plain = harness.provider;
    harness.provider = await harness.configured({ upsertExistingObjects: "true" });
    await harness.create("Secret", { metadata: { name: "s" }, stringData });
    harness.provider = plain;
    expect(await harness.live("secret", "s", "{.data.key}")).toBe("aHVudGVyMiBhbmQgbW9yZQ==");
  });
});

describe("a preview", () => {
  test("writes nothing and shows what the server would make of it", async () => {
    const { id, outputs } = await harness.create(
      "Pod",
      { metadata: { name: "p" }, spec: { containers: [container] } },
      {
        preview: true,
      },
    );
    expect(id).toBe("");
    expect(outputs).toMatchObject({
      metadata: { name: "p", namespace },
      spec: { containers: [{ ...container, imagePullPolicy: "Always" }], restartPolicy: "Always" },
      status: new Unknown(),
    });
    expect(await harness.live("pod", "p", "{.metadata.name}")).toBe("");
  });

  test("of what the server refuses fails", async () => {
    const error = await failure(
      harness.create(
        "Pod",
        { metadata: { name: "p" }, spec: { containers: [{ name: "Not A Name" }] } },
        { preview: true },
      ),
    );
    expect(messageOf(error)).toContain('the Kubernetes API server refused Pod "plugin-test/p": ');
    expect(messageOf(error)).toContain("spec.containers[0].name: Invalid value");
  });

  test.each([
    ["is not known yet", { metadata: { name: "c" }, data: { a: unknown } }],
    [
      "needs a namespace that is not there yet",
      { metadata: { name: "c", namespace: "later" }, data: { a: "b" } },
    ],
  ])("of what %s is what is declared", async (_, inputs) => {
    const { id, outputs, inputs: checked } = await harness.create("ConfigMap", inputs, { preview: true });
    expect([id, outputs]).toStrictEqual(["", checked]);
    expect(containsUnknown(outputs)).toBe(containsUnknown(inputs));
  });

  test("of a kind that is not defined yet is what is declared; creating it says what is missing", async () => {
    const type = "kubernetes:example.org/v1:Thing";
    const request = { urn: `urn:pulumi:s::p::${type}::t`, name: "t", type };
    const newInputs = { apiVersion: "example.org/v1", kind: "Thing", metadata: { name: "t" } };
    const { inputs } = await harness.provider.check(
      { ...request, newInputs, oldInputs: {}, randomSeed: new Uint8Array() },
      harness.context(),
    );
    const creation = { ...request, inputs, timeoutSeconds: 0 };
    expect(await harness.provider.create({ ...creation, preview: true }, harness.context())).toStrictEqual({
      id: "",
      outputs: inputs,
    });
    const stop = new AbortController();
    const created = failure(
      harness.provider.create({ ...creation, preview: false }, harness.context(stop.signal)),
    );
    expect(messageOf(await created)).toBe(
      "the cluster has no kind Thing in example.org/v1. Create its CustomResourceDefinition first, or correct apiVersion and kind.",
    );
  });
});

describe("a pod", () => {
  const declared = {
    metadata: { name: "p", annotations: { "x.y/z": "1" } },
    spec: { containers: [container] },
  };

  test("is waited for until it runs", async () => {
    const { outputs } = await harness.create("Pod", declared);
    expect(mapAt(outputs, "status")["phase"]).toBe("Running");
    expect(harness.statuses).toStrictEqual(["phase Pending", ""]);
  });

  test("whose annotation somebody changed is read as it is, and its diff says where", async () => {
    const { id, inputs, outputs } = await harness.create("Pod", declared);
    await harness.kubectl("annotate", "pod", "p", "x.y/z=2", "theirs=too", "--overwrite", "-n", namespace);
    const seen = await harness.read("Pod", { id, inputs, outputs });
    expect(seen?.inputs).toStrictEqual({
      ...inputs,
      metadata: { name: "p", namespace, annotations: { "x.y/z": "2" } },
    });
    const diff = await harness.diff("Pod", seen, inputs);
    expect(diff).toStrictEqual({
      detailedDiff: { 'metadata.annotations["x.y/z"]': { kind: "update", inputDiff: false } },
      deleteBeforeReplace: false,
    });
  });

  test("is replaced in place of the old one, since it has its name", async () => {
    const state = await harness.create("Pod", declared);
    const newInputs = await harness.check("Pod", {
      ...declared,
      spec: { containers: [{ ...container, image: "other" }] },
    });
    const diff = await harness.diff("Pod", state, newInputs);
    expect(diff).toStrictEqual({
      detailedDiff: { "spec.containers[0].image": { kind: "update-replace", inputDiff: false } },
      deleteBeforeReplace: true,
    });
  });

  test("that is gone is read as gone", async () => {
    const { id, inputs, outputs } = await harness.create("Pod", declared);
    await harness.kubectl("delete", "pod", "p", "--force", "-n", namespace);
    expect(await harness.read("Pod", { id, inputs, outputs })).toBeUndefined();
  });

  describe("that finds no node", () => {
    const stuck = {
      metadata: { name: "p" },
      spec: { containers: [container], nodeSelector: { no: "where" } },
    };

    test("is kept in the state when time is up, with the reason", async () => {
      const error = await failure(harness.create("Pod", stuck, { signal: AbortSignal.timeout(1_500) }));
      if (!(error instanceof PartialFailure)) throw error;
      expect(error.state).toMatchObject({
        id: "plugin-test/p",
        outputs: { kind: "Pod", status: { phase: "Pending" } },
      });
      expect(error.reasons).toStrictEqual([
        'Pod "plugin-test/p" is not ready: timed out; the annotation pulumi.com/timeoutSeconds or the resource ' +
          "option customTimeouts can give it more time",
        expect.stringMatching(/^not scheduled: 0\/1 nodes are available/),
      ]);
      const inputs = await harness.check("Pod", stuck);
      const seen = await failure(
        harness.read("Pod", { id: "plugin-test/p", inputs, outputs: error.state.outputs }),
      );
      expect(seen).toBeInstanceOf(PartialFailure);
    });

    test("is kept in the state when the update is cancelled", async () => {
      const stop = new AbortController();
      const created = failure(harness.create("Pod", stuck, { signal: stop.signal }));
      setTimeout(() => {
        stop.abort(new Error("cancelled"));
      }, 800);
      const error = await created;
      expect(error).toBeInstanceOf(PartialFailure);
      expect(messageOf(error)).toMatch(/^Pod "plugin-test\/p" is not ready: cancelled/);
    });

    test("is not waited for if it says so", async () => {
      const metadata = { name: "p", annotations: { "pulumi.com/skipAwait": "true" } };
      const { id, inputs, outputs } = await harness.create("Pod", { ...stuck, metadata });
      expect((await harness.read("Pod", { id, inputs, outputs }))?.id).toBe("plugin-test/p");
    });
  });
});
