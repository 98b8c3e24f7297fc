import { createHash } from "node:crypto";
import type { TestClock } from "./clock.ts";
import { fieldsAt, listAt } from "./fields.ts";
import { isReady, podTarget } from "./pods.ts";
import { resourceOf } from "./resources.ts";
import type { Store, Stored, Target } from "./store.ts";

/** Delay until the controller handles a change. Milliseconds. */
const STEP = 100;

/** Deployment controller, ReplicaSets and garbage collector in one. Rolling updates follow the strategy. */
export class Deployments {
  readonly #store: Store;
  readonly #clock: TestClock;
  readonly #scheduled = new Set<string>();
  #made = 0;

  constructor(store: Store, clock: TestClock) {
    this.#store = store;
    this.#clock = clock;
    store.onChange(({ kind, metadata }) => {
      const { namespace = "", name } = metadata;
      if (kind === "Deployment") this.#schedule(namespace, name);
      if (kind === "Pod") this.#schedule(namespace, ownerOf(metadata) ?? "");
    });
  }

  #schedule(namespace: string, name: string): void {
    const key = `${namespace}/${name}`;
    if (this.#scheduled.has(key)) return;
    this.#scheduled.add(key);
    this.#clock.after(STEP, () => {
      this.#scheduled.delete(key);
      this.#reconcile(namespace, name);
    });
  }

  #reconcile(namespace: string, name: string): void {
    const own = this.#store.list("Pod", namespace).filter(({ metadata }) => ownerOf(metadata) === name);
    const staying = own.filter(({ metadata }) => metadata.deletionTimestamp === undefined);
    const deployment = this.#store.get("Deployment", namespace, name);
    if (deployment === undefined) {
      for (const pod of staying) this.#store.delete(podTarget(pod));
      return;
    }
    const hash = hashOf(deployment);
    const current = staying.filter(({ metadata }) => metadata.labels?.["pod-template-hash"] === hash);
    const old = staying.filter((pod) => !current.includes(pod));
    const { replicas, surge, unavailable } = scaleOf(deployment);
    if (fieldsAt(deployment, "spec")["paused"] !== true) {
      const missing = Math.max(Math.min(replicas - current.length, replicas + surge - staying.length), 0);
      for (let count = 0; count < missing; count += 1) this.#makePod(deployment, hash);
      const least = replicas - unavailable;
      const unavailableNow = current.length + missing - current.filter(isReady).length;
      const dispensable = Math.max(staying.length + missing - least - unavailableNow, 0);
      const unready = old.filter((pod) => !isReady(pod)).slice(0, dispensable);
      const spare = Math.max(staying.filter(isReady).length - least, 0);
      for (const pod of [...unready, ...old.filter(isReady).slice(0, spare)]) {
        this.#store.delete(podTarget(pod));
      }
    }
    this.#report(deployment, hash);
  }

  #report(deployment: Stored, hash: string): void {
    const { namespace = "", name } = deployment.metadata;
    const pods = this.#store
      .list("Pod", namespace)
      .filter(({ metadata }) => ownerOf(metadata) === name && metadata.deletionTimestamp === undefined);
    const ready = pods.filter(isReady).length;
    const status = {
      observedGeneration: deployment.metadata.generation,
      replicas: pods.length,
      updatedReplicas: pods.filter(({ metadata }) => metadata.labels?.["pod-template-hash"] === hash).length,
      readyReplicas: ready,
      availableReplicas: ready,
    };
    this.#store.update(deploymentTarget(deployment), undefined, (live) => ({ ...live, status }));
  }

  #makePod(deployment: Stored, hash: string): void {
    const { namespace = "", name: owner } = deployment.metadata;
    const template = fieldsAt(deployment, "spec", "template");
    const { annotations, labels } = fieldsAt(template, "metadata");
    const name = `${owner}-${hash}-${String((this.#made += 1)).padStart(5, "0")}`;
    const metadata = {
      ...(annotations === undefined ? {} : { annotations }),
      labels: { ...(labels as object), "pod-template-hash": hash },
      ownerReferences: [
        { apiVersion: "apps/v1", kind: "ReplicaSet", name: `${owner}-${hash}`, uid: hash, controller: true },
      ],
    };
    const pod = { metadata, spec: template["spec"], status: { phase: "Pending" } };
    this.#store.create({ resource: resourceOf("Pod"), namespace, name }, pod, "kube-controller-manager");
  }
}

function deploymentTarget({ metadata: { namespace = "", name } }: Stored): Target {
  return { resource: resourceOf("Deployment"), namespace, name };
}

/** The Deployment that owns a pod. */
function ownerOf(metadata: Stored["metadata"]): string | undefined {
  const [owner] = listAt(metadata, "ownerReferences");
  return owner === undefined ? undefined : String(owner["name"]).replace(/-[^-]+$/, "");
}

function hashOf(deployment: Stored): string {
  const template = JSON.stringify(fieldsAt(deployment, "spec", "template"));
  return createHash("sha256").update(template).digest("hex").slice(0, 10);
}

function scaleOf(deployment: Stored): { replicas: number; surge: number; unavailable: number } {
  const replicas = Number(fieldsAt(deployment, "spec")["replicas"] ?? 1);
  const { maxSurge = "25%", maxUnavailable = "25%" } = fieldsAt(
    deployment,
    ...["spec", "strategy", "rollingUpdate"],
  );
  const resolved = (value: unknown): number =>
    typeof value === "string" ? (Number.parseFloat(value) / 100) * replicas : Number(value);
  return {
    replicas,
    surge: Math.ceil(resolved(maxSurge)),
    unavailable: Math.floor(resolved(maxUnavailable)),
  };
}

/** Whether the rollout is complete, as in `kubectl rollout status`. */
export function isRolledOut(deployment: Stored | undefined): boolean {
  const { generation } = deployment?.metadata ?? {};
  const replicas = Number(fieldsAt(deployment, "spec")["replicas"] ?? 1);
  const status = fieldsAt(deployment, "status");
  return (
    status["observedGeneration"] === generation &&
    ["replicas", "updatedReplicas", "availableReplicas"].every((count) => status[count] === replicas)
  );
}
