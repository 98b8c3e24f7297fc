import type { Finding } from "../lint/finding.ts";
import type { AccessMatrix } from "../../core/access/matrix.ts";
import type { OtherReader } from "../../core/access/other-readers.ts";

/** An entry of the reference values and its expiration. */
export interface Expiry {
  readonly entry: string;
  /** `%Y-%m-%dT%H:%M:%SZ`. */
  readonly expiration: string;
}

/** The page's content. */
export interface PageContent {
  /** `organization/project/stack`. */
  readonly stack: string;
  readonly matrix: AccessMatrix;
  /** The claims' name: `PCR8` if all pods have a vTPM, else `init_data`. */
  readonly claimName: string;
  readonly trustee: { readonly url: string; readonly generation: string; readonly namespace: string };
  readonly expiries: readonly Expiry[];
  /** Readers of the stack's secrets by other stacks' grants. @default none */
  readonly otherReaders?: readonly OtherReader[];
  /** The audit's findings. Absent: no audit. */
  readonly findings?: readonly Finding[];
  /** The page's time. If given, the page shows the days until the reference values expire. */
  readonly at?: Date;
}
