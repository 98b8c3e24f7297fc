import { z } from "zod";
import { readerNames } from "./grants.ts";

/** What decides whether policy and reference values keep a previous digest during its grace period. */
export const rotationSchema = z.object({
  /** init_data (every spelling) -> reader: everything that a stack declares, granted or not. */
  current: z.readonly(z.record(z.string(), z.string())),
  /** The readers with a grace period, until they are ready with the new digest. */
  overlapping: z.readonly(z.array(z.string())),
});
export type Rotation = Readonly<z.output<typeof rotationSchema>>;

/** How a pod's initdata changes. `at-once` rejects the previous digest before the new pod starts. */
export const rotationModes = ["overlap", "at-once"] as const;

/**
 * Whether a previous claim stays accepted during the grace period. A claim that is now another reader's
 * current one never does: if two pods swapped initdata, each could read the other's secrets. A claim that
 * several pods shared stays only if all of them have a grace period.
 */
export function staysAccepted({ current, overlapping }: Rotation, claim: string, reader: string): boolean {
  const names = readerNames(reader);
  return !Object.hasOwn(current, claim) && names.every((name) => overlapping.includes(name));
}
