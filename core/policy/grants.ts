import { bindings } from "../initdata/binding.ts";
import { asRecord, byName, getOrAdd } from "../records.ts";

/** What the policy says of secrets that no stack restricts: the tutorial's (every affirming pod) or nobody. */
export const otherSecretsModes = ["affirming", "deny"] as const;
export type OtherSecrets = (typeof otherSecretsModes)[number];

/** In place of a key: every key of the secret. No Kubernetes key can be spelled like this. */
export const EVERY_KEY = "*";

/** In place of a binding: any TEE, but none without hardware. Only what an older release wrote says no more. */
export const ANY_TEE = "any";

/** How the TEE of a reader binds its initdata, as tables say it. */
export const tableBindings = [...bindings, ANY_TEE] as const;
export type TableBinding = (typeof tableBindings)[number];

/** Binding -> init_data -> who it is, for the reader of the policy. */
export type Readers = Readonly<Partial<Record<TableBinding, Readonly<Record<string, string>>>>>;

/** Secret -> key or `*` -> readers. A secret that stands here is restricted, also where nobody may read it (`{}`). */
export type GrantTable = Readonly<Record<string, Readonly<Record<string, Readers>>>>;

/** One line of a table. */
export interface Grant {
  readonly secret: string;
  /** One key, or `*` for every key. */
  readonly key: string;
  readonly binding: TableBinding;
  /** The claim `init_data`, in one of its spellings. */
  readonly initData: string;
  /** Who it is. */
  readonly reader: string;
}

/** The claims in one cell of a table, with who each is. */
export function listReaders(readers: Readers): readonly Pick<Grant, "binding" | "initData" | "reader">[] {
  return tableBindings.flatMap((binding) =>
    Object.entries(readers[binding] ?? {}).map(([initData, reader]) => ({ binding, initData, reader })),
  );
}

/** Every line of a table. A secret that nobody may read has none. */
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
 * The table of these lines, with every key in order, so that equal grants give equal bytes. Of two lines that differ in the reader
 * alone, both are named.
 * @param restricted secrets that stand there also if no line names them
 */
export function tableOf(restricted: readonly string[], grants: readonly Grant[]): GrantTable {
  // Maps, since a name may be spelled like a member of every object, e.g. `constructor`.
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

/** What pods and readers may be called; whoever may write the policy may have called one otherwise. */
const READER = /^[a-z0-9][a-z0-9./-]*$/;

/** Who a table's reader is: each pod of an initdata that several share. */
export function readerNames(reader: string): readonly string[] {
  const names = reader.split(", ");
  return names.every((name) => READER.test(name)) ? names : [reader];
}

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

function canonicalTable(table: GrantTable): GrantTable {
  return tableOf(Object.keys(table), listGrants(table));
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

/**
 * One table of what several stacks grant, former initdata included: the union. A secret that any stack restricts is
 * restricted; the same init_data named by two stacks carries both names.
 */
export function mergeGrants(stacks: readonly StackGrants[]): { others: OtherSecrets; secrets: GrantTable } {
  const restricted = stacks.flatMap(({ secrets, retiring = {} }) => [
    ...Object.keys(secrets),
    ...Object.keys(retiring),
  ]);
  const grants = stacks.flatMap(({ secrets, retiring = {} }) => [
    ...listGrants(secrets),
    ...listGrants(retiring).map((grant) => ({ ...grant, reader: formerName(grant.reader) })),
  ]);
  const others = stacks.some((stack) => stack.others === "deny") ? "deny" : "affirming";
  return { others, secrets: tableOf(restricted, grants) };
}
