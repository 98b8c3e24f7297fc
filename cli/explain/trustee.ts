import { shownName } from "../../core/shown.ts";
import { seesAll } from "../../core/rollout/kbs-pods.ts";
import type { Condition } from "./explanation.ts";
import { timeText } from "./pod.ts";
import type { TrusteeFacts } from "../audit/facts.ts";
import { changesOf } from "../lint/trustee.ts";
import { restartCommand } from "../audit/trustee-view.ts";

/** The KbsConfig lists the secret. */
export function registeredCondition({ kbsConfig }: TrusteeFacts, secret: string): Condition {
  const id = "registered";
  const { name, secrets } = kbsConfig;
  if (secrets.includes(secret)) {
    return { id, status: "holds", detail: `KbsConfig "${name}" lists "${secret}"` };
  }
  return {
    id,
    status: "fails",
    detail: `KbsConfig "${name}" does not list "${secret}", so the KBS does not serve it`,
    expected: [`"${secret}" in spec.kbsSecretResources`],
    seen: secrets.map((one) => `"${shownName(one)}"`).join(", ") || "an empty list",
    next: "Declare the secret in a stack, then run pulumi up.",
  };
}

/** The Secret exists and has the key. */
export function existsCondition(trustee: TrusteeFacts, secret: string, key: string): Condition {
  const id = "exists";
  const facts = trustee.secrets.find(({ name }) => name === secret);
  if (facts?.exists !== true) {
    const detail = `there is no Secret "${secret}" in namespace "${trustee.namespace}"`;
    const next = "Create the Secret: declare it with `from: setting`, or create it by hand.";
    return { id, status: "fails", detail, next };
  }
  const { keys } = facts;
  if (keys === undefined) {
    return { id, status: "holds", detail: `Secret "${secret}" exists; its keys cannot be seen` };
  }
  if (keys.includes(key)) {
    return { id, status: "holds", detail: `Secret "${secret}" exists and has the key "${key}"` };
  }
  const detail = `Secret "${secret}" has no key "${key}"`;
  const seen = keys.map((name) => `"${shownName(name)}"`).join(", ");
  const next = "Use a key that it has, or add the key.";
  return { id, status: "fails", detail, expected: [`the key "${key}"`], seen, next };
}

/** A KBS pod is ready. */
export function trusteeCondition({ kbsPods, namespace }: TrusteeFacts): Condition {
  const ready = kbsPods.filter((pod) => pod.ready && !pod.terminating);
  const [pod] = ready;
  if (pod === undefined) {
    const next = `Find out why: kubectl describe pods -n ${namespace} -l app=kbs`;
    return { id: "trustee", status: "fails", detail: "no pod of the KBS is ready", next };
  }
  const since = timeText(Math.min(...ready.map(({ createdAt }) => createdAt)));
  const who = ready.length === 1 ? pod.name : `${ready.length} pods`;
  return { id: "trustee", status: "holds", detail: `${who}, since ${since}` };
}

/** The KBS has read the current configuration. */
export function currentCondition(trustee: TrusteeFacts, secret: string): Condition {
  const pods = trustee.kbsPods.filter(({ terminating }) => !terminating);
  const behind = changesOf(trustee, [secret]).filter((change) => pods.some((pod) => !seesAll(pod, [change])));
  if (behind.length === 0) {
    const detail = "every KBS pod is younger than the last change of policy, reference values and secret";
    return { id: "current", status: "holds", detail };
  }
  const changes = behind.map(({ kind, name, changedAt }) => `${kind} "${name}" (${timeText(changedAt)})`);
  const oldest = timeText(Math.min(...pods.map(({ createdAt }) => createdAt)));
  const detail = `the KBS may not have read the last change of ${changes.join(" and ")}: it has run since ${oldest}`;
  const blocking = trustee.secrets.find(
    ({ name, exists }) => !exists && trustee.kbsConfig.secrets.includes(name),
  );
  const next =
    blocking === undefined
      ? `Restart the KBS. pulumi up does this after its own changes; otherwise run: ${restartCommand(trustee)}`
      : `Create Secret "${shownName(blocking.name)}", or remove it from the KbsConfig: until then, the operator changes nothing.`;
  return { id: "current", status: "unknown", detail, next };
}
