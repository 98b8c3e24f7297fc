import type { Finding } from "../lint/finding.ts";
import { DAY, NOTICE_DAYS } from "../../core/reference-values/validity.ts";
import type { AccessMatrix } from "../../core/access/matrix.ts";
import type { OtherReader } from "../../core/access/other-readers.ts";

/** An entry of the reference values and when it ends to hold. */
export interface Expiry {
  readonly entry: string;
  /** `%Y-%m-%dT%H:%M:%SZ`. */
  readonly expiration: string;
}

/** Everything that the page shows. */
export interface PageContent {
  /** `organization/project/stack`. */
  readonly stack: string;
  readonly matrix: AccessMatrix;
  /** What the claims are called: `PCR8`, or `init_data` where they are not all of a vTPM. */
  readonly claimName: string;
  readonly trustee: { readonly url: string; readonly generation: string; readonly namespace: string };
  readonly expiries: readonly Expiry[];
  /** Who reads the stack's secrets by the grants of other stacks. @default nobody */
  readonly otherReaders?: readonly OtherReader[];
  /** What an audit found. Absent: there was none. */
  readonly findings?: readonly Finding[];
  /** When the page is made: then it says when the reference values expire from then on. There is no clock here. */
  readonly at?: Date;
}

/** Whether an entry has expired, or will soon, or whether that is not known since no time was given. */
export type ExpiryState = "holds" | "soon" | "expired" | "unknown";

export function expiryState({ expiration }: Expiry, at: Date | undefined): ExpiryState {
  const left = Date.parse(expiration) - (at?.getTime() ?? Number.NaN);
  if (Number.isNaN(left)) return "unknown";
  if (left <= 0) return "expired";
  return left < NOTICE_DAYS * DAY ? "soon" : "holds";
}

/** Whole days until an entry expires; below zero: since it has. */
export function daysLeft({ expiration }: Expiry, at: Date): number {
  return Math.floor((Date.parse(expiration) - at.getTime()) / DAY);
}
