import { asRecord, byName, getOrAdd } from "../records.ts";

/** What the policy says of secrets that no stack restricts: the tutorial's (every affirming pod) or nobody. */
export const otherSecretsModes = ["affirming", "deny"] as const;
export type OtherSecrets = (typeof otherSecretsModes)[number];

/** In place of a key: every key of the secret. No Kubernetes key can be spelled like this. */
export const EVERY_KEY = "*";

/** init_data (lower-case hex) -> who it is, for the reader of the policy. */
export type Readers = Readonly<Record<string, string>>;

/** Secret -> key or `*` -> readers. A secret that stands here is restricted, also where nobody may read it (`{}`). */
export type GrantTable = Readonly<Record<string, Readonly<Record<string, Readers>>>>;

/** A stack among those that share a Trustee. */
export interface StackId {
  /** `organization/project/stack`. Another backend may have a stack of the same name. */
  readonly stack: string;
  /** Made up at random, and held by the stack's state alone. @default not known: an older release had none */
  readonly identity?: string | undefined;
}

/** What one stack has to say in the policy. */
export interface StackGrants extends StackId {
  readonly others: OtherSecrets;
  readonly secrets: GrantTable;
  /** Former initdata of its readers, still accepted: a change of initdata is under way. @default none */
  readonly retiring?: GrantTable;
  /** The {@link ./owner.ts mark} of the resource whose grants these are: it alone may take them out. @default nobody knows */
  readonly owner?: string;
}

function sorted<T>(record: Readonly<Record<string, T>>): [string, T][] {
  return Object.entries(record).sort(byName);
}

function canonicalTable(table: GrantTable): GrantTable {
  const secrets = sorted(table).map(([secret, keys]): [string, GrantTable[string]] => [
    secret,
    Object.fromEntries(sorted(keys).map(([key, readers]) => [key, Object.fromEntries(sorted(readers))])),
  ]);
  return Object.fromEntries(secrets);
}

/** The same grants with every key in order, so that equal grants give equal bytes. */
export function canonicalGrants({
  stack,
  identity,
  owner,
  others,
  secrets,
  retiring = {},
}: StackGrants): StackGrants {
  return {
    stack,
    ...(identity === undefined ? {} : { identity }),
    ...(owner === undefined ? {} : { owner }),
    others,
    secrets: canonicalTable(secrets),
    ...(Object.keys(retiring).length === 0 ? {} : { retiring: canonicalTable(retiring) }),
  };
}

/** How the policy's table calls somebody's former initdata. */
export function formerName(reader: string): string {
  return `${reader} (former initdata)`;
}

/** A stack's tables, with what each calls a reader. */
function tablesOf({ secrets, retiring = {} }: StackGrants): [GrantTable, (reader: string) => string][] {
  return [
    [secrets, (reader) => reader],
    [retiring, formerName],
  ];
}

/**
 * One table of what several stacks grant, former initdata included: the union. A secret that any stack restricts is
 * restricted; the same init_data named by two stacks carries both names.
 */
export function mergeGrants(stacks: readonly StackGrants[]): { others: OtherSecrets; secrets: GrantTable } {
  const merged = new Map<string, Map<string, Map<string, Set<string>>>>();
  for (const [table, nameOf] of stacks.flatMap(tablesOf)) {
    for (const [secret, keys] of Object.entries(table)) {
      const intoSecret = getOrAdd(merged, secret, () => new Map<string, Map<string, Set<string>>>());
      for (const [key, readers] of Object.entries(keys)) {
        const intoKey = getOrAdd(intoSecret, key, () => new Map<string, Set<string>>());
        for (const [initData, name] of Object.entries(readers)) {
          getOrAdd(intoKey, initData, () => new Set<string>()).add(nameOf(name));
        }
      }
    }
  }
  const secrets = asRecord(merged, (keys) =>
    asRecord(keys, (readers) => asRecord(readers, (names) => [...names].sort().join(", "))),
  );
  const others = stacks.some((stack) => stack.others === "deny") ? "deny" : "affirming";
  return { others, secrets: canonicalTable(secrets) };
}
