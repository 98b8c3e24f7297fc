import { volumeProblem } from "../../../core/kbs-config/volume-names.ts";
import { isDeepStrictEqual } from "node:util";
import { generationFacts, trusteeNames, type Generation } from "../../../core/trustee/generation.ts";
import { installation, trusteeConfig } from "../../../sandbox/trustee/manifests/installation.ts";
import { kbsDeployment } from "../../../sandbox/trustee/manifests/kbs.ts";
import { sampleSecret, type Manifest } from "../../../sandbox/trustee/manifests/objects.ts";
import { podTemplate, versionedConfigMaps } from "../../../sandbox/trustee/manifests/pod-template.ts";
import type { TestClock } from "./clock.ts";
import { fieldsAt } from "./fields.ts";
import type { Obstacle } from "./pods.ts";
import type { Json } from "./patches.ts";
import { resourceOf } from "./resources.ts";
import type { Store, Target } from "./store.ts";

const { namespace, kbsConfig: KBS_CONFIG, deployment: DEPLOYMENT } = trusteeNames;

/** Delay of the operator after a change, to batch further ones, like the sandbox's. Milliseconds. */
const SETTLE = 300;

const CERTIFICATE = "-----BEGIN CERTIFICATE-----\nMII=\n-----END CERTIFICATE-----\n";

const target = (kind: string, name: string): Target => ({ resource: resourceOf(kind), namespace, name });

/** Trustee with its operator, like the sandbox's stand-in: see docs/sandbox.md. */
export class Trustee {
  readonly #store: Store;
  readonly #clock: TestClock;
  readonly #generation: Generation;
  #scheduled = false;

  constructor(store: Store, clock: TestClock, generation: Generation) {
    this.#store = store;
    this.#clock = clock;
    this.#generation = generation;
    store.onChange(({ kind, metadata }) => {
      const watched = ["ConfigMap", "Secret", "Deployment", "KbsConfig"].includes(kind);
      if (watched && metadata.namespace === namespace) this.#schedule();
    });
  }

  async install(): Promise<void> {
    const material = { generation: this.#generation, fresh: false, certificate: CERTIFICATE, key: "key" };
    const manifests = [...trusteeConfig(material), ...(await installation(material, "trusteeconfig"))];
    for (const manifest of manifests) this.#create(manifest);
  }

  #create(manifest: Manifest): void {
    this.#store.create(target(manifest.kind, manifest.metadata.name), { ...manifest }, "manager");
  }

  #schedule(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    this.#clock.after(SETTLE, () => {
      this.#scheduled = false;
      this.#reconcile();
    });
  }

  #reconcile(): void {
    const kbsConfig = this.#store.get("KbsConfig", namespace, KBS_CONFIG);
    if (kbsConfig === undefined) return;
    const spec = fieldsAt(kbsConfig, "spec");
    const listed = (spec["kbsSecretResources"] ?? []) as readonly string[];
    if (listed.length === 0) {
      const kbsSecretResources = [sampleSecret[this.#generation]];
      const sampled = { ...kbsConfig, spec: { ...spec, kbsSecretResources } };
      this.#store.update(target("KbsConfig", KBS_CONFIG), "manager", () => sampled);
      return;
    }
    if (listed.some((name) => this.#store.get("Secret", namespace, name) === undefined)) return;
    // The real API server would reject the Deployment.
    if (listed.some((name) => volumeProblem(name) !== undefined)) return;
    const maps = versionedConfigMaps.map((name) => this.#store.get("ConfigMap", namespace, name));
    const versions = maps.flatMap((map) => map?.metadata.resourceVersion ?? []);
    if (versions.length < maps.length) return;
    const template = podTemplate(this.#generation, listed, versions);
    if (this.#store.get("Deployment", namespace, DEPLOYMENT) === undefined) {
      this.#create(kbsDeployment(template, 1, kbsConfig.metadata.uid));
      return;
    }
    // Operators up to v0.18 overwrite only the pod's spec, so an annotation of `kubectl rollout restart`
    // stays.
    const whole = this.#generation === "0.21";
    this.#store.update(target("Deployment", DEPLOYMENT), "manager", (live) => {
      const kept = fieldsAt(live, "spec", "template");
      const wanted: Json = whole ? { ...template } : { ...kept, spec: template.spec };
      return isDeepStrictEqual(kept, wanted)
        ? live
        : { ...live, spec: { ...fieldsAt(live, "spec"), template: wanted } };
    });
  }

  /**
   * A KBS does not start without its policy. A KBS of 0.21 does not start without reference values either.
   */
  readonly obstacle: Obstacle = (pod) => {
    if (pod.metadata.namespace !== namespace || pod.metadata.labels?.["app"] !== "kbs") return undefined;
    const { policyKey, referenceValuesKey } = generationFacts[this.#generation];
    const needed = [
      [trusteeNames.resourcePolicy, policyKey],
      ...(this.#generation === "0.21" ? [[trusteeNames.referenceValues, referenceValuesKey]] : []),
    ];
    const missing = needed.find(
      ([map = "", key = ""]) => !(key in fieldsAt(this.#store.get("ConfigMap", namespace, map), "data")),
    );
    return missing === undefined ? undefined : `failed to create subPath: no ${missing[1] ?? ""}`;
  };
}
