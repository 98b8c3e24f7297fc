import { z } from "zod";
import { messageOf } from "../core/records.ts";
import {
  decideRollout,
  isStuck,
  isUnmounted,
  podsDone,
  type RolloutDecision,
  type RolloutView,
} from "../core/rollout/decide.ts";
import { RESTARTED_AT_ANNOTATION, type ChangedObject } from "../core/rollout/kbs-pods.ts";
import { UserError } from "../core/issues.ts";
import { KubeError } from "../kube/errors.ts";
import { transient } from "../kube/retry.ts";
import { TimeoutError } from "./protocol/index.ts";
import { explainRollout, pausedWords, TIMEOUT_SETTING, type Explanation } from "./rollout-explain.ts";
import { readChange, readRollout, type KbsRollout } from "./rollout-read.ts";
import type { Operation } from "./resource.ts";

/** What is rolled out, and which changes each pod must see. */
export const rolloutInputs = z.object({
  namespace: z.string().min(1),
  deployment: z.string().min(1),
  changes: z.record(z.string(), z.string()),
  after: z.array(z.object({ kind: z.enum(["ConfigMap", "Secret"]), name: z.string().min(1) })),
  secrets: z.array(z.string().min(1)),
  timeoutMinutes: z.number().positive(),
  /** The secrets that the policy in this ConfigMap and key must restrict at the end. */
  restricted: z
    .object({ configMap: z.string().min(1), key: z.string().min(1), secrets: z.array(z.string().min(1)) })
    .optional(),
  /** Rolls out on delete instead of on create and update. */
  onDelete: z.boolean().optional(),
});
export type RolloutInputs = z.output<typeof rolloutInputs>;

/** Poll interval for the Deployment, in milliseconds. */
const POLL = 700;
/** Time limit for finding the cause of a failure, in milliseconds. */
const EXPLAIN = 5_000;

/** One rollout, from the first read until every pod runs the current configuration. */
export class RolloutRun {
  readonly #want: RolloutInputs;
  readonly #operation: Operation;
  #annotated = false;
  readonly #evicted = new Set<string>();
  #fingerprint = "";
  #changedAt = 0;
  #lastStatus = "";
  #pods: ReadonlySet<string> = new Set();
  /** The explanation of a stalled rollout, made once per stall. */
  #stall: Explanation | undefined;

  constructor(want: RolloutInputs, operation: Operation) {
    this.#want = want;
    this.#operation = operation;
  }

  /** @returns false if the Deployment does not exist */
  async run(): Promise<boolean> {
    const { namespace, deployment, after, timeoutMinutes, onDelete } = this.#want;
    const { kube, signal, log, clock } = this.#operation;
    const changes = await this.#changes(after);
    const deadline = clock.elapsed() + timeoutMinutes * 60_000;
    try {
      for (;;) {
        const seen = await readRollout(kube, namespace, deployment);
        if (seen === undefined) return false;
        this.#pods = new Set(seen.pods.map((pod) => pod.name));
        const view = this.#view(seen, changes);
        const decision = decideRollout(view);
        const held = await this.#heldBy(view);
        const [reason] = [...(held?.files ?? []), ...(held?.others ?? [])];
        this.#report(progress(deployment, view, decision) + (reason === undefined ? "" : `; ${reason}`));
        if (decision.kind === "done") return true;
        if (decision.kind === "paused") throw new Error(pausedWords(this.#want));
        if (onDelete === true && held !== undefined && held.files.length > 0) {
          log.warn(restoredUnstartable(this.#want, held.files));
          return true;
        }
        if (clock.elapsed() > deadline)
          throw new Error(`not done within ${timeoutMinutes} minutes (${TIMEOUT_SETTING})`);
        await this.#act(decision);
        await clock.sleep(POLL, signal);
      }
    } catch (error) {
      throw await this.#explained(error);
    }
  }

  /** Why the rollout stalls; undefined while it may still progress. */
  async #heldBy(view: RolloutView): Promise<Explanation | undefined> {
    const isStalled = isStuck(view) || isUnmounted(view);
    this.#stall = isStalled
      ? (this.#stall ?? (await this.#explain(AbortSignal.any([this.#operation.signal, limit()]))))
      : undefined;
    return this.#stall;
  }

  /** Reports each status once: without a terminal, every status becomes a line in a log. */
  #report(status: string): void {
    if (status !== this.#lastStatus) this.#operation.log.status(status);
    this.#lastStatus = status;
  }

  /** The changes that every pod must see. On delete, objects that no longer exist are skipped. */
  async #changes(after: RolloutInputs["after"]): Promise<readonly ChangedObject[]> {
    const { namespace, onDelete } = this.#want;
    const { kube, written } = this.#operation;
    const found = await Promise.all(
      after.map(async ({ kind, name }) => {
        const change = await readChange(kube, namespace, { kind, name }, "anybody's");
        const ours = written.lastOf({ kind, namespace, name });
        if (change !== undefined)
          return ours === undefined ? change : { ...change, changedAt: Math.max(change.changedAt, ours) };
        if (onDelete === true) return undefined;
        throw new UserError(
          "TA804",
          `There is no ${kind} "${name}" in namespace "${namespace}". The KBS must read it. Create it, then run again.`,
        );
      }),
    );
    return found.filter((change) => change !== undefined);
  }

  #view(seen: KbsRollout, changes: readonly ChangedObject[]): RolloutView {
    const { kube, clock } = this.#operation;
    if (seen.fingerprint !== this.#fingerprint) {
      this.#fingerprint = seen.fingerprint;
      this.#changedAt = clock.elapsed();
    }
    return {
      deployment: seen.deployment,
      pods: seen.pods,
      changes,
      secrets: this.#want.onDelete === true ? [] : this.#want.secrets,
      now: Math.floor((kube.serverTime ?? clock.now()).getTime() / 1000),
      quietFor: (clock.elapsed() - this.#changedAt) / 1000,
      annotated: this.#annotated,
      evicted: this.#evicted,
    };
  }

  async #act(decision: RolloutDecision): Promise<void> {
    const { namespace, deployment } = this.#want;
    const { kube, clock } = this.#operation;
    if (decision.kind === "annotate") {
      const at = (kube.serverTime ?? clock.now()).toISOString();
      await kube.patch(
        { kind: "Deployment", namespace, name: deployment },
        { spec: { template: { metadata: { annotations: { [RESTARTED_AT_ANNOTATION]: at } } } } },
      );
      this.#annotated = true;
    }
    if (decision.kind === "evict") {
      try {
        await kube.evict(namespace, decision.pod.name);
        this.#evicted.add(decision.pod.uid);
      } catch (error) {
        if (!(error instanceof KubeError)) throw error;
        const { name } = decision.pod;
        if (error.failure === "too-many-requests") {
          this.#report(`${deployment}: a disruption budget holds back the eviction of ${name}`);
        } else if (!transient.includes(error.failure) && error.failure !== "not-found") throw error;
      }
    }
  }

  /** Adds the likely causes to the error. A cancelled run fails at once, with the signal's reason. */
  async #explained(error: unknown): Promise<unknown> {
    const { signal } = this.#operation;
    if (signal.aborted && !(signal.reason instanceof TimeoutError)) return signal.reason;
    if (error instanceof KubeError && !signal.aborted) return error;
    const cause: unknown = signal.aborted ? signal.reason : error;
    const { namespace, deployment } = this.#want;
    const { files, others } = await this.#explain(limit());
    const message = messageOf(cause);
    return new UserError(
      "TA841",
      [
        `The rollout of Deployment "${deployment}" in namespace "${namespace}" did not complete: ${message}.`,
        ...[...files, ...others].map((reason) => `  - ${reason}`),
        "Everything written so far is kept. Fix the cause and run again: the rollout continues, and restarts no pod twice.",
      ].join("\n"),
      { cause },
    );
  }

  async #explain(signal: AbortSignal): Promise<Explanation> {
    const { namespace, deployment, after } = this.#want;
    const configMaps = after.filter(({ kind }) => kind === "ConfigMap").map(({ name }) => name);
    const kube = this.#operation.kubeWith(signal);
    return explainRollout(kube, { namespace, deployment, configMaps }, this.#pods);
  }
}

function limit(): AbortSignal {
  return AbortSignal.timeout(EXPLAIN);
}

function progress(deployment: string, view: RolloutView, decision: RolloutDecision): string {
  const count = `${deployment}: ${podsDone(view)} of ${view.deployment.replicas} KBS pods run the new configuration`;
  switch (decision.kind) {
    case "wait":
      return `${count}; ${decision.reason}`;
    case "annotate":
      return `${count}; restarting it`;
    case "evict":
      return `${count}; replacing ${decision.pod.name}`;
    case "done":
    case "paused":
      return count;
  }
}

/** The warning if the KBS cannot start with the restored content. Waiting would not help. */
function restoredUnstartable(
  { namespace, deployment }: { readonly namespace: string; readonly deployment: string },
  files: readonly string[],
): string {
  return [
    `The KBS of Deployment "${deployment}" in namespace "${namespace}" cannot start with the content from before ` +
      "this stack, which was restored:",
    ...files.map((file) => `  - ${file}`),
    "Nothing of this stack is left, so destroy does not wait. To start the KBS, add what is missing: " +
      `kubectl edit configmap -n ${namespace}`,
  ].join("\n");
}
