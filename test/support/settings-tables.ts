import { z } from "zod";
import { own } from "../../core/records.ts";
import { sections, type SectionName } from "../../core/settings/schema.ts";

type Schema = z.core.JSONSchema.JSONSchema;

/** A setting's row in docs/settings.md. */
export interface SettingRow {
  readonly name: string;
  readonly type: string;
  readonly meaning: string;
  readonly unset: string;
}

const scalars: Readonly<Record<string, string>> = {
  string: "text",
  integer: "number",
  number: "number",
  boolean: "boolean",
  array: "list",
  object: "map",
};

const code = (value: unknown): string => `\`${typeof value === "string" ? value : JSON.stringify(value)}\``;

function typeText(schema: Schema): string {
  if (schema.enum !== undefined) return schema.enum.map(code).join(", ");
  if (schema.const !== undefined) return code(schema.const);
  if (schema.anyOf !== undefined) return schema.anyOf.map((one) => typeText(one)).join(" or ");
  const { items, additionalProperties, exclusiveMinimum, maximum, type = "" } = schema;
  const minimum = typeof exclusiveMinimum === "number" ? exclusiveMinimum + 1 : schema.minimum;
  const [of] = [items, additionalProperties].filter((one) => typeof one === "object");
  const inner = of === undefined ? undefined : own(scalars, String((of as Schema).type));
  const range = minimum === undefined || maximum === undefined ? "" : `, ${minimum} to ${maximum}`;
  return `${own(scalars, String(type)) ?? "text"}${inner === undefined ? "" : ` of ${inner}s`}${range}`;
}

function unsetText(schema: Schema, isRequired: boolean): string {
  if (typeof schema["unset"] === "string") return schema["unset"];
  const { default: value } = schema;
  if (isRequired) return "required";
  const isEmpty = typeof value === "object" && value !== null && Object.keys(value).length === 0;
  return value === undefined || isEmpty ? "none" : code(value);
}

const schemaOf = (name: SectionName): Schema =>
  z.toJSONSchema(sections[name], { io: "input", unrepresentable: "any" });

function row(name: string, schema: Schema, isRequired: boolean): SettingRow {
  const { description: meaning = "" } = schema;
  return { name, type: typeText(schema), meaning, unset: unsetText(schema, isRequired) };
}

/** The settings of a section, required ones first; the section itself if it is a single setting. */
export function settingRows(section: SectionName): readonly SettingRow[] {
  const schema = schemaOf(section);
  const isList = schema.type === "array";
  const { properties, required = [] } = isList ? (schema.items as Schema) : schema;
  if (properties === undefined) return [row(section, schema, false)];
  const rows = Object.entries(properties).map(([name, one]) =>
    row(isList ? name : `${section}.${name}`, one as Schema, required.includes(name)),
  );
  return [...rows].sort((a, b) => Number(b.unset === "required") - Number(a.unset === "required"));
}

/** Notes which settings of a pod `podDefaults` does not have. */
function onlyOfPods(rows: readonly SettingRow[]): readonly SettingRow[] {
  const { properties = {} } = schemaOf("podDefaults");
  return rows.map((one) =>
    Object.hasOwn(properties, one.name) ? one : { ...one, unset: `${one.unset}; not in \`podDefaults\`` },
  );
}

function tableOf(names: readonly SectionName[]): string {
  const rows = names.flatMap((name) => (name === "pods" ? onlyOfPods(settingRows(name)) : settingRows(name)));
  return [
    "| setting | type | meaning | default |",
    "| --- | --- | --- | --- |",
    ...rows.map(({ name, type, meaning, unset }) => `| \`${name}\` | ${type} | ${meaning} | ${unset} |`),
  ].join("\n");
}

/** A page with tables from the schema between `<!-- settings: pods -->` and `<!-- end -->`. */
export const withSettingsTables = (page: string): string =>
  page.replace(
    /(<!-- settings: ([\w, ]+) -->\n)[^]*?(<!-- end -->)/g,
    (_all, start: string, names: string, end: string) =>
      `${start}\n${tableOf(names.split(", ") as SectionName[])}\n\n${end}`,
  );
