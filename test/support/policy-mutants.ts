import { tableBindings } from "../../core/policy/grants.ts";

const allBindings: readonly string[] = tableBindings;

/** A policy with one thing changed. */
export interface Mutant {
  /** The line without its indentation, and the change. */
  readonly change: string;
  readonly text: string;
}

/** True if a line belongs to the rules. Comments, blank lines and the head of the text are not mutated. */
function isCode(line: string): boolean {
  const code = line.trim();
  return code !== "" && !code.startsWith("#") && !code.startsWith("package ") && !code.startsWith("import ");
}

const comparisons = ["==", "!=", ">=", "<="] as const;

/** The replacements of a token: an operator, a literal, a number, a name after a dot, or a type test. */
function replacements(token: string): readonly string[] {
  if (comparisons.some((one) => one === token)) return comparisons.filter((one) => one !== token);
  if (token.startsWith('"'))
    return ['""', `"${token.slice(1, -1)}-mutant"`, ...(token === '"*"' ? [] : ['"*"'])];
  if (/^\d+$/.test(token)) return [String(Number(token) + 1), String(Math.max(Number(token) - 1, 0))];
  if (token.startsWith(".")) return [`${token}_mutant`];
  if (token === "false") return ["true"];
  const types = ["is_array", "is_string", "is_object"];
  if (types.includes(token)) return types.filter((type) => type !== token);
  return [];
}

const TOKEN = /"(?:[^"\\]|\\.)*"|==|!=|>=|<=|\.[a-z_]\w*|\bis_\w+|\bfalse\b|\b\d+\b/g;

/** The variants of a line with one token replaced. */
const changedTokens = (line: string): readonly string[] =>
  [...line.matchAll(TOKEN)].flatMap((match) =>
    replacements(match[0])
      .filter((other) => other !== match[0])
      .map((other) => line.slice(0, match.index) + other + line.slice(match.index + match[0].length)),
  );

/** The first and last line of each rule. */
const blocks = (lines: readonly string[]): readonly (readonly [number, number])[] =>
  lines.flatMap((line, start) =>
    /^\S.* if \{$/.test(line) ? [[start, lines.indexOf("}", start)] as const] : [],
  );

/**
 * All policies that differ from `policy` in one of these changes:
 * - a rule, condition or table entry is dropped
 * - a condition is negated
 * - an operator, literal, number, name or type test is changed
 * - two readers are swapped
 * - a rule is added that opens too much
 */
export function mutantsOf(policy: string): readonly Mutant[] {
  const lines = policy.split("\n");
  const write = (changed: readonly string[]): string => changed.join("\n");
  const rules = blocks(lines);
  const isCondition = (index: number): boolean => rules.some(([start, end]) => index > start && index < end);
  const found: Mutant[] = [];
  const [from, to] = [lines.indexOf("restricted = {"), lines.indexOf("}")];
  for (const [index, line] of lines.entries()) {
    if (!isCode(line) || (index >= from && index <= to)) continue;
    const where = line.trim();
    if (isCondition(index)) {
      found.push({ change: `${where} -> dropped`, text: write(lines.toSpliced(index, 1)) });
      if (!line.includes(":=")) {
        found.push({ change: `${where} -> negated`, text: write(lines.with(index, `  not ${line.trim()}`)) });
      }
    }
    for (const other of changedTokens(line)) {
      found.push({ change: `${where} -> ${other.trim()}`, text: write(lines.with(index, other)) });
    }
  }
  for (const [start, end] of rules) {
    const where = lines[start] ?? "";
    found.push({ change: `${where} -> rule dropped`, text: write(lines.toSpliced(start, end - start + 1)) });
  }
  found.push(...tableMutants(policy));
  for (const body of ["true", "affirming", "requested", "requested.secret", "affirming\n  init_data"]) {
    found.push({
      change: `added: allow if ${JSON.stringify(body)}`,
      text: `${policy}\nallow if {\n  ${body}\n}\n`,
    });
  }
  return found;
}

/** Secret -> key -> binding -> claim -> reader. */
type Table = Record<string, Record<string, Record<string, Record<string, string>>>>;

/** The mutants of the policy's table. */
function tableMutants(policy: string): readonly Mutant[] {
  const match = /^restricted = (\{[^]*?^\})$/m.exec(policy);
  if (match?.[1] === undefined) throw new Error("the policy has no table");
  const json = match[1];
  const found: Mutant[] = [];
  const add = (change: string, edit: (table: Table) => unknown): void => {
    const table = JSON.parse(json) as Table;
    edit(table);
    const text = policy.replace(match[0], `restricted = ${JSON.stringify(table, null, 2)}`);
    found.push({ change: `table: ${change}`, text });
  };
  const table = JSON.parse(json) as Table;
  const cells = Object.entries(table).flatMap(([secret, keys]) =>
    Object.entries(keys).map(([key, bindings]) => ({ secret, key, bindings })),
  );
  const readers = cells.flatMap(({ bindings }) =>
    Object.entries(bindings).flatMap(([binding, names]) =>
      Object.keys(names).map((claim) => ({ binding, claim })),
    ),
  );
  const known = [...new Map(readers.map((one) => [JSON.stringify(one), one])).values()];
  const put = (into: Table, secret: string, key: string, binding: string, claim: string): Table => {
    const keys = (into[secret] ??= {});
    const bindings = (keys[key] ??= {});
    (bindings[binding] ??= {})[claim] = "mutant";
    return into;
  };
  const drop = (from: Table, ...path: readonly string[]): Table => {
    const within = path.slice(0, -1).reduce<object>((at, name) => Reflect.get(at, name) as object, from);
    Reflect.deleteProperty(within, path.at(-1) ?? "");
    return from;
  };
  for (const [secret, keys] of Object.entries(table)) {
    add(`${secret} dropped`, (other) => drop(other, secret));
    add(`${secret} renamed`, (other) => {
      other[`${secret}-mutant`] = keys;
      drop(other, secret);
    });
    for (const { binding, claim } of known) {
      if (keys["*"]?.[binding]?.[claim] !== undefined) continue;
      const change = `${secret}/* with ${binding} ${claim.slice(0, 4)}`;
      add(change, (other) => put(other, secret, "*", binding, claim));
    }
  }
  for (const { secret, key, bindings } of cells) {
    add(`${secret}/${key} dropped`, (other) => drop(other, secret, key));
    for (const renamed of [`${key}-mutant`, "*"].filter((one) => one !== key)) {
      add(`${secret}/${key} becomes ${secret}/${renamed}`, (other) => {
        drop(other, secret, key);
        for (const [binding, names] of Object.entries(bindings))
          for (const claim of Object.keys(names)) put(other, secret, renamed, binding, claim);
      });
    }
    for (const [binding, names] of Object.entries(bindings)) {
      for (const claim of Object.keys(names)) {
        const who = `${secret}/${key} ${binding} ${claim.slice(0, 4)}`;
        add(`${who} dropped`, (other) => drop(other, secret, key, binding, claim));
        for (const another of allBindings.filter((one) => one !== binding)) {
          add(`${who} becomes ${another}`, (other) => {
            drop(other, secret, key, binding, claim);
            put(other, secret, key, another, claim);
          });
        }
      }
    }
    for (const { binding, claim } of known) {
      if (key === "*" || bindings[binding]?.[claim] !== undefined) continue;
      const change = `${secret}/${key} with ${binding} ${claim.slice(0, 4)}`;
      add(change, (other) => put(other, secret, key, binding, claim));
    }
  }
  const [first, second] = known;
  if (first !== undefined && second !== undefined) {
    const [one, other] = [first.claim, second.claim];
    const swapped = json.replaceAll(one, "?").replaceAll(other, one).replaceAll("?", other);
    found.push({ change: "table: two readers swapped", text: policy.replace(json, swapped) });
  }
  return found;
}
