/** The plugin against a real API server, called as the engine calls it. */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import {
  containsUnknown,
  InputPropertiesError,
  messageOf,
  PartialFailure,
  Secret,
  unknown,
  Unknown,
  type CallContext,
  type PropertyMap,
} from "../../../protocol/index.ts";
import { startSandbox, type Sandbox } from "../../../sandbox/api.ts";
import { mapAt } from "../../../sandbox/kubernetes-plugin/inputs.ts";
import { KubernetesProvider } from "../../../sandbox/kubernetes-plugin/provider.ts";

const namespace = "plugin-test";
let sandbox: Sandbox;
let provider: KubernetesProvider;
let statuses: string[];

beforeAll(async () => {
  sandbox = await startSandbox({ name: `kubernetes-plugin-test-${process.pid}` });
  provider = await configured({});
  await kubectl("create", "namespace", namespace);
}, 600_000);

afterAll(async () => {
  await sandbox.stop();
}, 60_000);

beforeEach(() => {
  statuses = [];
});

afterEach(async () => {
  await kubectl("delete", "pods,configmaps,secrets,deployments", "--all", "--force", "-n", namespace);
});

async function configured(args: PropertyMap): Promise<KubernetesProvider> {
  const made = new KubernetesProvider();
  await made.configure({ args: { kubeconfig: sandbox.kubeconfig, namespace, ...args }, variables: {} });
  return made;
}

async function kubectl(...args: readonly string[]): Promise<string> {
  const { exitCode, stdout, stderr } = await sandbox.kubectl(args);
  if (exitCode !== 0) throw new Error(`kubectl ${args.join(" ")}: ${stderr}`);
  return stdout;
}

function context(signal: AbortSignal = new AbortController().signal): CallContext {
  const ignore = () => undefined;
  const status = (message: string) => statuses.push(message);
  return { signal, log: { debug: ignore, info: ignore, warn: ignore, error: ignore, status } };
}

const identity = (kind: string, name = "res") => {
  const type = `kubernetes:${kind === "Deployment" ? "apps" : "core"}/v1:${kind}`;
  return { urn: `urn:pulumi:s::p::${type}::${name}`, name, type };
};

async function check(
  kind: string,
  newInputs: PropertyMap,
  oldInputs: PropertyMap = {},
): Promise<PropertyMap> {
  const request = { ...identity(kind), newInputs, oldInputs, randomSeed: new Uint8Array([1, 2, 3]) };
  const { inputs, failures } = await provider.check(request, context());
  expect(failures).toStrictEqual([]);
  return inputs;
}

interface Creation {
  readonly preview?: boolean;
  readonly timeoutSeconds?: number;
  readonly signal?: AbortSignal;
}

async function create(kind: string, newInputs: PropertyMap, options: Creation = {}) {
  const inputs = await check(kind, newInputs);
  const { preview = false, timeoutSeconds = 0, signal } = options;
  const request = { ...identity(kind), inputs, preview, timeoutSeconds };
  return { inputs, ...(await provider.create(request, context(signal))) };
}

const read = (kind: string, id: string, inputs: PropertyMap, outputs: PropertyMap) =>
  provider.read({ ...identity(kind), id, inputs, outputs, timeoutSeconds: 0 }, context());

const remove = (
  kind: string,
  state: { id: string; inputs: PropertyMap; outputs: PropertyMap },
  timeoutSeconds = 0,
) => {
  const { id, inputs: oldInputs, outputs } = state;
  return provider.delete({ ...identity(kind), id, oldInputs, outputs, timeoutSeconds }, context());
};

/** What a call failed with. */
async function failure(done: Promise<unknown>): Promise<unknown> {
  try {
    await done;
  } catch (error) {
    return error;
  }
  throw new Error("the call succeeded");
}

const live = async (kind: string, name: string, path: string): Promise<string> =>
  (await sandbox.kubectl(["get", kind, name, "-n", namespace, "-o", `jsonpath=${path}`])).stdout;

const container = { name: "c", image: "busybox" };

describe("a Secret", () => {
  const stringData = new Secret({ key: "hunter2 and more" });

  test("is created with its data, all of it secret, and is gone after its deletion", async () => {
    const state = await create("Secret", { metadata: { name: "s" }, stringData });
    const data = new Secret({ key: "aHVudGVyMiBhbmQgbW9yZQ==" });
    expect(state.id).toBe("plugin-test/s");
    expect(state.inputs).toStrictEqual({
      apiVersion: "v1",
      kind: "Secret",
      metadata: { name: "s", namespace },
      data,
    });
    expect(state.outputs).toMatchObject({ kind: "Secret", type: "Opaque", data, __inputs: { data } });
    expect(await live("secret", "s", "{.data.key}")).toBe("aHVudGVyMiBhbmQgbW9yZQ==");
    await remove("Secret", state);
    expect(await live("secret", "s", "{.metadata.name}")).toBe("");
    await remove("Secret", state);
  });

  test("that is refused is refused without a word of it", async () => {
    const error = await failure(
      create("Secret", { metadata: { name: "s" }, data: { key: new Secret("hunter2!") } }),
    );
    expect(messageOf(error)).toMatch(/^the Kubernetes API server refused Secret "plugin-test\/s": /);
    expect(messageOf(error)).not.toContain("hunter2");
  });

  test("that exists is not taken over, unless the provider is told to", async () => {
    await kubectl("create", "secret", "generic", "s", "-n", namespace, "--from-literal=key=theirs");
    const error = await failure(create("Secret", { metadata: { name: "s" }, stringData }));
    expect(messageOf(error)).toBe(
      'Secret "plugin-test/s" already exists in the cluster. Import it with pulumi import, rename the new one, ' +
        "or set upsertExistingObjects on the provider to take it over.",
    );
    expect(await live("secret", "s", "{.data.key}")).toBe("dGhlaXJz");
    const plain = provider;
    provider = await configured({ upsertExistingObjects: "true" });
    await create("Secret", { metadata: { name: "s" }, stringData });
    provider = plain;
    expect(await live("secret", "s", "{.data.key}")).toBe("aHVudGVyMiBhbmQgbW9yZQ==");
  });
});

describe("a preview", () => {
  test("writes nothing and shows what the server would make of it", async () => {
    const { id, outputs } = await create(
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
    expect(await live("pod", "p", "{.metadata.name}")).toBe("");
  });

  test("of what the server refuses fails", async () => {
    const error = await failure(
      create(
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
    const { id, outputs, inputs: checked } = await create("ConfigMap", inputs, { preview: true });
    expect([id, outputs]).toStrictEqual(["", checked]);
    expect(containsUnknown(outputs)).toBe(containsUnknown(inputs));
  });

  test("of a kind that is not defined yet is what is declared; creating it says what is missing", async () => {
    const type = "kubernetes:example.org/v1:Thing";
    const request = { urn: `urn:pulumi:s::p::${type}::t`, name: "t", type };
    const newInputs = { apiVersion: "example.org/v1", kind: "Thing", metadata: { name: "t" } };
    const { inputs } = await provider.check(
      { ...request, newInputs, oldInputs: {}, randomSeed: new Uint8Array() },
      context(),
    );
    const creation = { ...request, inputs, timeoutSeconds: 0 };
    expect(await provider.create({ ...creation, preview: true }, context())).toStrictEqual({
      id: "",
      outputs: inputs,
    });
    const stop = new AbortController();
    const created = failure(provider.create({ ...creation, preview: false }, context(stop.signal)));
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
    const { outputs } = await create("Pod", declared);
    expect(mapAt(outputs, "status")["phase"]).toBe("Running");
    expect(statuses).toStrictEqual(["phase Pending", ""]);
  });

  test("whose annotation somebody changed is read as it is, and its diff says where", async () => {
    const { id, inputs, outputs } = await create("Pod", declared);
    await kubectl("annotate", "pod", "p", "x.y/z=2", "theirs=too", "--overwrite", "-n", namespace);
    const seen = await read("Pod", id, inputs, outputs);
    expect(seen?.inputs).toStrictEqual({
      ...inputs,
      metadata: { name: "p", namespace, annotations: { "x.y/z": "2" } },
    });
    const diff = await provider.diff({
      ...identity("Pod"),
      id,
      oldInputs: seen?.inputs ?? {},
      oldOutputs: seen?.outputs ?? {},
      newInputs: inputs,
      ignoreChanges: [],
    });
    expect(diff).toStrictEqual({
      detailedDiff: { 'metadata.annotations["x.y/z"]': { kind: "update", inputDiff: false } },
      deleteBeforeReplace: false,
    });
  });

  test("is replaced in place of the old one, since it has its name", async () => {
    const { id, inputs, outputs } = await create("Pod", declared);
    const newInputs = await check("Pod", {
      ...declared,
      spec: { containers: [{ ...container, image: "other" }] },
    });
    const diff = await provider.diff({
      ...identity("Pod"),
      id,
      oldInputs: inputs,
      oldOutputs: outputs,
      newInputs,
      ignoreChanges: [],
    });
    expect(diff).toStrictEqual({
      detailedDiff: { "spec.containers[0].image": { kind: "update-replace", inputDiff: false } },
      deleteBeforeReplace: true,
    });
  });

  test("that is gone is read as gone", async () => {
    const { id, inputs, outputs } = await create("Pod", declared);
    await kubectl("delete", "pod", "p", "--force", "-n", namespace);
    expect(await read("Pod", id, inputs, outputs)).toBeUndefined();
  });

  describe("that finds no node", () => {
    const stuck = {
      metadata: { name: "p" },
      spec: { containers: [container], nodeSelector: { no: "where" } },
    };

    test("is kept in the state when time is up, with the reason", async () => {
      const error = await failure(create("Pod", stuck, { signal: AbortSignal.timeout(1_500) }));
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
      const inputs = await check("Pod", stuck);
      const seen = await failure(read("Pod", "plugin-test/p", inputs, error.state.outputs));
      expect(seen).toBeInstanceOf(PartialFailure);
    });

    test("is kept in the state when the update is cancelled", async () => {
      const stop = new AbortController();
      const created = failure(create("Pod", stuck, { signal: stop.signal }));
      setTimeout(() => {
        stop.abort(new Error("cancelled"));
      }, 800);
      const error = await created;
      expect(error).toBeInstanceOf(PartialFailure);
      expect(messageOf(error)).toMatch(/^Pod "plugin-test\/p" is not ready: cancelled/);
    });

    test("is not waited for if it says so", async () => {
      const metadata = { name: "p", annotations: { "pulumi.com/skipAwait": "true" } };
      const { id, inputs, outputs } = await create("Pod", { ...stuck, metadata });
      expect((await read("Pod", id, inputs, outputs))?.id).toBe("plugin-test/p");
    });
  });
});

describe("an update", () => {
  const update = async (
    state: { id: string; inputs: PropertyMap; outputs: PropertyMap },
    next: PropertyMap,
  ) =>
    provider.update(
      {
        ...identity("ConfigMap"),
        id: state.id,
        oldInputs: state.inputs,
        oldOutputs: state.outputs,
        newInputs: await check("ConfigMap", next),
        timeoutSeconds: 0,
        ignoreChanges: [],
        preview: false,
      },
      context(),
    );
  const declared = (label: string): PropertyMap => ({
    metadata: { name: "c", labels: { l: label } },
    data: { a: "b" },
  });
  const setLabel = (value: string, manager: string) =>
    kubectl("label", "cm", "c", `l=${value}`, "--overwrite", "-n", namespace, `--field-manager=${manager}`);

  test("overrules what people changed by hand, and drops what is declared no more", async () => {
    const state = await create("ConfigMap", { ...declared("1"), data: { a: "b", old: "o" } });
    await setLabel("theirs", "kubectl-edit");
    await update(state, declared("2"));
    expect(await live("cm", "c", "{.metadata.labels.l} {.data}")).toBe('2 {"a":"b"}');
  });

  test("that other programs contradict is refused, naming them, unless it is forced", async () => {
    const state = await create("ConfigMap", declared("1"));
    await setLabel("theirs", "robot");
    const error = await failure(update(state, declared("2")));
    expect(messageOf(error)).toMatch(
      /^ConfigMap "plugin-test\/c" has fields that others manage, .*conflict with "robot" using v1: \.metadata\.labels\.l\n.*patchForce/,
    );
    const forced = {
      ...declared("2"),
      metadata: { name: "c", labels: { l: "2" }, annotations: { "pulumi.com/patchForce": "true" } },
    };
    await update(state, forced);
    expect(await live("cm", "c", "{.metadata.labels.l}")).toBe("2");
  });

  test("of what is gone says so", async () => {
    const state = await create("ConfigMap", declared("1"));
    await kubectl("delete", "cm", "c", "-n", namespace);
    expect(messageOf(await failure(update(state, declared("2"))))).toBe(
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
  const state = await create("ConfigMap", { metadata });
  expect(messageOf(await failure(remove("ConfigMap", state)))).toMatch(
    /^ConfigMap "plugin-test\/c" is being deleted, but is still there: timed out; .*; these finalizers hold it: .*example\.org\/hold/,
  );
  await kubectl(
    "patch",
    "cm",
    "c",
    "-n",
    namespace,
    "--type=merge",
    "-p",
    '{"metadata":{"finalizers":null}}',
  );
  await remove("ConfigMap", state);
});

test("a Deployment without a name gets one, is waited for, and is imported whole", async () => {
  const labels = { app: "d" };
  const spec = {
    replicas: 2,
    selector: { matchLabels: labels },
    template: { metadata: { labels }, spec: { containers: [container] } },
  };
  const { id, outputs } = await create("Deployment", { spec });
  expect(id).toBe("plugin-test/res-039058c6");
  expect(mapAt(outputs, "status")["availableReplicas"]).toBe(2);
  const imported = await read("Deployment", id, {}, {});
  expect(imported?.inputs).toMatchObject({
    apiVersion: "apps/v1",
    kind: "Deployment",
    metadata: { name: "res-039058c6", namespace, annotations: { "pulumi.com/autonamed": "true" } },
    spec: { ...spec, template: { spec: { containers: [container] } } },
  });
  expect(Object.keys(imported?.inputs ?? {})).not.toContain("status");
  expect(Object.keys(mapAt(imported?.inputs ?? {}, "metadata"))).not.toContain("uid");
});

describe("what cannot be", () => {
  test("is said at once: other types, ids, generated names", async () => {
    expect(messageOf(await failure(check("PodPatch", {})))).toBe(
      "the sandbox's replacement of the Kubernetes plugin does not serve kubernetes:core/v1:PodPatch; it serves plain objects only",
    );
    expect(await failure(read("Pod", "", {}, {}))).toBeInstanceOf(InputPropertiesError);
    const request = { ...identity("Pod"), oldInputs: {}, randomSeed: new Uint8Array() };
    const newInputs = { metadata: { generateName: "p-" }, spec: {} };
    const { failures } = await provider.check({ ...request, newInputs }, context());
    expect(failures).toStrictEqual([
      {
        property: "metadata.generateName",
        reason: "is not supported with server-side apply; set metadata.name",
      },
    ]);
  });

  test("a cluster that does not answer is named, with what to look at", async () => {
    const config = await kubectl("config", "view", "--raw");
    const kubeconfig = config.replace(/server: .*/, "server: https://127.0.0.1:1");
    const plain = provider;
    provider = await configured({ kubeconfig: new Secret(kubeconfig) });
    const error = await failure(check("Pod", { metadata: { name: "p" } }));
    provider = plain;
    expect(messageOf(error)).toBe(
      "configured Kubernetes cluster is unreachable: https://127.0.0.1:1: connect ECONNREFUSED 127.0.0.1:1. " +
        "Check the kubeconfig, its context and the network, then run again.",
    );
  });

  test("a context that is not there is named before anything is asked", async () => {
    const error = await failure(Promise.resolve().then(() => configured({ context: "nowhere" })));
    expect(messageOf(error)).toMatch(/^The kubeconfig has no context "nowhere"\. It has: /);
  });
});
