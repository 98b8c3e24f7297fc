import { sha256Hex } from "../digest.ts";

/** How long a mark is, in hexadecimal digits. */
export const OWNER_MARK_LENGTH = 16;

/** A resource in the line of its stack: the beginning of its URN's sha256, so that a line's length does not depend on names. */
export function ownerMark(urn: string): string {
  return sha256Hex(urn).slice(0, OWNER_MARK_LENGTH);
}
