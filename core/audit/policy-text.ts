import { mergeGrants, type GrantTable, type OtherSecrets, type StackGrants } from "../policy/grants.ts";
import { parseRegistry } from "../policy/registry.ts";
import { renderPolicy } from "../policy/render.ts";

/** A digest in a policy's text, lower-case hex, with the line (from 1) where it first stands. */
export interface DigestInText {
  readonly digest: string;
  readonly line: number;
}

/** A string of either kind, or a comment; anything else goes by. */
const TOKEN = /"(?:[^"\\\n]|\\.)*"|`[^`]*`|#[^\n]*/g;

/** As long as the claims are: 32 bytes (PCR8, host data), 48 (mr_config_id); 64 for a sha512 that was not cut. */
const DIGEST = /(?<![0-9A-Za-z])(?:[0-9a-fA-F]{128}|[0-9a-fA-F]{96}|[0-9a-fA-F]{64})(?![0-9A-Za-z])/g;

/** The digests that a policy's rules name, in their order. What only a comment names decides nothing, and is left out. */
export function digestsInPolicy(text: string): readonly DigestInText[] {
  const found = new Map<string, DigestInText>();
  for (const { 0: token, index } of text.matchAll(TOKEN)) {
    if (token.startsWith("#")) continue;
    for (const match of token.matchAll(DIGEST)) {
      const digest = match[0].toLowerCase();
      const line = text.slice(0, index + match.index).split("\n").length;
      if (!found.has(digest)) found.set(digest, { digest, line });
    }
  }
  return [...found.values()];
}

/** What this project's own policy grants. */
export interface GeneratedPolicy {
  readonly stacks: readonly StackGrants[];
  readonly others: OtherSecrets;
  readonly secrets: GrantTable;
}

/** What a policy grants, if it is this project's, unchanged by hand: then the model answers for it. */
export function readGenerated(text: string): GeneratedPolicy | undefined {
  const registry = parseRegistry(text);
  if (registry === undefined || registry.stacks.length === 0 || registry.before === undefined)
    return undefined;
  const { stacks, before } = registry;
  return text === renderPolicy(stacks, before) ? { stacks, ...mergeGrants(stacks) } : undefined;
}
