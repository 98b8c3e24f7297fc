import { NO_HARDWARE } from "../../core/initdata/binding.ts";
import { damageWords } from "../../core/policy/damage.ts";
import { ANY_TEE, listGrants, type Grant, type TableBinding } from "../../core/policy/grants.ts";
import { isIntact } from "../../core/policy/intact.ts";
import { parseRegistry, type FoundRegistry } from "../../core/policy/registry.ts";
import { shownName } from "../../core/policy/shown-name.ts";
import type { LiveFacts } from "../audit/facts.ts";
import type { Finding, Place } from "./finding.ts";
import { livePolicy } from "../audit/trustee-view.ts";

/** TA009: the rules of a policy of this project do not match the grants in its text. */
function lintRules(text: string, registry: FoundRegistry, where: Place): readonly Finding[] {
  if (isIntact(text, registry)) return [];
  const damaged = registry.damaged.map(damageWords).join("; ");
  return [
    {
      id: "TA009",
      severity: "error",
      where,
      what:
        damaged === ""
          ? "The policy's rules do not match the grants of its stacks."
          : `Grants in the policy cannot be read, so its rules do not match them: ${damaged}.`,
      why: "Someone edited it by hand, or an unknown release of trustee-access wrote it. It may allow what no stack declares.",
      fix: "Check who may write the ConfigMap. Then run pulumi up of each stack on this Trustee to rewrite its grants and the rules.",
    },
  ];
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
    const names = [...readers]
      .sort()
      .map((reader) => shownName(reader))
      .join(", ");
    return [{ ...finding(names, shownName(stack)), about: [stack] }];
  });
}

/** TA009, TA010 and TA011: the grants in the text of a policy of this project. */
export function lintLines({ trustee }: LiveFacts): readonly Finding[] {
  const { map, key, text } = livePolicy(trustee);
  const registry = text === undefined ? undefined : parseRegistry(text);
  if (text === undefined || registry === undefined) return [];
  const where: Place = { kind: "ConfigMap", namespace: trustee.namespace, name: map, part: key };
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
