import { shownName } from "../../core/policy/shown-name.ts";
import {
  forgetWords,
  NOTHING_BEHIND,
  vanishedStacks,
  type VanishedStack,
} from "../../core/policy/vanished.ts";
import { keepPolicyWords, losesPolicy, lossWords } from "../../core/trustee/redhat.ts";
import type { LiveFacts, TrusteeFacts } from "../audit/facts.ts";
import type { Finding, Place } from "./finding.ts";
import { livePolicy } from "../audit/trustee-view.ts";

/** The stacks whose grants the policy has lost. */
export function lostStacks(trustee: TrusteeFacts): readonly VanishedStack[] {
  return vanishedStacks(livePolicy(trustee).text ?? null, trustee.behind ?? NOTHING_BEHIND);
}

function copyWords({ backup, whole }: VanishedStack): string {
  if (backup === undefined) return "There is no backup of them.";
  return `${whole ? "They are" : "Older ones are"} in ${backup}.`;
}

/** TA012: stacks whose grants are no longer in the policy. */
function lintLost(trustee: TrusteeFacts, where: Place): readonly Finding[] {
  const place = { namespace: trustee.namespace, kbsConfig: trustee.kbsConfig.name };
  return lostStacks(trustee).map((lost) => {
    const stack = shownName(lost.line.stack);
    const secrets = Object.keys(lost.line.secrets).map((name) => shownName(name));
    return {
      id: "TA012",
      severity: "error",
      where,
      about: [lost.line.stack],
      what: `The policy has lost the grants of the stack ${stack}, which restrict ${secrets.join(", ") || "nothing"}. ${copyWords(lost)}`,
      why: "Every pod that the policy accepts can now read the secrets which that stack restricts.",
      fix: `Run pulumi up of ${stack} to restore them. pulumi up of any other stack also restricts the secrets again. If the stack no longer exists: ${forgetWords([lost], place)}`,
    };
  });
}

/** TA403: the update of Red Hat's operator that deletes the policy. */
function lintUpdate({ namespace, policy, routeOwners }: TrusteeFacts, where: Place): readonly Finding[] {
  if (policy === undefined || !losesPolicy({ ...policy, routeOwners })) return [];
  const fix = keepPolicyWords(namespace, policy.name);
  return [{ id: "TA403", severity: "warning", where, ...lossWords, fix }];
}

/** TA012 and TA403: grants that are lost, or that an update will delete. */
export function lintStacks({ trustee }: LiveFacts): readonly Finding[] {
  const { map, key } = livePolicy(trustee);
  const where: Place = { kind: "ConfigMap", namespace: trustee.namespace, name: map, part: key };
  return [...lintLost(trustee, where), ...lintUpdate(trustee, where)];
}
