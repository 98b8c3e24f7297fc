import { z } from "zod";
import { readerNames } from "../policy/grants.ts";

/** What policy and reference values have to know to keep a pod's former initdata while the pod changes over to another. */
export const rotationSchema = z.object({
  /** init_data (lower-case hex, every spelling) -> reader: all that a stack declares now, with or without grants. */
  current: z.readonly(z.record(z.string(), z.string())),
  /** The readers whose former initdata stays accepted until they are ready with the new one. */
  overlapping: z.readonly(z.array(z.string())),
});
/** As {@link rotationSchema} has it. */
export type Rotation = Readonly<z.output<typeof rotationSchema>>;

/** How a change of a pod's initdata goes: `at-once` withdraws the former one before the new pod is there. */
export const rotationModes = ["overlap", "at-once"] as const;

/**
 * Whether a former claim of a reader's stays for the time of the change. One that is somebody's current claim never does:
 * where two pods exchange their initdata, the one would read the other's secrets. One that several pods shared stays if it may of all.
 */
export function staysAccepted({ current, overlapping }: Rotation, claim: string, reader: string): boolean {
  const names = readerNames(reader);
  return !Object.hasOwn(current, claim) && names.every((name) => overlapping.includes(name));
}
