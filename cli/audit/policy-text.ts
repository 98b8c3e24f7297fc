import type { Column } from "../../core/access/matrix.ts";
import { claimForm } from "../../core/initdata/binding.ts";
import { isName } from "../../core/names.ts";
import {
  mergeGrants,
  type GrantTable,
  type OtherSecrets,
  type StackGrants,
} from "../../core/policy/grants.ts";
import { parseRegistry } from "../../core/policy/registry.ts";
import { renderPolicy } from "../../core/policy/render.ts";

/** A digest in a policy's text. */
export interface DigestInText {
  /** Hex, in its original case. */
  readonly digest: string;
  /** The line of its first occurrence, from 1. */
  readonly line: number;
  /** What it is the digest of, by the words in its line. */
  readonly of: "initdata" | "something else" | "unknown";
}

/** Whether two digests differ only in case. To Trustee, which compares bytes, they differ. */
export function differsInCase(one: string, other: string): boolean {
  return one !== other && one.toLowerCase() === other.toLowerCase();
}

/** A string of either kind or a comment. An unclosed string ends with its line. */
const TOKEN = /"(?:[^"\\\n]|\\.?)*(?:"|$)|`[^`]*`|#[^\n]*/gm;

/** A digest of a claim's length: 32 bytes (PCR8, host data), 48 (mr_config_id) or 64 (an untruncated sha512). */
const DIGEST = /(?<![0-9A-Za-z])(?:[0-9a-fA-F]{128}|[0-9a-fA-F]{96}|[0-9a-fA-F]{64})(?![0-9A-Za-z])/g;

/** Words for initdata's digest in claims, variables and reference values. */
const INITDATA_WORDS = /init_?data|host_?data|mr_?config_?id|pcr_?0?8(?![0-9])/i;

/** Words for other measurements: firmware, kernel, enclave, signing key. */
const OTHER_WORDS =
  /measurement|launch|mr_?td|mr_?seam|mr_?enclave|mr_?signer|rtmr|report_?data|_id_?key|pcr_?\d/i;

/** What the digests of a line are. */
function digestOf(line: string): DigestInText["of"] {
  if (INITDATA_WORDS.test(line)) return "initdata";
  return OTHER_WORDS.test(line) ? "something else" : "unknown";
}

/** The digests in a policy's rules, in order, without those in comments. */
export function digestsInPolicy(text: string): readonly DigestInText[] {
  const found = new Map<string, DigestInText>();
  const lines = text.split("\n");
  const meanings = new Map<number, DigestInText["of"]>();
  const meaningOf = (line: number): DigestInText["of"] => {
    const meaning = meanings.get(line) ?? digestOf(lines[line - 1] ?? "");
    meanings.set(line, meaning);
    return meaning;
  };
  let line = 1;
  let counted = 0;
  const isGenerated = readGenerated(text) !== undefined;
  for (const { 0: token, index } of text.matchAll(TOKEN)) {
    if (token.startsWith("#")) continue;
    for (const match of token.matchAll(DIGEST)) {
      const [digest] = match;
      line += text.slice(counted, index + match.index).split("\n").length - 1;
      counted = index + match.index;
      const known = found.get(digest);
      const of = isGenerated ? "initdata" : meaningOf(line);
      // One line that compares it with initdata is enough.
      if (known === undefined) found.set(digest, { digest, line, of });
      else if (of === "initdata") found.set(digest, { ...known, of });
    }
  }
  return [...found.values()];
}

/** The limit of names that count as keys. */
const MOST_NAMES = 100;

/** A key that no secret is known to have, as an example of all unknown keys. */
export const ANY_KEY = "key-that-nobody-has-named";

/** Common strings of policies. */
const noKeys: readonly string[] = ["affirming", "default", "resource"];

/** The content of each string in a policy's rules, and whether it is a field's name: `input["submods"]`. */
function stringsIn(text: string): readonly { readonly content: string; readonly isField: boolean }[] {
  return [...text.matchAll(TOKEN)].flatMap(({ 0: token, index }) => {
    const isField = text[index - 1] === "[" && text[index + token.length] === "]";
    return token.startsWith("#") ? [] : [{ content: token.slice(1, -1), isField }];
  });
}

/** Strings in a policy's rules that may be keys of secrets: each string, or its last part if it is a path. */
export function keysInPolicy(text: string): readonly string[] {
  const names = stringsIn(text).flatMap(({ content, isField }) =>
    isField ? [] : [content.split("/").at(-1) ?? ""],
  );
  const keys = names.filter(
    (name) => isName("secretKey", name) && !noKeys.includes(name) && name.replace(DIGEST, "") !== "",
  );
  return [...new Set(keys)].slice(0, MOST_NAMES);
}

/** Strings in the format of the sample TEE's claims (and SNP's up to KBS v0.17): base64 of a digest. */
export function sampleClaimsInPolicy(text: string): readonly string[] {
  const { pattern } = claimForm("sample");
  const claims = stringsIn(text).flatMap(({ content }) => (pattern.test(content) ? [content] : []));
  return [...new Set(claims)].slice(0, MOST_NAMES);
}

/** The limit of single names that are combined to paths. */
const MOST_APART = 8;

/** Strings in a policy's rules that may be secrets and keys. The KBS need not serve them. */
export function pathsInPolicy(text: string): readonly Column[] {
  const isSecret = (name: string): boolean => isName("subdomain", name) && !noKeys.includes(name);
  const parts = stringsIn(text).map(({ content }) => content.split("/").filter((part) => part !== ""));
  const whole = parts.flatMap((one) => {
    const [secret = "", key = ""] = one.slice(-2);
    return isSecret(secret) && isName("secretKey", key) ? [{ secret, key }] : [];
  });
  const apart = [...new Set(parts.flatMap((one) => (one.length === 1 ? one : [])))];
  const secrets = apart.filter(isSecret).slice(0, MOST_APART);
  const keys = apart
    .filter((name) => isName("secretKey", name) && !noKeys.includes(name))
    .slice(0, MOST_APART);
  const together = secrets.flatMap((secret) => [...keys, ANY_KEY].map((key) => ({ secret, key })));
  return [...whole.slice(0, MOST_NAMES), ...together];
}

/** What this project's own policy grants. */
export interface GeneratedPolicy {
  readonly stacks: readonly StackGrants[];
  readonly others: OtherSecrets;
  readonly secrets: GrantTable;
}

/** The grants of an unedited policy of this project, which the model can answer for; otherwise `undefined`. */
export function readGenerated(text: string): GeneratedPolicy | undefined {
  const registry = parseRegistry(text);
  if (registry === undefined || registry.stacks.length === 0 || registry.before === undefined)
    return undefined;
  const { stacks, before } = registry;
  return text === renderPolicy(stacks, before) ? { stacks, ...mergeGrants(stacks) } : undefined;
}
