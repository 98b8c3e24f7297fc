import { withdrawSecrets } from "../core/kbs-config/entries.ts";
import type { StackId } from "../core/policy/grants.ts";
import { areOfOneStack } from "../core/policy/owner.ts";
import { stillServing } from "../core/rollout/decide.ts";
import { isMadeBy } from "../core/trustee/ownership.ts";
import { UserError } from "../core/issues.ts";
import { changeObject } from "./change.ts";
import { staying } from "./config-map.ts";
import { kbsConfigPatch, kbsConfigTarget, resourcesOf } from "./kbs-config.ts";
import type { Operation } from "./resource.ts";
import { explainRollout, pausedWords, TIMEOUT_SETTING } from "./rollout-explain.ts";
import { readRollout } from "./rollout-read.ts";

/** A KBS that serves secrets, and how long it may take to stop. */
export interface Serving {
  readonly namespace: string;
  readonly kbsConfig: string;
  readonly deployment: string;
  readonly timeoutMinutes: number;
  /** The stack that owns the secrets. */
  readonly own: StackId;
}

/** Poll interval for the Deployment, in milliseconds. */
const POLL = 500;
/** Time limit for finding the cause of a failure, in milliseconds. */
const EXPLAIN = 5_000;

/**
 * Stops the serving of secrets before their restriction goes: removes this stack's entries from the
 * KbsConfig, then waits until no pod of the KBS serves the secrets. Entries of others stay.
 * @returns Secrets of this stack that others have listed: their restriction stays until they are deleted
 * @throws UserError if the KBS still serves one of them after the timeout. Then the restriction stays
 */
export async function withdraw(
  place: Serving,
  secrets: readonly string[],
  operation: Operation,
): Promise<readonly string[]> {
  if (secrets.length === 0) return [];
  const isOurs = (owner: string): boolean => areOfOneStack(owner, operation.owner);
  const { result: listed } = await changeObject(operation, kbsConfigTarget(place), (object) => {
    const live = staying(object);
    if (live === undefined) return { patch: undefined, result: [] };
    const before = resourcesOf(live);
    const after = withdrawSecrets(before, secrets, isOurs);
    return { patch: kbsConfigPatch(before, after), result: after.entries };
  });
  const unlisted = secrets.filter((secret) => !listed.includes(secret));
  if (unlisted.length > 0) await untilUnserved(place, unlisted, operation);
  const others = await Promise.all(
    secrets
      .filter((secret) => listed.includes(secret))
      .map(async (name) => {
        const found = await operation.kube.getMetadata({ kind: "Secret", namespace: place.namespace, name });
        return found !== undefined && isMadeBy(place.own, found) ? [name] : [];
      }),
  );
  return others.flat();
}

/** Waits until no pod of the KBS serves the secrets. A Deployment that does not exist serves none. */
async function untilUnserved(
  place: Serving,
  secrets: readonly string[],
  operation: Operation,
): Promise<void> {
  const { namespace, deployment, timeoutMinutes } = place;
  const { kube, clock, log, signal } = operation;
  const deadline = clock.elapsed() + timeoutMinutes * 60_000;
  let said = "";
  for (;;) {
    const seen = await readRollout(kube, namespace, deployment);
    const serving = seen === undefined ? [] : stillServing(seen, secrets);
    if (seen === undefined || serving.length === 0) return;
    if (seen.deployment.paused) {
      throw await stillServed(place, secrets, pausedWords(place), new Set(), operation);
    }
    if (clock.elapsed() > deadline) {
      const reason = `after ${timeoutMinutes} minutes (${TIMEOUT_SETTING}) ${serving.join(", ")}`;
      throw await stillServed(place, secrets, reason, new Set(seen.pods.map(({ name }) => name)), operation);
    }
    const status = `restricted until no KBS serves it: ${serving.join(", ")}`;
    if (status !== said) log.status(status);
    said = status;
    await clock.sleep(POLL, signal);
  }
}

async function stillServed(
  { namespace, deployment }: Serving,
  secrets: readonly string[],
  reason: string,
  pods: ReadonlySet<string>,
  operation: Operation,
): Promise<UserError> {
  const kube = operation.kubeWith(AbortSignal.timeout(EXPLAIN));
  const { files, others } = await explainRollout(kube, { namespace, deployment, configMaps: [] }, pods);
  const names = secrets.map((secret) => `"${secret}"`).join(", ");
  return new UserError(
    "TA842",
    [
      `The KBS of Deployment "${deployment}" in namespace "${namespace}" may still serve ${names}, which this stack no longer declares: ${reason}.`,
      ...[...files, ...others].map((line) => `  - ${line}`),
      "The policy still restricts it, so nobody can read it. Fix the cause and run again: the run continues from there.",
    ].join("\n"),
  );
}
