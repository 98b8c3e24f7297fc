import { trusteeNames, type Generation } from "../../core/trustee/generation.ts";
import { RESTARTED_AT_ANNOTATION } from "../../core/rollout/kbs-pods.ts";
import { loadCluster } from "../../kube/cluster.ts";
import { KubeClient } from "../../kube/client.ts";
import type { Kind, KubeObject } from "../../kube/objects.ts";
import { ApiServer } from "../support/kubernetes/api-server.ts";
import { TestClock } from "../support/kubernetes/clock.ts";
import { Deployments, isRolledOut } from "../support/kubernetes/deployments.ts";
import { mergePatched, type Json } from "../support/kubernetes/patches.ts";
import { Pods } from "../support/kubernetes/pods.ts";
import { resourceOf } from "../support/kubernetes/resources.ts";
import { Store, type Target } from "../support/kubernetes/store.ts";
import { Trustee } from "../support/kubernetes/trustee.ts";

interface Manifest {
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly [field: string]: unknown };
  readonly [field: string]: unknown;
}

/** An in-memory cluster with one namespace, where other clients write too. All of them share its clock. */
export class TestCluster {
  readonly clock: TestClock;
  readonly namespace: string;
  readonly kube: KubeClient;
  readonly #store: Store;
  readonly #server: ApiServer;

  private constructor(clock: TestClock, store: Store, server: ApiServer, namespace: string) {
    this.clock = clock;
    this.#store = store;
    this.#server = server;
    this.namespace = namespace;
    this.kube = this.writer("somebody-else");
  }

  /** An empty namespace without an operator. */
  static async open(): Promise<TestCluster> {
    return TestCluster.#start("test");
  }

  /** Trustee and its operator, as the tutorial's earlier steps leave them. */
  static async withTrustee(generation: Generation): Promise<TestCluster> {
    return TestCluster.#start(trusteeNames.namespace, generation);
  }

  static async #start(namespace: string, generation?: Generation): Promise<TestCluster> {
    const clock = new TestClock();
    const store = new Store(clock);
    const trustee = generation === undefined ? undefined : new Trustee(store, clock, generation);
    new Pods(store, clock, trustee?.obstacle ?? (() => undefined));
    new Deployments(store, clock);
    const cluster = new TestCluster(clock, store, await ApiServer.start(store, clock), namespace);
    cluster.apply({ kind: "Namespace", metadata: { name: namespace } });
    if (trustee !== undefined) {
      await trustee.install();
      clock.advance(1_000);
      cluster.rolledOut(trusteeNames.deployment);
    }
    return cluster;
  }

  stop(): void {
    this.#server.stop();
  }

  get kubeconfig(): string {
    return this.#server.kubeconfig;
  }

  /** A client with this field manager. */
  writer(fieldManager: string): KubeClient {
    const config = loadCluster({ kubeconfig: this.kubeconfig });
    return new KubeClient(config, new AbortController().signal, fieldManager);
  }

  /** Creates or updates an object. */
  apply({ kind, metadata, ...content }: Manifest): void {
    const target = this.#target(kind, metadata.name);
    if (this.#store.get(kind, target.namespace, target.name) === undefined) {
      this.#store.create(target, { ...content, metadata }, "kubectl");
      return;
    }
    this.#store.update(target, "kubectl", (live) => ({
      ...live,
      ...content,
      metadata: { ...live.metadata, ...metadata },
    }));
  }

  configMap(name: string, data?: Readonly<Record<string, string>>, more: object = {}): void {
    this.apply({ kind: "ConfigMap", metadata: { name }, ...(data === undefined ? {} : { data }), ...more });
  }

  secret(name: string, data: Readonly<Record<string, string>> = {}, metadata: object = {}): void {
    this.apply({ kind: "Secret", metadata: { name, ...metadata }, type: "Opaque", stringData: data });
  }

  kbsConfig(name: string, kbsSecretResources?: readonly string[]): void {
    const spec = kbsSecretResources === undefined ? {} : { kbsSecretResources };
    this.apply({ kind: "KbsConfig", metadata: { name }, spec });
  }

  async get(kind: Kind, name: string): Promise<KubeObject> {
    const object = await this.kube.get({ kind, namespace: this.namespace, name });
    if (object === undefined) throw new Error(`${kind} ${name} does not exist`);
    return object;
  }

  /** Called after every write of any client. */
  watch(look: (written: Json) => void): void {
    this.#store.onChange(look);
  }

  /** The current objects of a kind. */
  list(kind: Kind): readonly KubeObject[] {
    return this.#store.list(kind, this.namespace);
  }

  /** A ConfigMap's data. */
  async data(name: string): Promise<unknown> {
    return (await this.get("ConfigMap", name))["data"];
  }

  /** Writes as another client. */
  async patch(kind: Kind, name: string, patch: Json): Promise<void> {
    await this.kube.patch({ kind, namespace: this.namespace, name }, patch);
  }

  /** One key of a ConfigMap; `null` removes it. */
  async edit(name: string, data: Readonly<Record<string, string | null>>): Promise<void> {
    await this.patch("ConfigMap", name, { data });
  }

  /** `spec.kbsSecretResources`. */
  async entries(kbsConfig: string): Promise<unknown> {
    const { spec } = await this.get("KbsConfig", kbsConfig);
    return (spec as { kbsSecretResources?: unknown } | undefined)?.kbsSecretResources;
  }

  /** Trustee's shared objects: the policy, the reference values and the list of Secrets. */
  async sharedContent(): Promise<unknown> {
    return {
      policy: await this.data(trusteeNames.resourcePolicy),
      values: await this.data(trusteeNames.referenceValues),
      entries: await this.entries(trusteeNames.kbsConfig),
    };
  }

  async setEntries(kbsConfig: string, kbsSecretResources: readonly string[]): Promise<void> {
    await this.patch("KbsConfig", kbsConfig, { spec: { kbsSecretResources } });
  }

  /** Deletes an object and its dependents, unless a finalizer holds them. */
  delete(kind: Kind, name: string): void {
    this.#store.delete(this.#target(kind, name));
    this.clock.advance(1_000);
  }

  /** As `kubectl rollout restart`. */
  restart(deployment: string): void {
    const annotations = { [RESTARTED_AT_ANNOTATION]: this.clock.now().toISOString() };
    this.#store.update(
      this.#target("Deployment", deployment),
      "kubectl-rollout",
      (live) => mergePatched(live, { spec: { template: { metadata: { annotations } } } }) as Json,
    );
  }

  /** Lets time pass until a Deployment is rolled out: `kubectl rollout status`. */
  rolledOut(deployment: string): void {
    this.clock.until(`${deployment} is rolled out`, () =>
      isRolledOut(this.#store.get("Deployment", this.namespace, deployment)),
    );
  }

  #target(kind: string, name: string): Target {
    const resource = resourceOf(kind);
    return { resource, namespace: resource.namespaced ? this.namespace : "", name };
  }
}
