import { NO_HARDWARE } from "../../core/initdata/binding.ts";
import { damageWords } from "../../core/policy/damage.ts";
import { ANY_TEE, listGrants, type Grant, type TableBinding } from "../../core/policy/grants.ts";
import { isIntact } from "../../core/policy/intact.ts";
import { parseRegistry, type FoundRegistry } from "../../core/policy/registry.ts";
import { shownName } from "../../core/shown.ts";
import {
  forgetWords,
  NOTHING_BEHIND,
  vanishedStacks,
  type VanishedStack,
} from "../../core/policy/vanished.ts";
import { keepPolicyWords, losesPolicy, lossWords } from "../../core/trustee/redhat.ts";
import type { LiveFacts, TrusteeFacts } from "../audit/facts.ts";
import { policyPlace, type Finding, type Place } from "./finding.ts";
import { livePolicy } from "../audit/trustee-view.ts";

/** TA009: the rules of a policy of this project do not match the grants in its text. */
function lintRules(text: string, registry: FoundRegistry, where: Place): readonly Finding[] {
  if (isIntact(text, registry)) return [];
  const damaged = registry.damaged.map(damageWords).join("; ");
  const what =
    damaged === ""
      ? "The policy's rules do not match the grants of its stacks."
      : `Grants in the policy cannot be read, so its rules do not match them: ${damaged}.`;
  const why =
    "Someone edited it by hand, or an unknown release of trustee-access wrote it. It may allow what no stack declares.";
  const fix =
    "Check who may write the ConfigMap. Then run pulumi up of each stack on this Trustee to rewrite its grants and the rules.";
  return [{ id: "TA009", severity: "error", where, what, why, fix }];
}

/** One finding for each stack that grants to readers with this binding. */
function byStack(
  { stacks }: FoundRegistry,
  binding: TableBinding,
  finding: (readers: string, stack: string) => Omit<Finding, "about">,
): readonly Finding[] {
  return stacks.flatMap(({ stack, secrets, retiring = {} }): readonly Finding[] => {
    const grants: readonly Grant[] = [...listGrants(secrets), ...listGrants(retiring)];
    const readers = new Set(grants.filter((one) => one.binding === binding).map(({ reader }) => reader));
    if (readers.size === 0) return [];
    const names = [...readers].sort().map((reader) => shownName(reader));
    return [{ ...finding(names.join(", "), shownName(stack)), about: [stack] }];
  });
}

/** TA009, TA010 and TA011: the grants in the text of a policy of this project. */
function lintGrants(trustee: TrusteeFacts, where: Place): readonly Finding[] {
  const { text } = livePolicy(trustee);
  const registry = text === undefined ? undefined : parseRegistry(text);
  if (text === undefined || registry === undefined) return [];
  return [
    ...lintRules(text, registry, where),
    ...byStack(registry, "sample", (readers, stack) => ({
      id: "TA010",
      severity: "warning",
      where,
      what: `The policy grants secrets to ${readers} of the stack ${stack} (${NO_HARDWARE}).`,
      why: "Initdata is not secret, and anyone who knows it gets these secrets without a TEE.",
      fix: "Use this in development clusters only. On hardware, set the binding of the pod's TEE.",
    })),
    ...byStack(registry, ANY_TEE, (readers, stack) => ({
      id: "TA011",
      severity: "warning",
      where,
      what: `The grants of the stack ${stack} were written by an older release: they accept the digests of ${readers} from any TEE.`,
      why: "A host can make another kind of TEE report such a digest: for example, bare-metal SNP reports an Azure pod's PCR8 as host data.",
      fix: `Run pulumi up of the stack ${stack}.`,
    })),
  ];
}

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

/** The stacks' grants: wrong ones, lost ones, and those that an update will delete. */
export function lintStacks({ trustee }: LiveFacts): readonly Finding[] {
  const where = policyPlace(trustee);
  return [...lintGrants(trustee, where), ...lintLost(trustee, where), ...lintUpdate(trustee, where)];
}
