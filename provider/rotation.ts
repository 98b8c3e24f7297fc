import { z } from "zod";

/** {@link ../core/rotation/rotation.ts} as an input. */
export const rotation = z.object({
  current: z.record(z.string(), z.string()),
  overlapping: z.array(z.string()),
});
