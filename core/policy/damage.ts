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
    fix: `Run pulumi up of ${whose} first: it writes its own line anew. Or put the ConfigMap back as it was; or, if that stack is gone${stack === undefined ? " or is this one" : ""}, delete the line.`,
  };
}

/**
 * Whether a text is a policy of ours that does not say any more what was there before the first of us. Whoever comes new would
 * take our own text for that, and the last one to go would put it back, with the grants of stacks that are gone.
 */
function hasLostBefore(live: Before): boolean {
  const registry = live === null ? undefined : parseRegistry(live);
  return registry !== undefined && registry.before === undefined;
}

function lostBeforeIssue(live: Before): Issue {
  const stacks =
    (live === null ? undefined : parseRegistry(live)?.stacks)?.map(({ stack }) => shownName(stack)) ?? [];
  return {
    path: "the live resource policy",
    given: "no line that says what was there before the first stack, or a damaged one, or two",
    allowed: "one line # trustee-access: before ... that can be read, as this project writes it",
    fix: `Run pulumi up of ${stacks.length === 0 ? "a stack that is in it" : stacks.join(" or ")} first: its state remembers that text, and it writes the line again. Where no state does, write the line by hand: # trustee-access: before, then the text as a JSON string, or null for none.`,
  };
}

/** Whether a stack is new to a text: it is in no line, and no line is damaged, which might be its own. */
function isNewTo(live: Before, stack: string): boolean {
  const { stacks = [], damaged = [] } = (live === null ? undefined : parseRegistry(live)) ?? {};
  return damaged.length === 0 && !stacks.some((one) => one.stack === stack);
}

/** Every damaged line of another stack becomes an issue, and for a new stack the loss of what was there before. */
export function checkDamage(live: Before, stack: string, issues: Issues): void {
  for (const damaged of foreignDamage(live, stack)) issues.add(issueOf(damaged));
  if (hasLostBefore(live) && isNewTo(live, stack)) issues.add(lostBeforeIssue(live));
}

/**
 * @param remembers whether the stack's state says what was there before
 * @throws IssuesError if a policy has a damaged line of another stack, or if nobody knows what was there before
 */
export function refuseDamage(live: Before, stack: string, remembers: boolean): void {
  const issues = new Issues();
  for (const damaged of foreignDamage(live, stack)) issues.add(issueOf(damaged));
  if (hasLostBefore(live) && !remembers) issues.add(lostBeforeIssue(live));
  issues.throwIfAny("the resource policy that is shared");
}
