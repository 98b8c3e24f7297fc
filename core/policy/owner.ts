import { sha256Hex } from "../digest.ts";
import type { StackId } from "./grants.ts";
import { isSameStack } from "./identity.ts";

/** The length of a mark, in hex digits. */
export const OWNER_MARK_LENGTH = 16;

/** The mark of a resource in its stack's line: a prefix of its URN's sha256, of a fixed length. */
export function ownerMark(urn: string): string {
  return sha256Hex(urn).slice(0, OWNER_MARK_LENGTH);
}

/** `<identity>@urn:pulumi:<stack>::<project>::...`. Older releases wrote the URN only. */
const OWNER = /^(?:(\w+)@)?(urn:pulumi:([^:]*::[^:]*)::.*)$/;

/**
 * A resource's name in the ledgers on shared objects.
 * @param identity of its stack
 */
export function ownerOf(urn: string, identity: string | undefined): string {
  return identity === undefined ? urn : `${identity}@${urn}`;
}

function stackOf(owner: string): StackId {
  const [, identity, , stack = owner] = OWNER.exec(owner) ?? [];
  return { stack, identity };
}

export function urnOf(owner: string): string {
  return OWNER.exec(owner)?.[2] ?? owner;
}

/** Whether two resources are in the same stack: by identity, else by name. */
export function areOfOneStack(one: string, other: string): boolean {
  return one === other || isSameStack(stackOf(one), stackOf(other));
}

/** Whether an owner in a ledger is in another stack of the same name. */
export function isOfNamesake(found: string, own: string): boolean {
  const [theirs, ours] = [stackOf(found), stackOf(own)];
  return theirs.stack === ours.stack && theirs.identity !== undefined && theirs.identity !== ours.identity;
}

/** Whether a resource is in the stack `organization/project/stack`. URNs lack the organization. */
export function isOfStack(owner: string, stack: string): boolean {
  const [, project = "", name = ""] = stack.split("/");
  return urnOf(owner).startsWith(`urn:pulumi:${name}::${project}::`);
}
