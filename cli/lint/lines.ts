import { NO_HARDWARE } from "../../core/initdata/binding.ts";
import { damageWords } from "../../core/policy/damage.ts";
import { ANY_TEE, listGrants, type Grant, type TableBinding } from "../../core/policy/grants.ts";
import { isIntact } from "../../core/policy/intact.ts";
import { parseRegistry, type FoundRegistry } from "../../core/policy/registry.ts";
import { shownName } from "../../core/policy/shown-name.ts";
import type { LiveFacts } from "../audit/facts.ts";
import type { Finding, Place } from "./finding.ts";
import { livePolicy } from "../audit/trustee-view.ts";

/** TA009: what a policy of ours does is not what it says of itself. */
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
          ? "The policy's rules are not what the lines of its stacks come to."
          : `Lines of the policy cannot be read, so that its rules are not what they come to: ${damaged}.`,
      why: "Somebody has edited it by hand, or a release that this one does not know has written it: who reads what is not what any stack declares.",
      fix: "Look at who may write the ConfigMap, and run pulumi up of each stack on this Trustee, which writes lines and rules anew.",
    },
  ];
}

/** The readers that some line names with this binding: one finding for each stack. */
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

/** TA009, TA010 and TA011: what the lines of a policy of this project's say, and whether its rules say the same. */
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
      why: "Whoever knows the initdata, which is no secret, gets these secrets without any TEE.",
      fix: "Keep that to development clusters; on hardware, set the binding that its TEE has.",
    })),
    ...byStack(registry, ANY_TEE, (readers, stack) => ({
      id: "TA011",
      severity: "warning",
      where,
      what: `An older release has written the line of the stack ${stack}: the digests of ${readers} count whichever TEE reports them.`,
      why: "A host chooses what a TEE of another kind reports: on bare-metal SNP, host data that is an Azure pod's PCR8.",
      fix: `Run pulumi up of the stack ${stack}.`,
    })),
  ];
}
