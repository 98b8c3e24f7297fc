import { sha256Hex } from "../digest.ts";

/** How long a mark is, in hexadecimal digits. */
export const OWNER_MARK_LENGTH = 16;

/** A resource in the line of its stack: the beginning of its URN's sha256, so that a line's length does not depend on names. */
export function ownerMark(urn: string): string {
  return sha256Hex(urn).slice(0, OWNER_MARK_LENGTH);
}

/** `urn:pulumi:<stack>::<project>`: what the URNs of one stack's resources begin with. */
const STACK_OF = /^urn:pulumi:[^:]*::[^:]*::/;

/** Whether two resources, by their URNs, are of one stack. */
export function isSameStack(one: string, other: string): boolean {
  return one === other || (STACK_OF.exec(one)?.[0] ?? one) === STACK_OF.exec(other)?.[0];
}

/** Whether a resource, by its URN, is of the stack `organization/project/stack`; URNs do not name the organization. */
export function isOfStack(urn: string, stack: string): boolean {
  const [, project = "", name = ""] = stack.split("/");
  return urn.startsWith(`urn:pulumi:${name}::${project}::`);
}
