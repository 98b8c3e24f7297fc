import { Issues, type Issue } from "../issues.ts";
import { parseRegistry, type Before, type DamagedLine } from "./registry.ts";
import { shownName } from "./shown-name.ts";

/**
 * The damaged lines of a policy that are not surely the joining `stack`'s own. What they granted and restricted is not known, so
 * that a policy rendered without them would open another stack's secrets to every affirming pod.
 */
export function foreignDamage(live: Before, stack: string): readonly DamagedLine[] {
  const damaged = live === null ? [] : (parseRegistry(live)?.damaged ?? []);
  return damaged.filter((line) => line.stack !== stack);
}

/** A damaged line in a few words: `line 6, of the stack org/p/a`. */
export function damageWords({ line, stack }: DamagedLine): string {
  return `line ${line}, ${stack === undefined ? "of a stack whose name cannot be read any more" : `of the stack ${shownName(stack)}`}`;
}

function issueOf(damaged: DamagedLine): Issue {
  const { stack } = damaged;
  const whose = stack === undefined ? "the stack that it belongs to" : `the stack ${shownName(stack)}`;
  return {
    path: "the live resource policy",
    given: `a damaged line of the registry (${damageWords(damaged)}): without it, that stack's secrets would be open to every affirming pod`,
    allowed: "lines that can be read, one for each stack, as this project writes them",
    mend: `Run pulumi up of ${whose} first: it writes its own line anew. Or put the ConfigMap back as it was; or, if that stack is gone${stack === undefined ? " or is this one" : ""}, delete the line.`,
  };
}

/** Every damaged line of another stack becomes an issue. */
export function checkDamage(live: Before, stack: string, issues: Issues): void {
  for (const damaged of foreignDamage(live, stack)) issues.add(issueOf(damaged));
}

/** @throws IssuesError if a policy has a damaged line of another stack */
export function refuseDamage(live: Before, stack: string): void {
  const issues = new Issues();
  checkDamage(live, stack, issues);
  issues.throwIfAny("the resource policy that is shared");
}
