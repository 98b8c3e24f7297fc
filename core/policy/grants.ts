import { bindings } from "../initdata/binding.ts";
import { asRecord, byName, defined, getOrAdd, own } from "../records.ts";

/** Access to secrets that no stack restricts: every affirming pod, as in the tutorial, or nobody. */
export const otherSecretsModes = ["affirming", "deny"] as const;
export type OtherSecrets = (typeof otherSecretsModes)[number];

/** Every key of the secret. No Kubernetes key can have this name. */
export const EVERY_KEY = "*";

/** Any hardware TEE: an older release did not record the binding. */
export const ANY_TEE = "any";

/** The bindings in a grant table. */
export const tableBindings = [...bindings, ANY_TEE] as const;
export type TableBinding = (typeof tableBindings)[number];

/** Binding -> init_data -> the reader's name. */
export type Readers = Readonly<Partial<Record<TableBinding, Readonly<Record<string, string>>>>>;

/** Secret -> key or `*` -> readers. Each secret in the table is restricted, even without readers (`{}`). */
export type GrantTable = Readonly<Record<string, Readonly<Record<string, Readers>>>>;

/** The rules of a policy. Tests prove the generated Rego equal to the decisions of `core/access/model.ts`. */
export interface AccessRules {
  readonly others: OtherSecrets;
  readonly secrets: GrantTable;
}

/** Whether rules keep a secret from pods that no grant names. */
export function closes({ others, secrets }: AccessRules, secret: string): boolean {
  return others === "deny" || own(secrets, secret) !== undefined;
}

/** One entry of a table. */
export interface Grant {
  readonly secret: string;
  /** One key, or `*` for all keys. */
  readonly key: string;
  readonly binding: TableBinding;
  /** The claim `init_data`, in one of its spellings. */
  readonly initData: string;
  /** The reader's name. */
  readonly reader: string;
}

/** The claims in one cell of a table, with their readers' names. */
export function listReaders(readers: Readers): readonly Pick<Grant, "binding" | "initData" | "reader">[] {
  return tableBindings.flatMap((binding) =>
    Object.entries(readers[binding] ?? {}).map(([initData, reader]) => ({ binding, initData, reader })),
  );
}

/** Every entry of a table. A secret without readers has none. */
export function listGrants(table: GrantTable): readonly Grant[] {
  return Object.entries(table).flatMap(([secret, keys]) =>
    Object.entries(keys).flatMap(([key, readers]) =>
      listReaders(readers).map((one) => ({ secret, key, ...one })),
    ),
  );
}

function sorted<T>(map: ReadonlyMap<string, T>): ReadonlyMap<string, T> {
  return new Map([...map].sort(byName));
}

/**
 * Builds a table with sorted keys, so equal grants give equal bytes. Entries that differ only in the reader
 * are merged, with both names.
 * @param restricted secrets to include even without entries
 */
export function tableOf(restricted: readonly string[], grants: readonly Grant[]): GrantTable {
  // Maps, because a name may be that of an inherited member, for example `constructor`.
  const table = new Map<string, Map<string, Map<string, Map<string, Set<string>>>>>();
  for (const secret of restricted) table.set(secret, new Map());
  for (const { secret, key, binding, initData, reader } of grants) {
    const keys = getOrAdd(table, secret, () => new Map<string, Map<string, Map<string, Set<string>>>>());
    const readers = getOrAdd(keys, key, () => new Map<string, Map<string, Set<string>>>());
    const claims = getOrAdd(readers, binding, () => new Map<string, Set<string>>());
    getOrAdd(claims, initData, () => new Set<string>()).add(reader);
  }
  return asRecord(sorted(table), (keys) =>
    asRecord(sorted(keys), (readers) =>
      asRecord(sorted(readers), (claims) =>
        asRecord(sorted(claims), (names) => [...names].sort().join(", ")),
      ),
    ),
  );
}

/** The form of pod and reader names. A policy that others edited may have other names. */
const READER = /^[a-z0-9][a-z0-9./-]*$/;

/** The names in a table entry: several pods may share one initdata. */
export function readerNames(reader: string): readonly string[] {
  const names = reader.split(", ");
  return names.every((name) => READER.test(name)) ? names : [reader];
}

/** One of the stacks that share a Trustee. */
export interface StackId {
  /** `organization/project/stack`. Another backend may have a stack of the same name. */
  readonly stack: string;
  /** Random, stored only in the stack's state. @default unknown: an older release had none */
  readonly identity?: string | undefined;
}

/** One stack's line in the policy. */
export interface StackGrants extends StackId {
  readonly others: OtherSecrets;
  readonly secrets: GrantTable;
  /** The previous digests, still accepted during the grace period. @default none */
  readonly retiring?: GrantTable;
  /**
   * The {@link ./owner.ts mark} of the resource with these grants. Only that resource may remove them.
   * @default unknown
   */
  readonly owner?: string;
}

function canonicalTable(table: GrantTable): GrantTable {
  return tableOf(Object.keys(table), listGrants(table));
}

/** The same grants with sorted keys, so equal grants give equal bytes. */
export function canonicalGrants({
  stack,
  identity,
  owner,
  others,
  secrets,
  retiring = {},
}: StackGrants): StackGrants {
  const previous = Object.keys(retiring).length === 0 ? undefined : canonicalTable(retiring);
  return defined({ stack, identity, owner, others, secrets: canonicalTable(secrets), retiring: previous });
}

/** The name of a reader's previous digest in the policy's table. */
export function previousName(reader: string): string {
  return `${reader} (former initdata)`;
}

/**
 * The union of several stacks' grants, previous digests included. A secret that any stack restricts is
 * restricted; an init_data that two stacks grant has both names.
 */
export function mergeGrants(stacks: readonly StackGrants[]): { others: OtherSecrets; secrets: GrantTable } {
  const restricted = stacks.flatMap(({ secrets, retiring = {} }) => [
    ...Object.keys(secrets),
    ...Object.keys(retiring),
  ]);
  const grants = stacks.flatMap(({ secrets, retiring = {} }) => [
    ...listGrants(secrets),
    ...listGrants(retiring).map((grant) => ({ ...grant, reader: previousName(grant.reader) })),
  ]);
  const others = stacks.some((stack) => stack.others === "deny") ? "deny" : "affirming";
  return { others, secrets: tableOf(restricted, grants) };
}
