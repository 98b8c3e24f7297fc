import { z } from "zod";
import { isExpiration } from "../../../core/reference-values/document.ts";
import type { Generation } from "../../../core/trustee/generation.ts";

const entrySchema = z.object({
  version: z.string().optional(),
  name: z.string(),
  expiration: z.string().refine(isExpiration),
  // Any JSON, but there has to be one.
  value: z.json(),
});

type Entry = z.infer<typeof entrySchema>;

/**
 * The reference values as Trustee's RVPS reads them: of two entries of one name the first counts in the list, the last in the map; one malformed entry of the list format spoils them all; in the
 * map format, only itself.
 * @throws Error where Trustee's own parser fails
 */
function findEntry(generation: Generation, text: string, name: string): Entry | undefined {
  const document: unknown = JSON.parse(text);
  if (generation === "0.18")
    return z
      .array(entrySchema)
      .parse(document)
      .find((entry) => entry.name === name);
  const encoded = z.record(z.string(), z.string()).parse(document)[name];
  if (encoded === undefined) return undefined;
  if (!/^([A-Za-z0-9_-]{4})*([A-Za-z0-9_-]{2}==|[A-Za-z0-9_-]{3}=)?$/.test(encoded)) {
    throw new Error(`the reference value ${name} is not padded base64url`);
  }
  return entrySchema.parse(JSON.parse(Buffer.from(encoded, "base64url").toString("utf8")));
}

/**
 * The values in which a digest is looked up: none if there is no such entry, or if it holds no list. Whether it has expired,
 * no KBS looks from v0.16 on.
 * @throws Error where Trustee's own parser fails
 */
export function referenceValue(
  generation: Generation,
  text: string,
  name: string,
  _now?: Date,
): readonly unknown[] {
  const entry = findEntry(generation, text, name);
  return Array.isArray(entry?.value) ? entry.value : [];
}
