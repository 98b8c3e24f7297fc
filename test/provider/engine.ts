import providerpb from "@pulumi/pulumi/proto/provider_pb.js";
import type { ResourceProviderClient } from "@pulumi/pulumi/proto/provider_grpc_pb.js";
import enginepb from "@pulumi/pulumi/proto/engine_pb.js";
import emptypb from "google-protobuf/google/protobuf/empty_pb.js";
import type { PropertyMap } from "../../provider/protocol/property-value.ts";
import { startServer } from "../../provider/protocol/server.ts";
import { decodeMap, encodeMap } from "../../provider/protocol/wire.ts";
import { trusteeProvider } from "../../provider/trustee-provider.ts";
import { ask, connect, methods } from "./protocol/client.ts";
import { fakeEngine } from "./protocol/fake-engine.ts";
import type { TestCluster } from "./cluster.ts";

export interface EngineOptions {
  /** @default the cluster's */
  readonly kubeconfig?: string;
  readonly stack?: string;
  /** Whether the provider takes over objects that a stack of the same name has left. */
  readonly takeOver?: boolean;
}

export interface Step {
  readonly op: "create" | "update" | "replace" | "same";
  /** Property path -> kind of change. */
  readonly diff: Readonly<Record<string, string>>;
  readonly outputs: PropertyMap;
}

interface State {
  readonly id: string;
  readonly inputs: PropertyMap;
  readonly outputs: PropertyMap;
}

const kindNames = new Map(
  Object.entries(providerpb.PropertyDiff.Kind).map(([name, value]) => [
    value,
    name.toLowerCase().replace("_", "-"),
  ]),
);

/** The provider behind its gRPC server, driven as Pulumi's engine does, with the state of its resources. */
export class Engine {
  readonly logs: enginepb.LogRequest.AsObject[];
  readonly client: ResourceProviderClient;
  readonly stack: string;
  readonly #close: () => Promise<void>;
  #settings: PropertyMap = {};

  private constructor(
    client: ResourceProviderClient,
    logs: enginepb.LogRequest.AsObject[],
    stack: string,
    close: () => Promise<void>,
  ) {
    this.client = client;
    this.logs = logs;
    this.stack = stack;
    this.#close = close;
  }

  static async start(
    cluster: TestCluster,
    { kubeconfig = cluster.kubeconfig, stack = "dev", takeOver = false }: EngineOptions = {},
  ): Promise<Engine> {
    const engine = await fakeEngine();
    const server = await startServer(trusteeProvider(cluster.clock), {
      version: "0.1.0",
      engineAddress: engine.address,
    });
    const client = connect(server.port);
    const started = new Engine(client, engine.logs, stack, async () => {
      client.close();
      await server.stop();
      engine.stop();
    });
    const request = new providerpb.ConfigureRequest().setArgs(encodeMap({ kubeconfig, takeOver }));
    await ask(client, methods.configure, request);
    return started;
  }

  /** Changes the provider's settings: checks them against the state, then applies them. */
  async configure(settings: PropertyMap): Promise<void> {
    const request = new providerpb.CheckRequest()
      .setUrn(`urn:pulumi:${this.stack}::trustee-access::pulumi:providers:trustee::trustee`)
      .setOlds(encodeMap(this.#settings))
      .setNews(encodeMap({ namespace: "trustee-operator-system", ...settings }));
    const response = await ask(this.client, methods.checkConfig, request);
    const [failure] = response.getFailuresList();
    if (failure !== undefined) throw new Error(failure.getReason());
    this.#settings = decodeMap(response.getInputs());
    await this.reconfigure();
  }

  /** Starts a new provider process with the settings in the state. */
  async reconfigure(): Promise<void> {
    const request = new providerpb.ConfigureRequest().setArgs(encodeMap(this.#settings));
    await ask(this.client, methods.configure, request);
  }

  /** The input that names a resource's cluster; none before the provider knows it. */
  get cluster(): PropertyMap {
    const { cluster } = this.#settings;
    return cluster === undefined ? {} : { cluster };
  }

  async stop(): Promise<void> {
    await this.#close();
  }

  resource(type: string, name = "it"): TestResource {
    return new TestResource(this, `trustee:index:${type}`, name);
  }

  async invoke(token: string, args: PropertyMap): Promise<PropertyMap> {
    const request = new providerpb.InvokeRequest().setTok(token).setArgs(encodeMap(args));
    const response = await ask(this.client, methods.invoke, request);
    return decodeMap(response.getReturn());
  }

  async cancel(): Promise<void> {
    await ask(this.client, methods.cancel, new emptypb.Empty());
  }

  /** The messages of a severity, without ephemeral ones. */
  messages(severity: "WARNING" | "INFO"): string[] {
    return this.logs
      .filter((log) => log.severity === enginepb.LogSeverity[severity] && !log.ephemeral)
      .map((log) => log.message);
  }

  get statuses(): string[] {
    return this.logs.filter((log) => log.ephemeral).map((log) => log.message);
  }
}

/** One resource of a program, with its state. */
export class TestResource {
  readonly #engine: Engine;
  readonly #type: string;
  readonly #name: string;
  state: State | undefined;

  constructor(engine: Engine, type: string, name: string) {
    this.#engine = engine;
    this.#type = type;
    this.#name = name;
  }

  get urn(): string {
    return `urn:pulumi:${this.#engine.stack}::trustee-access::${this.#type}::${this.#name}`;
  }

  /** `pulumi up`: refresh, diff, and the resulting step. */
  async up(inputs: PropertyMap, timeoutSeconds = 0): Promise<Step> {
    return this.#run(inputs, false, timeoutSeconds);
  }

  /** A step of a run that has read this resource before: the engine reads all of them first. */
  async step(inputs: PropertyMap): Promise<Step> {
    return this.#run(inputs, false, 0, false);
  }

  /** A plain `pulumi preview`: the state does not change. */
  async preview(inputs: PropertyMap): Promise<Step> {
    const state = this.state;
    try {
      return await this.#run(inputs, true, 0);
    } finally {
      this.state = state;
    }
  }

  async check(inputs: PropertyMap): Promise<{ inputs: PropertyMap; failures: Record<string, string> }> {
    const request = this.#about(new providerpb.CheckRequest())
      .setOlds(encodeMap(this.state?.inputs ?? {}))
      .setNews(encodeMap(inputs));
    const response = await ask(this.#engine.client, methods.check, request);
    const failures = response
      .getFailuresList()
      .map((failure): [string, string] => [failure.getProperty(), failure.getReason()]);
    return { inputs: decodeMap(response.getInputs()), failures: Object.fromEntries(failures) };
  }

  /** `pulumi refresh`. @returns whether the resource still exists */
  async refresh(): Promise<boolean> {
    const state = this.#existing();
    const request = this.#about(new providerpb.ReadRequest())
      .setId(state.id)
      .setInputs(encodeMap(state.inputs))
      .setProperties(encodeMap(state.outputs));
    const response = await ask(this.#engine.client, methods.read, request);
    this.state =
      response.getId() === ""
        ? undefined
        : {
            id: response.getId(),
            inputs: decodeMap(response.getInputs()),
            outputs: decodeMap(response.getProperties()),
          };
    return this.state !== undefined;
  }

  async drift(): Promise<unknown> {
    await this.refresh();
    return this.state?.inputs["drift"];
  }

  async import(id: string): Promise<boolean> {
    this.state = { id, inputs: {}, outputs: {} };
    return this.refresh();
  }

  /** `pulumi destroy`, without a refresh before. */
  async destroy(): Promise<void> {
    const state = this.#existing();
    const request = this.#about(new providerpb.DeleteRequest())
      .setId(state.id)
      .setOldInputs(encodeMap(state.inputs))
      .setProperties(encodeMap(state.outputs));
    await ask(this.#engine.client, methods.delete, request);
    this.state = undefined;
  }

  #about<R extends { setUrn: (urn: string) => R; setType: (type: string) => R }>(request: R): R {
    return request.setUrn(this.urn).setType(this.#type);
  }

  #existing(): State {
    if (this.state === undefined) throw new Error(`${this.urn} is not in the state`);
    return this.state;
  }

  async #run(given: PropertyMap, preview: boolean, timeoutSeconds: number, reads = true): Promise<Step> {
    if (reads && this.state !== undefined) await this.refresh();
    const { inputs, failures } = await this.check(given);
    if (Object.keys(failures).length > 0) throw new Error(JSON.stringify(failures));
    if (this.state === undefined) {
      return { op: "create", diff: {}, outputs: await this.#create(inputs, preview, timeoutSeconds) };
    }
    const state = this.state;
    const diff = await this.#diff(state, inputs);
    if (Object.keys(diff).length === 0) return { op: "same", diff, outputs: state.outputs };
    if (Object.values(diff).some((kind) => kind.endsWith("-replace"))) {
      const outputs = await this.#create(inputs, preview, timeoutSeconds);
      const created = this.state;
      if (!preview) {
        this.state = state;
        await this.destroy();
        this.state = created;
      }
      return { op: "replace", diff, outputs };
    }
    const request = this.#about(new providerpb.UpdateRequest())
      .setId(state.id)
      .setOldInputs(encodeMap(state.inputs))
      .setOlds(encodeMap(state.outputs))
      .setNews(encodeMap(inputs))
      .setTimeout(timeoutSeconds)
      .setPreview(preview);
    const response = await ask(this.#engine.client, methods.update, request);
    const outputs = decodeMap(response.getProperties());
    if (!preview) this.state = { id: state.id, inputs, outputs };
    return { op: "update", diff, outputs };
  }

  async #create(inputs: PropertyMap, preview: boolean, timeoutSeconds: number): Promise<PropertyMap> {
    const request = this.#about(new providerpb.CreateRequest())
      .setProperties(encodeMap(inputs))
      .setTimeout(timeoutSeconds)
      .setPreview(preview);
    const response = await ask(this.#engine.client, methods.create, request);
    const outputs = decodeMap(response.getProperties());
    if (!preview) this.state = { id: response.getId(), inputs, outputs };
    return outputs;
  }

  async #diff(state: State, inputs: PropertyMap): Promise<Record<string, string>> {
    const request = this.#about(new providerpb.DiffRequest())
      .setId(state.id)
      .setOldInputs(encodeMap(state.inputs))
      .setOlds(encodeMap(state.outputs))
      .setNews(encodeMap(inputs));
    const response = await ask(this.#engine.client, methods.diff, request);
    const found: [string, string][] = [];
    response.getDetaileddiffMap().forEach((change, path) => {
      found.push([path, kindNames.get(change.getKind()) ?? "?"]);
    });
    return Object.fromEntries(found);
  }
}
