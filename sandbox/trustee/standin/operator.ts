import { isDeepStrictEqual } from "node:util";
import { messageOf } from "../../../core/records.ts";
import type { Generation } from "../../../core/trustee/generation.ts";
import { DEPLOYMENT, KBS_CONFIG, kbsDeployment, kbsService } from "../manifests/kbs.ts";
import { NAMESPACE, type OperatorBuild, sampleSecret } from "../manifests/objects.ts";
import { podTemplate, versionedConfigMaps } from "../manifests/pod-template.ts";
import { type Cluster, ignoringExisting, type KbsConfig, log } from "./cluster.ts";
import { migrateConfigMaps } from "./migration.ts";

/** Delay after a change, to batch further ones. The real operator takes up to two seconds. Milliseconds. */
const SETTLE = 300;

/**
 * A failure that only another change can fix, for example a listed Secret that does not exist. It is not
 * retried.
 */
class ReconcileError extends Error {}

/** Stand-in for Trustee's operator: see docs/sandbox.md. */
export class Operator {
  readonly #cluster: Cluster;
  readonly #generation: Generation;
  #timer: NodeJS.Timeout | undefined;
  #busy = false;
  #again = false;
  /** Whether it migrates ConfigMaps from Red Hat's 1.1. */
  readonly #migrates: boolean;

  constructor(
    cluster: Cluster,
    { generation, operator }: { readonly generation: Generation; readonly operator: OperatorBuild },
  ) {
    this.#cluster = cluster;
    this.#generation = generation;
    this.#migrates = operator === "red-hat" && generation === "0.21";
  }

  start(): void {
    const { configMaps, secrets, deployments, kbsConfigs } = this.#cluster;
    const changed = (): void => {
      this.#schedule(SETTLE);
    };
    configMaps.on("change", changed);
    secrets.on("change", changed);
    deployments.on("change", changed);
    kbsConfigs.on("change", changed);
    this.#schedule(0);
  }

  #schedule(delay: number): void {
    this.#again = true;
    if (this.#busy || this.#timer !== undefined) return;
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      this.#again = false;
      this.#busy = true;
      void this.#run().finally(() => {
        this.#busy = false;
        if (this.#again) this.#schedule(SETTLE);
      });
    }, delay);
  }

  async #run(): Promise<void> {
    try {
      await this.#reconcile();
    } catch (error) {
      log(`ERROR Reconciler error: ${messageOf(error)}`);
      if (!(error instanceof ReconcileError))
        setTimeout(() => {
          this.#schedule(0);
        }, 1000);
    }
  }

  async #reconcile(): Promise<void> {
    const kbsConfig = this.#cluster.kbsConfigs.get(KBS_CONFIG, NAMESPACE);
    if (kbsConfig === undefined) return;
    if (kbsConfig.metadata?.deletionTimestamp !== undefined) {
      await this.#release(kbsConfig);
      return;
    }
    if (this.#migrates) await migrateConfigMaps(this.#cluster, new Date());
    const listed = kbsConfig.spec?.kbsSecretResources ?? [];
    if (listed.length === 0) {
      log("spec.kbsSecretResources is empty: putting the sample secret back");
      const value = [sampleSecret[this.#generation]];
      await this.#cluster.replace("kbsConfig", KBS_CONFIG, [
        { op: "add", path: "/spec/kbsSecretResources", value },
      ]);
      return;
    }
    await this.#applyDeployment(kbsConfig, listed);
    if (kbsConfig.status?.isReady !== true) {
      await this.#cluster.replace("kbsConfigStatus", KBS_CONFIG, [
        { op: "add", path: "/status", value: { isReady: true } },
      ]);
    }
  }

  async #release(kbsConfig: KbsConfig): Promise<void> {
    if ((kbsConfig.metadata?.finalizers ?? []).length === 0) return;
    await this.#cluster.replace("kbsConfig", KBS_CONFIG, [{ op: "remove", path: "/metadata/finalizers" }]);
  }

  async #applyDeployment(kbsConfig: KbsConfig, listed: readonly string[]): Promise<void> {
    for (const name of listed) {
      if (this.#cluster.secrets.get(name, NAMESPACE) === undefined)
        throw new ReconcileError(`Secret "${name}" not found`);
    }
    const versions = versionedConfigMaps.map((name) => {
      const version = this.#cluster.configMaps.get(name, NAMESPACE)?.metadata?.resourceVersion;
      if (version === undefined) throw new ReconcileError(`ConfigMap "${name}" not found`);
      return version;
    });
    const wanted = podTemplate(this.#generation, listed, versions);
    const live = this.#cluster.deployments.get(DEPLOYMENT, NAMESPACE);
    if (live === undefined) {
      await this.#create(kbsConfig, wanted);
      return;
    }
    const { metadata, spec } = plain(live.spec?.template) ?? {};
    // Operators up to v0.18 overwrite only the pod's spec, so an annotation of `kubectl rollout restart`
    // stays.
    const whole = this.#generation === "0.21";
    const sameSpec = isDeepStrictEqual(spec, plain(wanted.spec));
    const sameMetadata =
      isDeepStrictEqual(metadata?.labels, wanted.metadata.labels) &&
      isDeepStrictEqual(metadata?.annotations ?? {}, wanted.metadata.annotations ?? {});
    if (sameSpec && (!whole || sameMetadata)) return;
    log(`updating ${DEPLOYMENT}: secrets ${listed.join(", ")}`);
    const patch = whole
      ? { op: "replace", path: "/spec/template", value: wanted }
      : { op: "replace", path: "/spec/template/spec", value: wanted.spec };
    await this.#cluster.replace("deployment", DEPLOYMENT, [patch]);
  }

  async #create(kbsConfig: KbsConfig, template: ReturnType<typeof podTemplate>): Promise<void> {
    const uid = kbsConfig.metadata?.uid ?? "";
    const replicas = kbsConfig.spec?.KbsDeploymentSpec?.replicas ?? 1;
    log(`creating ${DEPLOYMENT}`);
    await ignoringExisting(
      this.#cluster.apps.createNamespacedDeployment({
        namespace: NAMESPACE,
        body: kbsDeployment(template, replicas, uid) as object,
      }),
    );
    await ignoringExisting(
      this.#cluster.core.createNamespacedService({ namespace: NAMESPACE, body: kbsService(uid) as object }),
    );
  }
}

interface LiveTemplate {
  readonly metadata?: {
    readonly labels?: Readonly<Record<string, string>>;
    readonly annotations?: Readonly<Record<string, string>>;
  };
  readonly spec?: unknown;
}

/** Plain JSON, without undefined fields and the client library's classes. */
function plain(value: unknown): LiveTemplate | undefined {
  return value === undefined ? undefined : (JSON.parse(JSON.stringify(value)) as LiveTemplate);
}
