import { withdrawSecrets } from "../core/kbs-config/entries.ts";
import { own } from "../core/records.ts";
import type { StackId } from "../core/policy/grants.ts";
import { areOfOneStack, isOfNamesake } from "../core/policy/owner.ts";
import { stillServing } from "../core/rollout/decide.ts";
import { isMadeUnderName } from "../core/trustee/ownership.ts";
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
  /** Secrets that this stack has listed, by its state, for a lost record on the KbsConfig. @default unknown */
  readonly added?: readonly string[];
}

/** Poll interval for the Deployment, in milliseconds. */
const POLL = 500;
/** Time limit for finding the cause of a failure, in milliseconds. */
const EXPLAIN = 5_000;

/** Tells whether an owner in the ledger is this stack, or one that it takes over. */
export function ownerOfStack({
  owner,
  takeOver,
}: Pick<Operation, "owner" | "takeOver">): (one: string) => boolean {
  return (one) => areOfOneStack(one, owner) || (takeOver && isOfNamesake(one, owner));
}

/**
 * Stops the serving of secrets before their restriction goes: removes this stack's entries from the
 * KbsConfig, then waits until no pod of the KBS serves the secrets. Entries of others stay.
 * @returns Secrets that stay listed and restricted: those that this stack has created or, if the record of
 *   that is lost, listed; and deleted ones that are still served, since the operator then rolls nothing out
 * @throws UserError if the KBS still serves one of them after the timeout. Then the restriction stays
 */
export async function withdraw(
  place: Serving,
  secrets: readonly string[],
  operation: Operation,
): Promise<readonly string[]> {
  if (secrets.length === 0) return [];
  const { result } = await changeObject(operation, kbsConfigTarget(place), (object) => {
    const live = staying(object);
    if (live === undefined) return { patch: undefined, result: { listed: [], unrecorded: [] } };
    const before = resourcesOf(live);
    const after = withdrawSecrets(before, secrets, ownerOfStack(operation));
    const listed = secrets.filter((secret) => after.entries.includes(secret));
    const unrecorded = listed.filter((secret) => own(before.ledger, secret) === undefined);
    return { patch: kbsConfigPatch(before, after), result: { listed, unrecorded } };
  });
  const { listed, unrecorded } = result;
  const unlisted = secrets.filter((secret) => !listed.includes(secret));
  if (unlisted.length > 0) await untilUnserved(place, unlisted, operation);
  const kept = await Promise.all(
    listed.map(async (name) => {
      const isOurs = unrecorded.includes(name) && place.added?.includes(name) === true;
      return isOurs || (await isStillServed(place, name, operation)) ? [name] : [];
    }),
  );
  return kept.flat();
}

/** Whether a secret that stays listed may still be served with this stack's values. */
async function isStillServed(
  { namespace, deployment, own: stack }: Serving,
  name: string,
  { kube }: Operation,
): Promise<boolean> {
  const found = await kube.getMetadata({ kind: "Secret", namespace, name });
  if (found !== undefined) return isMadeUnderName(stack, found);
  const seen = await readRollout(kube, namespace, deployment);
  return seen !== undefined && stillServing(seen, [name]).length > 0;
}

/** The cause if secrets stay listed, and what to do. */
function listedWords({ namespace, kbsConfig }: Serving): { readonly why: string; readonly fix: string } {
  return {
    why: `KbsConfig "${kbsConfig}" still lists it, and its records do not show that only this stack added the entry`,
    fix:
      "in the other stack that declares the secret, grant or remove it, and run pulumi up. " +
      `If no stack declares it, remove the entry: kubectl edit kbsconfig ${kbsConfig} -n ${namespace}`,
  };
}

function quoted(secrets: readonly string[]): string {
  return secrets.map((secret) => `"${secret}"`).join(", ");
}

/** Warns that a run leaves the restriction of secrets that stay listed. */
export function warnKept(place: Serving, kept: readonly string[], { log }: Operation): void {
  if (kept.length === 0) return;
  const { why, fix } = listedWords(place);
  log.warn(
    `The policy still restricts ${quoted(kept)} in namespace "${place.namespace}", which this stack no longer declares: ${why}. ` +
      `This stack grants it to nobody. If the entry remains after this run: ${fix}. Then run pulumi up of this stack.`,
  );
}

/** The error if the restriction of secrets that stay listed would end. */
export function stillListed(place: Serving, kept: readonly string[]): UserError {
  const { why, fix } = listedWords(place);
  return new UserError(
    "TA842",
    `The KBS of Deployment "${place.deployment}" in namespace "${place.namespace}" may still serve ${quoted(kept)}, which this stack no longer declares: ${why}.\n` +
      `The policy still restricts it. Fix: ${fix}. Then run the same command again: it continues.`,
  );
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
  return new UserError(
    "TA842",
    [
      `The KBS of Deployment "${deployment}" in namespace "${namespace}" may still serve ${quoted(secrets)}, which this stack no longer declares: ${reason}.`,
      ...[...files, ...others].map((line) => `  - ${line}`),
      "The policy still restricts it, so nobody can read it. Fix the cause and run again: the run continues from there.",
    ].join("\n"),
  );
}
