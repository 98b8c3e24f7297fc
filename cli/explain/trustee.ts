import { shownName } from "../../core/policy/shown-name.ts";
import { seesAll } from "../../core/rollout/observation.ts";
import type { Condition } from "./explanation.ts";
import { timeText } from "./pod.ts";
import type { TrusteeFacts } from "../audit/facts.ts";
import { changesOf } from "../lint/trustee.ts";
import { restartCommand } from "../audit/trustee-view.ts";

/** The KbsConfig lists the secret. */
export function registeredCondition(trustee: TrusteeFacts, secret: string): Condition {
  if (trustee.kbsConfig.secrets.includes(secret)) {
    return {
      id: "registered",
      status: "holds",
      detail: `KbsConfig "${trustee.kbsConfig.name}" lists "${secret}"`,
    };
  }
  return {
    id: "registered",
    status: "fails",
    detail: `KbsConfig "${trustee.kbsConfig.name}" does not list "${secret}", so the KBS does not serve it`,
    expected: [`"${secret}" in spec.kbsSecretResources`],
    seen: trustee.kbsConfig.secrets.map((name) => `"${shownName(name)}"`).join(", ") || "an empty list",
    next: "Declare the secret in a stack, then run pulumi up.",
  };
}

/** The Secret exists and has the key. */
export function existsCondition(trustee: TrusteeFacts, secret: string, key: string): Condition {
  const facts = trustee.secrets.find(({ name }) => name === secret);
  if (facts?.exists !== true) {
    return {
      id: "exists",
      status: "fails",
      detail: `there is no Secret "${secret}" in namespace "${trustee.namespace}"`,
      next: "Create the Secret: declare it with `from: setting`, or create it by hand.",
    };
  }
  if (facts.keys === undefined) {
    return { id: "exists", status: "holds", detail: `Secret "${secret}" exists; its keys cannot be seen` };
  }
  if (facts.keys.includes(key)) {
    return { id: "exists", status: "holds", detail: `Secret "${secret}" exists and has the key "${key}"` };
  }
  return {
    id: "exists",
    status: "fails",
    detail: `Secret "${secret}" has no key "${key}"`,
    expected: [`the key "${key}"`],
    seen: facts.keys.map((name) => `"${shownName(name)}"`).join(", "),
    next: "Use a key that it has, or add the key.",
  };
}

/** A KBS pod is ready. */
export function trusteeCondition(trustee: TrusteeFacts): Condition {
  const ready = trustee.kbsPods.filter((pod) => pod.ready && !pod.terminating);
  const [pod] = ready;
  if (pod !== undefined) {
    const since = timeText(Math.min(...ready.map(({ createdAt }) => createdAt)));
    const who = ready.length === 1 ? pod.name : `${ready.length} pods`;
    return { id: "trustee", status: "holds", detail: `${who}, since ${since}` };
  }
  return {
    id: "trustee",
    status: "fails",
    detail: "no pod of the KBS is ready",
    next: `Find out why: kubectl describe pods -n ${trustee.namespace} -l app=kbs`,
  };
}

/** The KBS has read the current configuration. */
export function currentCondition(trustee: TrusteeFacts, secret: string): Condition {
  const pods = trustee.kbsPods.filter(({ terminating }) => !terminating);
  const behind = changesOf(trustee, [secret]).filter((change) => pods.some((pod) => !seesAll(pod, [change])));
  const missing = trustee.secrets.filter(
    ({ name, exists }) => !exists && trustee.kbsConfig.secrets.includes(name),
  );
  if (behind.length === 0) {
    return {
      id: "current",
      status: "holds",
      detail: "every KBS pod is younger than the last change of policy, reference values and secret",
    };
  }
  const changes = behind.map(({ kind, name, changedAt }) => `${kind} "${name}" (${timeText(changedAt)})`);
  const oldest = Math.min(...pods.map(({ createdAt }) => createdAt));
  const [blocking] = missing;
  return {
    id: "current",
    status: "unknown",
    detail: `the KBS may not have read the last change of ${changes.join(" and ")}: it has run since ${timeText(oldest)}`,
    next:
      blocking === undefined
        ? `Restart the KBS. pulumi up does this after its own changes; otherwise run: ${restartCommand(trustee)}`
        : `Create Secret "${shownName(blocking.name)}", or remove it from the KbsConfig: until then, the operator changes nothing.`,
  };
}
