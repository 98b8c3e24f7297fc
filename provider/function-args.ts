import type { z } from "zod";
import { formatPath, toJson, type PropertyMap } from "./protocol/index.ts";

/** The path of a schema's problem, as Pulumi writes property paths. */
export function schemaPath(path: readonly PropertyKey[]): string {
  return formatPath(path.map((part) => (typeof part === "number" ? part : String(part))));
}

/**
 * Parses the arguments of a provider function.
 * @throws Error with every invalid argument
 */
export function functionArgs<Schema extends z.ZodType>(
  name: string,
  schema: Schema,
  args: PropertyMap,
): z.output<Schema> {
  // A null argument counts as absent.
  const given = Object.entries(toJson(args)).filter(([, value]) => value !== null);
  const parsed = schema.safeParse(Object.fromEntries(given));
  if (parsed.success) return parsed.data;
  const wrong = parsed.error.issues.map(({ path, message }) => `  ${schemaPath(path)}: ${message}`);
  throw new Error([`The arguments of ${name} are invalid:`, ...wrong].join("\n"));
}
