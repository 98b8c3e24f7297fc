import type { Issues } from "../issues.ts";
import type { StackId } from "./grants.ts";
import { parseRegistry, type Before } from "./registry.ts";
import { shownName } from "../shown.ts";

/** The length of a stack's identity, in letters and digits; long enough to be unguessable. */
export const IDENTITY_LENGTH = 20;

/** A stack; or its name, if it has no identity. */
export type Who = StackId | string;

export function idOf(who: Who): StackId {
  return typeof who === "string" ? { stack: who } : who;
}

/** Whether two are the same stack: by identity if both are known, else by name. */
export function isSameStack(one: StackId, other: StackId): boolean {
  return one.identity !== undefined && other.identity !== undefined
    ? one.identity === other.identity
    : one.stack === other.stack;
}

/** Whether two share one line in the policy: by name or by identity, also after a rename. */
export function isOneStack(one: StackId, other: StackId): boolean {
  return one.stack === other.stack || isSameStack(one, other);
}

/**
 * Whether something has this stack's name but another identity. A stack with an identity has it in its state,
 * so a stack without one there is another stack.
 */
export function isNamesake(found: StackId, own: StackId): boolean {
  return found.stack === own.stack && found.identity !== undefined && found.identity !== own.identity;
}

/**
 * Adds an issue for what a namesake left.
 * @param what for example `a line in the live resource policy`
 */
export function namesakeIssue(path: string, what: string, stack: string, issues: Issues): void {
  issues.add({
    code: "TA807",
    path,
    given: `${what}, which belongs to another stack of the same name, ${shownName(stack)}`,
    allowed: "an object with the identity in this stack's state",
    fix: "If another backend has a stack of this name, rename this stack: pulumi stack rename. If this stack's state was lost, set trustee-access:takeOver to true for one pulumi up.",
  });
}

/** Adds an issue if another stack of the same name has a line in the policy. */
export function checkNamesakes(live: Before, own: StackId, issues: Issues): void {
  const stacks = parseRegistry(live)?.stacks ?? [];
  if (stacks.some((line) => isNamesake(line, own)))
    namesakeIssue("the live resource policy", "a line", own.stack, issues);
}
