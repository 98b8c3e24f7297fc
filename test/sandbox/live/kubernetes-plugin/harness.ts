/** The plugin beside a sandbox of its own, and its functions called as the engine calls them. */
import { afterAll, afterEach, beforeAll, beforeEach } from "vitest";
import type {
  CallContext,
  CreateResponse,
  DiffResponse,
  PropertyMap,
  ReadResponse,
  UpdateResponse,
} from "../../../../protocol/index.ts";
import { startSandbox, type Sandbox } from "../../../../sandbox/api.ts";
import { KubernetesProvider } from "../../../../sandbox/kubernetes-plugin/provider.ts";

export const namespace = "plugin-test";

export const identity = (kind: string, name = "res") => {
  const type = `kubernetes:${kind === "Deployment" ? "apps" : "core"}/v1:${kind}`;
  return { urn: `urn:pulumi:s::p::${type}::${name}`, name, type };
};

export interface Creation {
  readonly preview?: boolean;
  readonly timeoutSeconds?: number;
  readonly signal?: AbortSignal;
}

/** A resource as the engine knows it. */
export interface State {
  readonly id: string;
  readonly inputs: PropertyMap;
  readonly outputs: PropertyMap;
}

/** What a call failed with. */
export async function failure(done: Promise<unknown>): Promise<unknown> {
  try {
    await done;
  } catch (error) {
    return error;
  }
  throw new Error("the call succeeded");
}

export class Harness {
  provider = new KubernetesProvider();
  /** What was said beside the resources, by the test that runs. */
  statuses: string[] = [];
  #sandbox: Sandbox | undefined;

  constructor() {
    beforeAll(async () => {
      this.#sandbox = await startSandbox({ name: `kubernetes-plugin-test-${process.pid}` });
      this.provider = await this.configured({});
      await this.kubectl("create", "namespace", namespace);
    }, 600_000);
    beforeEach(() => {
      this.statuses = [];
    });
    afterEach(async () => {
      await this.kubectl(
        "delete",
        "pods,configmaps,secrets,deployments",
        "--all",
        "--force",
        "-n",
        namespace,
      );
    });
    afterAll(async () => {
      await this.#sandbox?.stop();
    }, 60_000);
  }

  get sandbox(): Sandbox {
    if (this.#sandbox === undefined) throw new Error("the sandbox has not been started");
    return this.#sandbox;
  }

  async configured(args: PropertyMap): Promise<KubernetesProvider> {
    const made = new KubernetesProvider();
    const common = { kubeconfig: this.sandbox.kubeconfig, namespace };
    await made.configure({ args: { ...common, ...args }, variables: {} });
    return made;
  }

  async kubectl(...args: readonly string[]): Promise<string> {
    const { exitCode, stdout, stderr } = await this.sandbox.kubectl(args);
    if (exitCode !== 0) throw new Error(`kubectl ${args.join(" ")}: ${stderr}`);
    return stdout;
  }

  /** What a JSONPath finds in a live object; empty if there is no object. */
  async live(kind: string, name: string, path: string): Promise<string> {
    const args = ["get", kind, name, "-n", namespace, "-o", `jsonpath=${path}`, "--ignore-not-found"];
    return await this.kubectl(...args);
  }

  context(signal: AbortSignal = new AbortController().signal): CallContext {
    const ignore = () => undefined;
    const status = (message: string) => this.statuses.push(message);
    return { signal, log: { debug: ignore, info: ignore, warn: ignore, error: ignore, status } };
  }

  async check(kind: string, newInputs: PropertyMap): Promise<PropertyMap> {
    const randomSeed = new Uint8Array([1, 2, 3]);
    const request = { ...identity(kind), newInputs, oldInputs: {}, randomSeed };
    const { inputs, failures = [] } = await this.provider.check(request, this.context());
    if (failures.length > 0) throw new Error(JSON.stringify(failures));
    return inputs;
  }

  async create(
    kind: string,
    newInputs: PropertyMap,
    options: Creation = {},
  ): Promise<State & CreateResponse> {
    const inputs = await this.check(kind, newInputs);
    const { preview = false, timeoutSeconds = 0, signal } = options;
    const request = { ...identity(kind), inputs, preview, timeoutSeconds };
    return { inputs, ...(await this.provider.create(request, this.context(signal))) };
  }

  read(kind: string, { id, inputs, outputs }: State): Promise<ReadResponse | undefined> {
    return this.provider.read({ ...identity(kind), id, inputs, outputs, timeoutSeconds: 0 }, this.context());
  }

  delete(kind: string, { id, inputs, outputs }: State): Promise<void> {
    const request = { ...identity(kind), id, oldInputs: inputs, outputs, timeoutSeconds: 0 };
    return this.provider.delete(request, this.context());
  }

  async diff(kind: string, state: State | undefined, newInputs: PropertyMap): Promise<DiffResponse> {
    if (state === undefined) throw new Error("there is no state to compare with");
    const olds = { id: state.id, oldInputs: state.inputs, oldOutputs: state.outputs };
    return await this.provider.diff({ ...identity(kind), ...olds, newInputs, ignoreChanges: [] });
  }

  async update(kind: string, state: State, next: PropertyMap): Promise<UpdateResponse> {
    const olds = { id: state.id, oldInputs: state.inputs, oldOutputs: state.outputs };
    const newInputs = await this.check(kind, next);
    const options = { timeoutSeconds: 0, ignoreChanges: [], preview: false };
    return await this.provider.update({ ...identity(kind), ...olds, newInputs, ...options }, this.context());
  }
}
