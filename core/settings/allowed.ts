import { z } from "zod";
import { isRecord, own } from "../records.ts";

type ZodIssue = z.core.$ZodIssue;

/** What zod expects, in words for a person who writes YAML. */
const kinds: Readonly<Record<string, string>> = {
  string: "a text",
  number: "a number",
  int: "a whole number",
  boolean: "true or false",
  null: "null",
  array: "a list",
  object: "a map of settings",
  record: "a map, name: value",
};

function alternatives(words: readonly string[]): string {
  const all = [...new Set(words)];
  return all.length < 2 ? all.join("") : `${all.slice(0, -1).join(", ")} or ${all.at(-1) ?? ""}`;
}

/** A limit of a number, of a text's length or of a list's length. */
function bound(origin: string, limit: number | bigint, side: "least" | "most" | "above" | "below"): string {
  const isNumber = origin === "number" || origin === "int";
  if (side === "above" || side === "below") return `a number ${side} ${limit}`;
  if (isNumber) return `a number of ${limit} at ${side}`;
  if (origin === "string") {
    return limit === 1 && side === "least" ? "a text that is not empty" : `${limit} characters at ${side}`;
  }
  return `${limit} entries at ${side}`;
}

/** Whether a message is the schema's own. Zod's messages begin with these words. */
function isOurs(message: string): boolean {
  return !/^(Invalid|Too (big|small)|Unrecognized)\b/.test(message);
}

/**
 * What is allowed at a place that does not match its schema. Zod's messages name only the problem. Formats
 * have no words here: each format in a schema needs a message of its own.
 */
export function allowedBy(issue: ZodIssue): string {
  if (isOurs(issue.message)) return issue.message;
  switch (issue.code) {
    case "invalid_type":
      return kinds[issue.expected] ?? issue.expected;
    case "invalid_value":
      return alternatives(
        issue.values.map((value) => (typeof value === "string" ? `"${value}"` : String(value))),
      );
    case "invalid_union":
      return alternatives(issue.errors.flatMap((option) => option.slice(0, 1).map(allowedBy)));
    case "too_small":
      return bound(issue.origin, issue.minimum, issue.inclusive === false ? "above" : "least");
    case "too_big":
      return bound(issue.origin, issue.maximum, issue.inclusive === false ? "below" : "most");
    case "invalid_key":
    case "invalid_element":
      return issue.issues.map(allowedBy).join("; ");
    case "unrecognized_keys":
    case "invalid_format":
    case "not_multiple_of":
    case "custom":
      return issue.message;
  }
}

function at(schema: unknown, part: PropertyKey): unknown {
  if (!isRecord(schema)) return undefined;
  if (typeof part === "number") return schema["items"];
  const properties = isRecord(schema["properties"]) ? schema["properties"] : {};
  return own(properties, String(part)) ?? schema["additionalProperties"];
}

/**
 * The members that an object in the settings may have.
 * @param path from the section to the object
 */
export function memberNames(section: z.ZodType, path: readonly PropertyKey[]): readonly string[] {
  const schema = path.reduce<unknown>(at, z.toJSONSchema(section, { io: "input", unrepresentable: "any" }));
  if (!isRecord(schema)) return [];
  const { properties, propertyNames } = schema;
  if (isRecord(properties)) return Object.keys(properties);
  const names: unknown = isRecord(propertyNames) ? propertyNames["enum"] : [];
  return Array.isArray(names) ? names.map(String) : [];
}
