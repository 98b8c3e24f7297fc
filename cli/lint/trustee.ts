import { VOLUME_NAMES, volumeProblem } from "../../core/kbs-config/volume-names.ts";
import { own } from "../../core/records.ts";
import { shownName } from "../../core/shown.ts";
import { seesAll, type ChangedObject } from "../../core/rollout/kbs-pods.ts";
import { knownKeys } from "../../core/trustee/generation.ts";
import { operatorName } from "../../core/trustee/seen.ts";
import type { ConfigMapFacts, LiveFacts, TrusteeFacts } from "../audit/facts.ts";
import { mapPlace, type Finding, type Place } from "./finding.ts";
import {
  keysOf,
  liveGrants,
  livePolicy,
  liveReferenceValues,
  restartCommand,
  type LiveText,
} from "../audit/trustee-view.ts";

/** TA301, TA302 and TA303: the secrets that the KBS serves. */
export function lintSecrets({ trustee }: LiveFacts): readonly Finding[] {
  const { namespace, kbsConfig, secrets } = trustee;
  const gone = secrets.filter(({ name, exists }) => !exists && kbsConfig.secrets.includes(name));
  const restricted = Object.keys(liveGrants(trustee)?.secrets ?? {});
  const where: Place = {
    kind: "KbsConfig",
    namespace,
    name: kbsConfig.name,
    part: "spec.kbsSecretResources",
  };
  return [
    ...gone.map(({ name }): Finding => ({
      id: "TA301",
      severity: "error",
      where,
      what: `The KbsConfig lists Secret "${shownName(name)}", which does not exist.`,
      why: "The operator stops at it: changes of Trustee have no effect, and a KBS pod that ends is not replaced.",
      fix: `Create Secret "${shownName(name)}" in namespace "${namespace}", or remove it from the list.`,
    })),
    ...kbsConfig.secrets.flatMap((name): Finding[] => {
      const problem = volumeProblem(name);
      if (problem === undefined) return [];
      const what = `The KbsConfig lists Secret "${shownName(name)}", which ${problem}.`;
      const why =
        "The operator names a volume after it, which the API server rejects. No change reaches the KBS any more.";
      const fix = `Remove it from the list, and serve its keys from a Secret whose name has ${VOLUME_NAMES}.`;
      return [{ id: "TA303", severity: "error", where, about: [name], what, why, fix }];
    }),
    ...restricted
      .filter((name) => !kbsConfig.secrets.includes(name))
      .map((name): Finding => ({
        id: "TA302",
        severity: "warning",
        where,
        what: `The policy restricts Secret "${shownName(name)}", which the KbsConfig does not list.`,
        why: "The KBS does not serve it, so its readers do not get it.",
        fix: "Declare it in a stack and run pulumi up, which lists it; or remove the grant.",
      })),
  ];
}

function lintKeys(
  trustee: TrusteeFacts,
  map: ConfigMapFacts | undefined,
  live: LiveText,
  { keys, isSeen }: { readonly keys: readonly string[]; readonly isSeen: boolean },
): readonly Finding[] {
  const others = keys.filter((key) => key !== live.key && own(map?.data, key) !== undefined);
  const reads = `this Trustee (${operatorName(trustee.seen ?? {}, keysOf(trustee))}) ${isSeen ? "mounts" : "reads"}`;
  if (live.text === undefined) {
    const [other] = others;
    const has = other === undefined ? "" : `; it has "${other}", which only the other generation reads`;
    const what =
      map === undefined
        ? `There is no ConfigMap "${live.map}".`
        : `The ConfigMap has no key "${live.key}", which ${reads}${has}.`;
    const why = "Without it, the KBS does not start or runs without its content.";
    const fix =
      other === undefined
        ? "Restore the key. The operator recreates the ConfigMap if it is deleted."
        : `Write the content under "${live.key}", in the format of this Trustee.`;
    return [{ id: "TA401", severity: "error", where: mapPlace(trustee, live.map), what, why, fix }];
  }
  return others.map((other) => ({
    id: "TA402",
    severity: "warning",
    where: mapPlace(trustee, live.map, other),
    what: `The ConfigMap holds "${other}" in addition to "${live.key}"; ${reads} only "${live.key}".`,
    why: "Changes to the unread key have no effect, which is easy to miss.",
    fix: `Remove "${other}" once nothing needs it.`,
  }));
}

function lintUnread(trustee: TrusteeFacts): readonly Finding[] {
  if (trustee.seen?.isPolicyUnread !== true) return [];
  const where = mapPlace(trustee, livePolicy(trustee).map);
  const what = `Deployment "${trustee.deployment}" does not mount the ConfigMap where the KBS reads its policy.`;
  const why = "The KBS decides by another policy, so secrets that this one restricts may be open.";
  const fix =
    "Let the Trustee operator apply the KbsConfig to the Deployment (its log says what stops it), or name the policy's ConfigMap in the KbsConfig.";
  return [{ id: "TA404", severity: "error", where, what, why, fix }];
}

/** TA401, TA402 and TA404: the two ConfigMaps and their keys compared with what Trustee mounts. */
export function lintMounts({ trustee }: LiveFacts): readonly Finding[] {
  const { policyKey, referenceValuesKey } = trustee.seen ?? {};
  return [
    ...lintUnread(trustee),
    ...lintKeys(trustee, trustee.policy, livePolicy(trustee), {
      keys: knownKeys.policy,
      isSeen: policyKey !== undefined,
    }),
    ...lintKeys(trustee, trustee.referenceValues, liveReferenceValues(trustee), {
      keys: knownKeys.referenceValues,
      isSeen: referenceValuesKey !== undefined,
    }),
  ];
}

/** The objects whose last change every KBS pod must have read. */
export function changesOf(trustee: TrusteeFacts, secrets: readonly string[]): readonly ChangedObject[] {
  const maps = [trustee.policy, trustee.referenceValues].flatMap((map): ChangedObject[] =>
    map === undefined ? [] : [{ kind: "ConfigMap", ...map }],
  );
  const served = trustee.secrets.flatMap(({ name, changedAt, resourceVersion = "" }): ChangedObject[] =>
    secrets.includes(name) && changedAt !== undefined
      ? [{ kind: "Secret", name, changedAt, resourceVersion }]
      : [],
  );
  return [...maps, ...served];
}

/** TA501 and TA502: whether a KBS runs and has read the current configuration. */
export function lintRollout({ trustee }: LiveFacts): readonly Finding[] {
  const { namespace, deployment } = trustee;
  const where: Place = { kind: "Deployment", namespace, name: deployment };
  const pods = trustee.kbsPods.filter(({ terminating }) => !terminating);
  if (!pods.some(({ ready }) => ready)) {
    const what = pods.length === 0 ? "The KBS has no pod." : "No pod of the KBS is ready.";
    const why = "No pod can attest or get a secret.";
    const fix = `Check its pods: kubectl describe pods -n ${namespace} -l app=kbs`;
    return [{ id: "TA502", severity: "error", where, what, why, fix }];
  }
  const changes = changesOf(trustee, trustee.kbsConfig.secrets);
  return changes.flatMap((change) => {
    const old = pods.filter((pod) => !seesAll(pod, [change]));
    if (old.length === 0) return [];
    const { kind, name } = change;
    const what = `${old.map((pod) => pod.name).join(", ")} may have started before the last change of ${kind} "${name}".`;
    const why =
      "The KBS reads policy, reference values and secrets only when it starts, so it may still use the previous ones.";
    const fix = `Restart it: ${restartCommand(trustee)}`;
    return [{ id: "TA501", severity: "warning", where: { kind, namespace, name }, what, why, fix }];
  });
}
