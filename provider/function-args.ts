import type { z } from "zod";
import { formatPath, InputPropertiesError, toJson, type PropertyMap } from "./protocol/index.ts";

/** Where in its value a schema has found a problem, as Pulumi writes the paths of properties. */
export function schemaPath(path: readonly PropertyKey[]): string {
  return formatPath(path.map((part) => (typeof part === "number" ? part : String(part))));
}

/**
 * The arguments of a function of this provider.
 * @throws InputPropertiesError with every argument that cannot be used
 */
export function functionArgs<Schema extends z.ZodType>(
  name: string,
  schema: Schema,
  args: PropertyMap,
): z.output<Schema> {
  const parsed = schema.safeParse(toJson(args));
  if (parsed.success) return parsed.data;
  const errors = parsed.error.issues.map(({ path, message }) => ({
    propertyPath: schemaPath(path),
    reason: message,
  }));
  throw new InputPropertiesError(`The arguments of ${name} cannot be used:`, errors);
}
