import { parseJson } from "../records.ts";
import { isEarlierPolicy } from "./earlier.ts";
import { closes, mergeGrants, type GrantTable, type AccessRules } from "./grants.ts";
import { parseRegistry, readTable, type Before, type FoundRegistry } from "./registry.ts";
import { OTHERS_AFFIRMING, renderPolicy, renderWidePolicy } from "./render.ts";

/** The grants recorded in the policy's lines, and whether its rules still match them. */
export interface SaidRules {
  /** The rules that follow from the lines. */
  readonly said: AccessRules;
  /** `false`: edited by hand, or by a release before the previous one. Its rules are then unknown. */
  readonly intact: boolean;
  /** The rules in the text. If they cannot be parsed, nobody may read anything. */
  readonly done: AccessRules;
}

const TABLE = "restricted = ";

/** The JSON of the first table in the text, up to the line that ends it. */
function tableText(text: string): string {
  const lines = text.split(/\r?\n/);
  const start = lines.findIndex((line) => line.startsWith(`${TABLE}{`));
  const first = lines[start]?.slice(TABLE.length) ?? "";
  if (first === "{}") return first;
  const end = lines.indexOf("}", start + 1);
  return end === -1 ? "" : [first, ...lines.slice(start + 1, end + 1)].join("\n");
}

function tableIn(text: string): GrantTable | undefined {
  return readTable(parseJson(tableText(text)));
}

/** Whether a policy's rules follow from its lines, in the form of this or an earlier release. */
export function isIntact(text: string, { stacks, before, damaged }: FoundRegistry): boolean {
  if (before === undefined || damaged.length > 0) return false;
  return (
    [renderPolicy, renderWidePolicy].some((render) => text === render(stacks, before)) ||
    isEarlierPolicy(text, stacks, before)
  );
}

/** The lines and the rules of a policy; `undefined` for a foreign policy, or one without stacks. */
export function readRules(text: string): SaidRules | undefined {
  const registry = parseRegistry(text);
  if (registry === undefined || registry.stacks.length === 0) return undefined;
  const said = mergeGrants(registry.stacks);
  if (isIntact(text, registry)) return { said, intact: true, done: said };
  const table = tableIn(text);
  const others = table !== undefined && text.includes(OTHERS_AFFIRMING) ? "affirming" : "deny";
  return { said, intact: false, done: { others, secrets: table ?? {} } };
}

/**
 * The secrets that a policy does not certainly restrict. Of a foreign policy, or one that was edited by hand,
 * nothing is certain.
 */
export function leftOpen(text: Before, secrets: readonly string[]): readonly string[] {
  const rules = text === null ? undefined : readRules(text);
  return rules?.intact === true ? secrets.filter((secret) => !closes(rules.said, secret)) : secrets;
}
