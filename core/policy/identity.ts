import type { Issues } from "../issues.ts";
import type { StackId } from "./grants.ts";
import { parseRegistry, type Before } from "./registry.ts";
import { shownName } from "./shown-name.ts";

/** How many letters and digits a stack's identity has: more than anybody guesses. */
export const IDENTITY_LENGTH = 20;

/** A stack, or the name of one without an identity. */
export type Who = StackId | string;

export function idOf(who: Who): StackId {
  return typeof who === "string" ? { stack: who } : who;
}

/** Whether two are one stack: by their identities where both are known, whatever they are called; else by their names. */
export function isSameStack(one: StackId, other: StackId): boolean {
  return one.identity !== undefined && other.identity !== undefined
    ? one.identity === other.identity
    : one.stack === other.stack;
}

/** Whether two have one line in a policy: it holds but one of a name, and but one of an identity, also where a stack was renamed. */
export function isOneStack(one: StackId, other: StackId): boolean {
  return one.stack === other.stack || isSameStack(one, other);
}

/**
 * Whether something bears a stack's name and another identity. Whatever bears an identity was made by a stack that has one in its
 * state: one that has none yet is another.
 */
export function isNamesake(found: StackId, own: StackId): boolean {
  return found.stack === own.stack && found.identity !== undefined && found.identity !== own.identity;
}

/**
 * An issue for what a namesake has left.
 * @param what e.g. `a line in the live resource policy`
 */
export function namesakeIssue(path: string, what: string, stack: string, issues: Issues): void {
  issues.add({
    path,
    given: `${what}, which belongs to a stack of the same name, ${shownName(stack)}, and is not of this one`,
    allowed: "what this stack has made, by the identity in its state",
    fix: "If another backend has that stack, rename this one: pulumi stack rename. If it is this one and its state was lost, set trustee-access:takeOver to true for one pulumi up.",
  });
}

/** An issue if a policy has the line of a stack of the same name that is another one. */
export function checkNamesakes(live: Before, own: StackId, issues: Issues): void {
  const stacks = live === null ? [] : (parseRegistry(live)?.stacks ?? []);
  if (stacks.some((line) => isNamesake(line, own)))
    namesakeIssue("the live resource policy", "a line", own.stack, issues);
}
