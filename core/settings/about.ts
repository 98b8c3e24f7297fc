import type { z } from "zod";

/**
 * A setting's schema, with its row in docs/settings.md.
 * @param unset the default in words, if the schema has none. @default none
 */
export function about<Schema extends z.ZodType>(schema: Schema, description: string, unset?: string): Schema {
  return schema.meta(unset === undefined ? { description } : { description, unset });
}
