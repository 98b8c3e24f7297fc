import { z } from "zod";
import type { Generation } from "../../../core/trustee/generation.ts";

const instant = z.string().regex(/^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}Z$/);

const entrySchema = z.object({
  version: z.string().optional(),
  name: z.string(),
  expiration: instant,
  value: z.unknown(),
});

type Entry = z.infer<typeof entrySchema>;

/**
 * The reference values as Trustee's RVPS reads them: one malformed entry of the list format spoils them all; in the
 * map format, only itself.
 * @throws Error where Trustee's own parser fails
 */
function findEntry(generation: Generation, text: string, name: string): Entry | undefined {
  const document: unknown = JSON.parse(text);
  if (generation === "0.18")
    return z
      .array(entrySchema)
      .parse(document)
      .findLast((entry) => entry.name === name);
  const encoded = z.record(z.string(), z.string()).parse(document)[name];
  if (encoded === undefined) return undefined;
  if (!/^([A-Za-z0-9_-]{4})*([A-Za-z0-9_-]{2}==|[A-Za-z0-9_-]{3}=)?$/.test(encoded)) {
    throw new Error(`the reference value ${name} is not padded base64url`);
  }
  return entrySchema.parse(JSON.parse(Buffer.from(encoded, "base64url").toString("utf8")));
}

/**
 * The values of a reference value that has not expired; none if there is no such entry.
 * @throws Error where Trustee's own parser fails
 */
export function referenceValue(
  generation: Generation,
  text: string,
  name: string,
  now: Date,
): readonly unknown[] {
  const entry = findEntry(generation, text, name);
  if (entry === undefined || new Date(entry.expiration) <= now) return [];
  return Array.isArray(entry.value) ? entry.value : [entry.value];
}
