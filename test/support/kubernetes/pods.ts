import { fieldsAt, listAt } from "./fields.ts";
import type { TestClock } from "./clock.ts";
import { resourceOf } from "./resources.ts";
import type { Store, Stored, Target } from "./store.ts";

/** Delays until a pod starts, is retried, and ends. Milliseconds. */
const START = 400;
const RETRY = 1_000;
const END = 200;

/** Why a pod does not start; undefined if it does. */
export type Obstacle = (pod: Stored) => string | undefined;

const podResource = resourceOf("Pod");

export function podTarget({ metadata: { namespace = "", name } }: Stored): Target {
  return { resource: podResource, namespace, name };
}

/** Whether a pod is Ready and not terminating. */
export const isReady = (pod: Stored): boolean =>
  pod.metadata.deletionTimestamp === undefined &&
  listAt(pod, "status", "conditions").some(({ type, status }) => type === "Ready" && status === "True");

/** Scheduler and kubelets: pods start after a delay, unless there is an obstacle, and end. */
export class Pods {
  readonly #store: Store;
  readonly #clock: TestClock;
  readonly #obstacle: Obstacle;
  readonly #seen = new Set<string>();
  readonly #ending = new Set<string>();

  constructor(store: Store, clock: TestClock, obstacle: Obstacle) {
    this.#store = store;
    this.#clock = clock;
    this.#obstacle = obstacle;
    store.onChange((object) => {
      if (object.kind === "Pod") this.#consider(object);
    });
  }

  #consider(pod: Stored): void {
    const { uid, deletionTimestamp } = pod.metadata;
    if (deletionTimestamp !== undefined && !this.#ending.has(uid)) {
      this.#ending.add(uid);
      this.#clock.after(END, () => {
        const { namespace = "", name } = pod.metadata;
        const { finalizers = [] } = this.#store.get("Pod", namespace, name)?.metadata ?? {};
        if (finalizers.length === 0) this.#store.remove(podTarget(pod));
        else this.#ending.delete(uid);
      });
    }
    if (this.#seen.has(uid)) return;
    this.#seen.add(uid);
    const nodes = Object.keys(fieldsAt(pod, "spec", "nodeSelector"));
    this.#clock.after(START, () => {
      if (nodes.length > 0) this.#unscheduled(pod);
      else this.#start(pod);
    });
  }

  #live(pod: Stored): Stored | undefined {
    const live = this.#store.get("Pod", pod.metadata.namespace ?? "", pod.metadata.name);
    return live?.metadata.uid === pod.metadata.uid && live.metadata.deletionTimestamp === undefined
      ? live
      : undefined;
  }

  #start(pod: Stored): void {
    if (this.#live(pod) === undefined) return;
    const obstacle = this.#obstacle(pod);
    if (obstacle === undefined) {
      const conditions = ["PodScheduled", "Initialized", "ContainersReady", "Ready"].map((type) => ({
        type,
        status: "True",
      }));
      this.#setStatus(pod, { phase: "Running", conditions });
      return;
    }
    const waiting = { reason: "CreateContainerError", message: obstacle };
    const containerStatuses = listAt(pod, "spec", "containers").map(({ name }) => ({
      name,
      state: { waiting },
    }));
    this.#setStatus(pod, { phase: "Pending", conditions: [], containerStatuses });
    this.#clock.after(RETRY, () => {
      this.#start(pod);
    });
  }

  #unscheduled(pod: Stored): void {
    if (this.#live(pod) === undefined) return;
    const { namespace = "", name } = pod.metadata;
    const message = "0/1 nodes are available: 1 node(s) didn't match Pod's node affinity/selector.";
    this.#setStatus(pod, {
      phase: "Pending",
      conditions: [{ type: "PodScheduled", status: "False", reason: "Unschedulable", message }],
    });
    const event = {
      type: "Warning",
      reason: "FailedScheduling",
      message,
      involvedObject: { kind: "Pod", name },
    };
    const target = { resource: resourceOf("Event"), namespace, name: `${name}.1` };
    this.#store.create(target, event, "kube-scheduler");
  }

  #setStatus(pod: Stored, status: object): void {
    this.#store.update(podTarget(pod), undefined, (live) => ({ ...live, status }));
  }
}
