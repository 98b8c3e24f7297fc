/** The plugin against a real API server, called as the engine calls it: what is there changes, goes, or cannot be. */
import { describe, expect, test } from "vitest";
import { InputPropertiesError, messageOf, Secret, type PropertyMap } from "../../../../protocol/index.ts";
import { mapAt } from "../../../../sandbox/kubernetes-plugin/inputs.ts";
import { failure, Harness, identity, namespace } from "./harness.ts";

const harness = new Harness();
const container = { name: "c", image: "busybox" };

describe("an update", () => {
  const declared = (label: string): PropertyMap => ({
    metadata: { name: "c", labels: { l: label } },
    data: { a: "b" },
  });
  const setLabel = (value: string, manager: string) =>
    harness.kubectl(
      "label",
      "cm",
      "c",
      `l=${value}`,
      "--overwrite",
      "-n",
      namespace,
      `--field-manager=${manager}`,
    );

  test("overrules what people changed by hand, and drops what is declared no more", async () => {
    const state = await harness.create("ConfigMap", { ...declared("1"), data: { a: "b", old: "o" } });
    await setLabel("theirs", "kubectl-edit");
    await harness.update("ConfigMap", state, declared("2"));
    expect(await harness.live("cm", "c", "{.metadata.labels.l} {.data}")).toBe('2 {"a":"b"}');
  });

  test("that other programs contradict is refused, naming them, unless it is forced", async () => {
    const state = await harness.create("ConfigMap", declared("1"));
    await setLabel("theirs", "robot");
    const error = await failure(harness.update("ConfigMap", state, declared("2")));
    expect(messageOf(error)).toMatch(
      /^ConfigMap "plugin-test\/c" has fields that others manage, .*conflict with "robot" using v1: \.metadata\.labels\.l\n.*patchForce/,
    );
    const forced = {
      ...declared("2"),
      metadata: { name: "c", labels: { l: "2" }, annotations: { "pulumi.com/patchForce": "true" } },
    };
    await harness.update("ConfigMap", state, forced);
    expect(await harness.live("cm", "c", "{.metadata.labels.l}")).toBe("2");
  });

  test("of what is gone says so", async () => {
    const state = await harness.create("ConfigMap", declared("1"));
    await harness.kubectl("delete", "cm", "c", "-n", namespace);
    expect(messageOf(await failure(harness.update("ConfigMap", state, declared("2"))))).toBe(
      "plugin-test/c is gone from the cluster. Run pulumi refresh, then pulumi up creates it again.",
    );
  });
});

test("a deletion waits for finalizers, and names them when time is up", async () => {
  const metadata = {
    name: "c",
    finalizers: ["example.org/hold"],
    annotations: { "pulumi.com/timeoutSeconds": "1" },
  };
  const state = await harness.create("ConfigMap", { metadata });
  expect(messageOf(await failure(harness.delete("ConfigMap", state)))).toMatch(
    /^ConfigMap "plugin-test\/c" is being deleted, but is still there: timed out; .*; these finalizers hold it: .*example\.org\/hold/,
  );
  const patch = ["--type=merge", "-p", '{"metadata":{"finalizers":null}}'];
  await harness.kubectl("patch", "cm", "c", "-n", namespace, ...patch);
  await harness.delete("ConfigMap", state);
});

test("a Deployment without a name gets one, is waited for, is imported whole, and goes with all that it owns", async () => {
  const labels = { app: "d" };
  const spec = {
    replicas: 2,
    selector: { matchLabels: labels },
    template: { metadata: { labels }, spec: { containers: [container] } },
  };
  const state = await harness.create("Deployment", { spec });
  const { id, outputs } = state;
  expect(id).toBe("plugin-test/res-039058c6");
  expect(mapAt(outputs, "status")["availableReplicas"]).toBe(2);
  const imported = await harness.read("Deployment", { id, inputs: {}, outputs: {} });
  expect(imported?.inputs).toMatchObject({
    apiVersion: "apps/v1",
    kind: "Deployment",
    metadata: { name: "res-039058c6", namespace, annotations: { "pulumi.com/autonamed": "true" } },
    spec: { ...spec, template: { spec: { containers: [container] } } },
  });
  expect(Object.keys(imported?.inputs ?? {})).not.toContain("status");
  expect(Object.keys(mapAt(imported?.inputs ?? {}, "metadata"))).not.toContain("uid");
  await harness.delete("Deployment", state);
  expect(await harness.kubectl("get", "pods,replicasets", "-n", namespace, "-l", "app=d", "-o", "name")).toBe(
    "",
  );
});

describe("what cannot be", () => {
  test("is said at once: other types, ids, generated names", async () => {
    expect(messageOf(await failure(harness.check("PodPatch", {})))).toBe(
      "the sandbox's replacement of the Kubernetes plugin does not serve kubernetes:core/v1:PodPatch; it serves plain objects only",
    );
    expect(await failure(harness.read("Pod", { id: "", inputs: {}, outputs: {} }))).toBeInstanceOf(
      InputPropertiesError,
    );
    const request = { ...identity("Pod"), oldInputs: {}, randomSeed: new Uint8Array() };
    const newInputs = { metadata: { generateName: "p-" }, spec: {} };
    const { failures } = await harness.provider.check({ ...request, newInputs }, harness.context());
    expect(failures).toStrictEqual([
      {
        property: "metadata.generateName",
        reason: "is not supported with server-side apply; set metadata.name",
      },
    ]);
  });

  test("a cluster that does not answer is named, with what to look at", async () => {
    const config = await harness.kubectl("config", "view", "--raw");
    const kubeconfig = config.replace(/server: .*/, "server: https://127.0.0.1:1");
    const plain = harness.provider;
    harness.provider = await harness.configured({ kubeconfig: new Secret(kubeconfig) });
    const error = await failure(harness.check("Pod", { metadata: { name: "p" } }));
    harness.provider = plain;
    expect(messageOf(error)).toBe(
      "configured Kubernetes cluster is unreachable: https://127.0.0.1:1: connect ECONNREFUSED 127.0.0.1:1. " +
        "Check the kubeconfig, its context and the network, then run again.",
    );
  });

  test("a context that is not there is named before anything is asked", async () => {
    const error = await failure(Promise.resolve().then(() => harness.configured({ context: "nowhere" })));
    expect(messageOf(error)).toMatch(/^The kubeconfig has no context "nowhere"\. It has: /);
  });
});
