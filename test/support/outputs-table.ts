import { z } from "zod";
import { stackOutputs } from "../../core/plan/outputs.ts";

type Schema = z.core.JSONSchema.JSONSchema;

/** How docs/outputs.md names a member of an output. */
const members: Readonly<Record<string, string>> = {
  accessChanges: "accessChanges[]",
  otherReaders: "otherReaders[]",
  pods: "pods.<pod>",
};

/** The described fields of an object, of each item of a list, or of each value of a map. */
function fieldsOf(schema: Schema): readonly (readonly [string, Schema])[] {
  const { properties, items, additionalProperties, oneOf, anyOf } = schema;
  if (properties !== undefined) return Object.entries(properties) as [string, Schema][];
  const variants = oneOf ?? anyOf;
  if (variants !== undefined) {
    // The first description of a field counts: a variant repeats it without one.
    return Object.entries(Object.fromEntries([...variants].reverse().flatMap((one) => fieldsOf(one))));
  }
  const [inner] = [items, additionalProperties].filter((one) => typeof one === "object");
  return inner === undefined ? [] : fieldsOf(inner as Schema);
}

/** The rows of the table: each output, then its fields. */
export function outputRows(): readonly (readonly [string, string])[] {
  const { properties = {} } = z.toJSONSchema(stackOutputs, { io: "input", unrepresentable: "any" });
  return Object.entries(properties as Readonly<Record<string, Schema>>).flatMap(([name, schema]) => [
    [`\`${name}\``, schema.description ?? ""] as const,
    ...(name === "podCluster" ? [] : fieldsOf(schema)).map(
      ([field, { description = "" }]) => [`\`${members[name] ?? name}.${field}\``, description] as const,
    ),
  ]);
}

/** The page with the table from the schema between `<!-- outputs -->` and `<!-- end -->`. */
export const withOutputsTable = (page: string): string =>
  page.replace(/(<!-- outputs -->\n)[^]*?(<!-- end -->)/, (_all, start: string, end: string) =>
    [
      start,
      "| output | what it is |",
      "| --- | --- |",
      ...outputRows().map(([name, meaning]) => `| ${name} | ${meaning} |`),
      "",
      end,
    ].join("\n"),
  );
