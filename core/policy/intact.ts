import { parseJson } from "../records.ts";
import { isEarlierPolicy } from "./earlier.ts";
import { mergeGrants, type GrantTable, type OtherSecrets } from "./grants.ts";
import { parseRegistry, readTable, type FoundRegistry } from "./registry.ts";
import { OTHERS_AFFIRMING, renderPolicy } from "./render.ts";

/** What a policy decides by. */
interface PolicyRules {
  readonly others: OtherSecrets;
  readonly secrets: GrantTable;
}

/** What a policy of ours says of itself in its stacks' lines, and whether its rules are just what these come to. */
export interface SaidRules {
  /** By the lines. */
  readonly said: PolicyRules;
  /** `false`: edited by hand, or written by another release than this and the one before. What its rules do is not known from its lines then. */
  readonly intact: boolean;
  /** By the table and the rules, as far as these can be read; where they cannot, nobody may read anything. */
  readonly done: PolicyRules;
}

const TABLE = "restricted = ";

/** The table's JSON: from where the first one begins to the line that ends it. */
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

/** Whether the rules of a text of ours are just what its lines come to, as this release writes them or the one before. */
export function isIntact(text: string, { stacks, before, damaged }: FoundRegistry): boolean {
  if (before === undefined || damaged.length > 0) return false;
  return text === renderPolicy(stacks, before) || isEarlierPolicy(text, stacks, before);
}

/** What a policy text says and does; `undefined` for one that is none of this project's, or has no stack in it. */
export function readRules(text: string): SaidRules | undefined {
  const registry = parseRegistry(text);
  if (registry === undefined || registry.stacks.length === 0) return undefined;
  const said = mergeGrants(registry.stacks);
  if (isIntact(text, registry)) return { said, intact: true, done: said };
  const table = tableIn(text);
  const others = table !== undefined && text.includes(OTHERS_AFFIRMING) ? "affirming" : "deny";
  return { said, intact: false, done: { others, secrets: table ?? {} } };
}
