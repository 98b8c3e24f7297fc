import { formatPath } from "../protocol/index.ts";

/** Where in its value a schema has found a problem, as Pulumi writes the paths of properties. */
export function schemaPath(path: readonly PropertyKey[]): string {
  return formatPath(path.map((part) => (typeof part === "number" ? part : String(part))));
}
