import type { Generation } from "../../core/trustee/generation.ts";
import { loadCluster } from "../../kube/cluster.ts";
import { KubeClient } from "../../kube/client.ts";
import type { Kind, KubeObject } from "../../kube/objects.ts";
import { openSandbox, type Sandbox } from "../../sandbox/api.ts";
import { sandboxName } from "./sandboxes.ts";

let made = 0;

/** A sandbox with a namespace of a test's own, in which no operator works. */
export class TestCluster {
  readonly sandbox: Sandbox;
  readonly namespace: string;
  readonly kube: KubeClient;

  private constructor(sandbox: Sandbox, namespace: string) {
    this.sandbox = sandbox;
    this.namespace = namespace;
    this.kube = this.writer("somebody-else");
  }

  /** A client that writes under that name. */
  writer(fieldManager: string): KubeClient {
    const config = loadCluster({ kubeconfig: this.sandbox.kubeconfig });
    return new KubeClient(config, new AbortController().signal, fieldManager);
  }

  /** @param namespace one that there is already; without it a new one is made */
  static async open(generation: Generation = "0.18", namespace?: string): Promise<TestCluster> {
    const sandbox = openSandbox(sandboxName(generation));
    if (namespace !== undefined) return new TestCluster(sandbox, namespace);
    const name = `test-${process.pid}-${(made += 1)}`;
    const cluster = new TestCluster(sandbox, name);
    await cluster.apply({ apiVersion: "v1", kind: "Namespace", metadata: { name } });
    return cluster;
  }

  get kubeconfig(): string {
    return this.sandbox.kubeconfig;
  }

  async kubectl(...args: string[]): Promise<string> {
    return this.#run(args);
  }

  /** Creates objects, or brings them to what is given. */
  async apply(...objects: object[]): Promise<void> {
    const list = { apiVersion: "v1", kind: "List", items: objects };
    await this.#run(["apply", "--server-side", "--force-conflicts", "-f", "-"], JSON.stringify(list));
  }

  async configMap(name: string, data?: Readonly<Record<string, string>>, more: object = {}): Promise<void> {
    const metadata = { name, namespace: this.namespace };
    await this.apply({
      apiVersion: "v1",
      kind: "ConfigMap",
      metadata,
      ...(data === undefined ? {} : { data }),
      ...more,
    });
  }

  async secret(
    name: string,
    data: Readonly<Record<string, string>> = {},
    metadata: object = {},
  ): Promise<void> {
    await this.apply({
      apiVersion: "v1",
      kind: "Secret",
      metadata: { name, namespace: this.namespace, ...metadata },
      stringData: data,
    });
  }

  async kbsConfig(name: string, kbsSecretResources?: readonly string[]): Promise<void> {
    const spec = kbsSecretResources === undefined ? {} : { kbsSecretResources };
    await this.apply({
      apiVersion: "confidentialcontainers.org/v1alpha1",
      kind: "KbsConfig",
      metadata: { name, namespace: this.namespace },
      spec,
    });
  }

  async get(kind: Kind, name: string): Promise<KubeObject> {
    const object = await this.kube.get({ kind, namespace: this.namespace, name });
    if (object === undefined) throw new Error(`there is no ${kind} ${name}`);
    return object;
  }

  /** A ConfigMap's data. */
  async data(name: string): Promise<unknown> {
    return (await this.get("ConfigMap", name))["data"];
  }

  /** Writes as somebody else does: one key, `null` removes it. */
  async edit(name: string, data: Readonly<Record<string, string | null>>): Promise<void> {
    await this.kube.patch({ kind: "ConfigMap", namespace: this.namespace, name }, { data });
  }

  /** `spec.kbsSecretResources`. */
  async entries(kbsConfig: string): Promise<unknown> {
    const { spec } = await this.get("KbsConfig", kbsConfig);
    return (spec as { kbsSecretResources?: unknown } | undefined)?.kbsSecretResources;
  }

  async setEntries(kbsConfig: string, kbsSecretResources: readonly string[]): Promise<void> {
    await this.kube.patch(
      { kind: "KbsConfig", namespace: this.namespace, name: kbsConfig },
      { spec: { kbsSecretResources } },
    );
  }

  async #run(args: readonly string[], input?: string): Promise<string> {
    const { exitCode, stdout, stderr } = await this.sandbox.kubectl(
      ["--namespace", this.namespace, ...args],
      input === undefined ? {} : { input },
    );
    if (exitCode !== 0) throw new Error(`kubectl ${args.join(" ")}: ${stderr}`);
    return stdout;
  }
}
