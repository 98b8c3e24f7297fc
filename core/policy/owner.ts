import { sha256Hex } from "../digest.ts";
import type { StackId } from "./grants.ts";
import { isSameStack } from "./identity.ts";

/** How long a mark is, in hexadecimal digits. */
export const OWNER_MARK_LENGTH = 16;

/** A resource in the line of its stack: the beginning of its URN's sha256, so that a line's length does not depend on names. */
export function ownerMark(urn: string): string {
  return sha256Hex(urn).slice(0, OWNER_MARK_LENGTH);
}

/** `<identity>@urn:pulumi:<stack>::<project>::...`, or the URN alone, as older releases have it. */
const OWNER = /^(?:(\w+)@)?(urn:pulumi:([^:]*::[^:]*)::.*)$/;

/**
 * Who a resource is in the ledgers on shared objects.
 * @param identity its stack's
 */
export function ownerOf(urn: string, identity: string | undefined): string {
  return identity === undefined ? urn : `${identity}@${urn}`;
}

function stackOf(owner: string): StackId {
  const [, identity, , stack = owner] = OWNER.exec(owner) ?? [];
  return { stack, identity };
}

/** The resource's URN. */
export function urnOf(owner: string): string {
  return OWNER.exec(owner)?.[2] ?? owner;
}

/** Whether two resources are of one stack, by its identity, or else by its name. */
export function areOfOneStack(one: string, other: string): boolean {
  return one === other || isSameStack(stackOf(one), stackOf(other));
}

/** Whether a ledger's owner bears this one's stack's name and is of another stack. */
export function isOfNamesake(found: string, own: string): boolean {
  const [theirs, ours] = [stackOf(found), stackOf(own)];
  return theirs.stack === ours.stack && theirs.identity !== undefined && theirs.identity !== ours.identity;
}

/** Whether a resource is of the stack `organization/project/stack`, by its name; URNs do not name the organization. */
export function isOfStack(owner: string, stack: string): boolean {
  const [, project = "", name = ""] = stack.split("/");
  return urnOf(owner).startsWith(`urn:pulumi:${name}::${project}::`);
}
