import { Issues, type Issue } from "../issues.ts";
import { parseRegistry, type Before, type DamagedLine } from "./registry.ts";
import { shownName } from "../shown.ts";

/**
 * The damaged lines that may belong to another stack than `stack`. What they grant and restrict is unknown: a
 * policy rendered without them would open that stack's secrets to every affirming pod.
 */
export function foreignDamage(live: Before, stack: string): readonly DamagedLine[] {
  const damaged = parseRegistry(live)?.damaged ?? [];
  return damaged.filter((line) => line.stack !== stack);
}

/** For example `line 6, of the stack org/p/a`. */
export function damageWords({ line, stack }: DamagedLine): string {
  return `line ${line}, ${stack === undefined ? "of a stack whose name is unreadable" : `of the stack ${shownName(stack)}`}`;
}

function issueOf(damaged: DamagedLine): Issue {
  const { stack } = damaged;
  const whose = stack === undefined ? "the stack that it belongs to" : `the stack ${shownName(stack)}`;
  return {
    code: "TA901",
    path: "the live resource policy",
    given: `a damaged line in the policy (${damageWords(damaged)}): without it, that stack's secrets would be open to every affirming pod`,
    allowed: "one readable line per stack, as this project writes it",
    fix: `Run pulumi up of ${whose} first: it rewrites its own line. Or restore the ConfigMap. If that stack no longer exists${stack === undefined ? ", or is this stack" : ""}, delete the line.`,
  };
}

/**
 * Whether a policy of this project no longer holds the text from before its first stack. A new stack would
 * save this project's own text as the original. The last stack to leave would restore it, with the grants of
 * stacks that are gone.
 */
function hasLostBefore(live: Before): boolean {
  const registry = parseRegistry(live);
  return registry !== undefined && registry.before === undefined;
}

function lostBeforeIssue(live: Before): Issue {
  const stacks = parseRegistry(live)?.stacks.map(({ stack }) => shownName(stack)) ?? [];
  return {
    code: "TA902",
    path: "the live resource policy",
    given: "no single valid line with the text from before the first stack",
    allowed: "one readable line # trustee-access: before ..., as this project writes it",
    fix: `Run pulumi up of ${stacks.length === 0 ? "a stack that is in it" : stacks.join(" or ")} first: it restores the line from its state. If no state has the text, write the line by hand: # trustee-access: before, then the text as a JSON string, or null for none.`,
  };
}

/** The damage that keeps a stack from joining. @param isLacking whether nothing else has the original text */
function damageIssues(live: Before, stack: string, isLacking: boolean): readonly Issue[] {
  const lost = hasLostBefore(live) && isLacking ? [lostBeforeIssue(live)] : [];
  return [...foreignDamage(live, stack).map(issueOf), ...lost];
}

/** Adds an issue for each damaged line of another stack, and for a new stack if the original is lost. */
export function checkDamage(live: Before, stack: string, issues: Issues): void {
  // A stack is new if it has no line, and no damaged line may be its own.
  const { stacks = [], damaged = [] } = parseRegistry(live) ?? {};
  const isNew = damaged.length === 0 && !stacks.some((one) => one.stack === stack);
  issues.addAll(damageIssues(live, stack, isNew));
}

/**
 * @param remembers whether the stack's state holds the original text
 * @throws IssuesError if another stack's line is damaged, or if the original text is lost
 */
export function refuseDamage(live: Before, stack: string, remembers: boolean): void {
  const issues = new Issues();
  issues.addAll(damageIssues(live, stack, !remembers));
  issues.throwIfAny("the shared resource policy");
}
