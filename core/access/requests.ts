import type { Column } from "./matrix.ts";
import { DEFAULT_REPOSITORY, type AccessRules, type PolicyData } from "./model.ts";

/** One question to the resource policy. */
export interface AccessRequest {
  readonly data: PolicyData;
  /** The EAR token's claims, `input` of the policy. */
  readonly token: unknown;
}

/** What a policy is asked about. */
export interface RequestSubject {
  readonly rules: AccessRules;
  /** Claims `init_data` of pods, lower-case hex, whether or not the rules name them. */
  readonly claims: readonly string[];
  /** Keys of secrets, whether or not the rules restrict them. */
  readonly columns: readonly Column[];
}

/** Repositories, a secret and a key that nobody has; the repositories on either side of "default" in the alphabet. */
const OTHER_REPOSITORIES = ["another-repository", "other-repository"];
const OTHER_SECRET = "unrestricted-secret";
const OTHER_KEY = "another-key";

/** A claim of the right form that no pod makes. */
export const FOREIGN_CLAIM = "f".repeat(64);

function uniqueBy<T>(values: readonly T[], key: (value: T) => string): readonly T[] {
  return [...new Map(values.map((value) => [key(value), value])).values()];
}

/** Every key that is worth a question: declared, named in the rules, and one of each secret that is neither. */
export function askedColumns({ rules, columns }: RequestSubject): readonly Column[] {
  const named = Object.entries(rules.secrets).flatMap(([secret, keys]) =>
    Object.keys(keys)
      .filter((key) => key !== "*")
      .map((key) => ({ secret, key })),
  );
  const secrets = [
    ...new Set([...columns, ...named].map(({ secret }) => secret)),
    ...Object.keys(rules.secrets),
  ];
  const others = [...secrets, OTHER_SECRET].map((secret) => ({ secret, key: OTHER_KEY }));
  return uniqueBy([...columns, ...named, ...others], ({ secret, key }) => `${secret}/${key}`);
}

/** A path as KBS v0.17 and later hands it over, and as those before do. */
function bothShapes(repository: string, { secret, key }: Column): readonly PolicyData[] {
  return [
    { "resource-path": [repository, secret, key], plugin: "resource" },
    { "resource-path": `resource/${repository}/${secret}/${key}` },
  ];
}

/** Every key that is declared or named, in either shape. */
function declaredData({ rules, columns }: RequestSubject): readonly PolicyData[] {
  return askedColumns({ rules, columns, claims: [] })
    .filter(({ key }) => key !== OTHER_KEY)
    .flatMap((column) => bothShapes(DEFAULT_REPOSITORY, column));
}

/** The requests of a well-behaved KBS: every key in either shape, other keys, and all under other repositories. */
export function plainData(subject: RequestSubject): readonly PolicyData[] {
  return askedColumns(subject).flatMap((column) => [
    ...bothShapes(DEFAULT_REPOSITORY, column),
    ...OTHER_REPOSITORIES.flatMap((repository) => bothShapes(repository, column)),
  ]);
}

/** Paths that no KBS hands over, made of one that it may: short, long, nested, empty, encoded, of other types. */
function oddPaths({ secret, key }: Column): readonly unknown[] {
  const repository = DEFAULT_REPOSITORY;
  return [
    [repository, secret],
    [repository, secret, key, "more"],
    ["", secret, key],
    [repository, secret, ""],
    [1, secret, key],
    [repository, [secret], key],
    [repository, { [secret]: true }, key],
    [repository, secret, null],
    [[repository, secret, key]],
    ["resource", repository, secret, key],
    [`resource/${repository}/${secret}/${key}`],
    `${repository}/${secret}/${key}`,
    `/resource/${repository}/${secret}/${key}`,
    `resource/${repository}/${secret}/${key}/`,
    `resource/${repository}/${secret}/${key}/more`,
    `resource/${repository}/${secret}`,
    `resource//${secret}/${key}`,
    `resource/${repository}/${secret}/`,
    `resource/${repository}/${secret}%2F${key}/x`,
    `resource/${repository}/x/../${secret}/${key}`,
    `resource/${repository}//${key}`,
    `resources/${repository}/${secret}/${key}`,
    `plugin/${repository}/${secret}/${key}`,
    `Resource/${repository}/${secret}/${key}`,
    { "0": repository, "1": secret, "2": key },
  ];
}

const shapeless: readonly unknown[] = [
  [],
  [DEFAULT_REPOSITORY],
  [DEFAULT_REPOSITORY, null, "k"],
  "",
  "/",
  "//",
  "///",
  null,
  7,
  true,
  {},
];

/** Requests as no KBS makes them, which a policy must deny all the same. */
export function oddData(subject: RequestSubject): readonly PolicyData[] {
  const columns = askedColumns(subject);
  const odd = [...columns.flatMap(oddPaths), ...shapeless, [DEFAULT_REPOSITORY, "", OTHER_KEY]];
  return [
    ...odd.flatMap((path) => [{ "resource-path": path, plugin: "resource" }, { "resource-path": path }]),
    ...columns.flatMap((column) => {
      const path = [DEFAULT_REPOSITORY, column.secret, column.key];
      const text = `resource/${path.join("/")}`;
      return [
        { "resource-path": path },
        ...["pkcs11", "Resource", "", 7, null, ["resource"]].map((plugin) => ({
          "resource-path": path,
          plugin,
        })),
        ...["resource", "pkcs11"].map((plugin) => ({ "resource-path": text, plugin })),
      ];
    }),
    { plugin: "resource" },
    {},
  ];
}

function submod(status: unknown, claim: unknown): Readonly<Record<string, unknown>> {
  return { "ear.status": status, "ear.veraison.annotated-evidence": { init_data: claim } };
}

function cpu(status: unknown, claim: unknown): unknown {
  return { submods: { cpu0: submod(status, claim) } };
}

/** The claims that pods make or the rules name. */
function plainClaims({ claims, rules }: RequestSubject): readonly string[] {
  const readers = Object.values(rules.secrets).flatMap((keys) => Object.values(keys).flatMap(Object.keys));
  return [...new Set([...claims, ...readers])];
}

/** The tokens of pods that attest well, and of one that nobody knows. */
export function plainTokens(subject: RequestSubject): readonly unknown[] {
  return [...plainClaims(subject), FOREIGN_CLAIM].map((claim) => cpu("affirming", claim));
}

/** What one pod's token may never be: any other status, zero or several submods, init_data of every other kind. */
export function oddTokens(claim: string): readonly unknown[] {
  const affirming = { "ear.status": "affirming" };
  const beside = ["none", "warning", "contraindicated", "AFFIRMING", "", null, 2, true];
  const good = submod("affirming", claim);
  return [
    ...["none", "warning", "contraindicated", "AFFIRMING", "", null, 2, true, ["affirming"], undefined].map(
      (status) => cpu(status, claim),
    ),
    ...[
      claim.toUpperCase(),
      claim.slice(0, -1),
      `${claim}0`,
      ` ${claim}`,
      "",
      "*",
      null,
      7,
      true,
      [claim],
      { [claim]: claim },
      undefined,
    ].map((other) => cpu("affirming", other)),
    { submods: { cpu0: affirming } },
    { submods: { cpu0: { ...affirming, "ear.veraison.annotated-evidence": claim } } },
    { submods: { cpu0: { ...affirming, init_data: claim } } },
    {
      submods: { cpu0: { ...affirming, "ear.veraison.annotated-evidence": { init_data: { value: claim } } } },
    },
    { submods: { cpu0: good, gpu0: affirming } },
    { submods: { cpu0: good, gpu0: submod("affirming", FOREIGN_CLAIM) } },
    { submods: { cpu0: submod("affirming", FOREIGN_CLAIM), gpu0: good } },
    ...beside.map((status) => ({ submods: { cpu0: good, gpu0: { "ear.status": status } } })),
    { submods: { cpu0: good, gpu0: {} } },
    { submods: { cpu0: good, gpu0: "affirming" } },
    { submods: { cpu0: good, gpu0: null } },
    { submods: { cpu0: submod("warning", claim), gpu0: affirming } },
    { submods: { cpu0: { "ear.veraison.annotated-evidence": { init_data: claim } }, gpu0: affirming } },
    { submods: { gpu0: good } },
    { submods: { cpu0: "affirming" } },
    { submods: {} },
    { submods: [good] },
    { submods: "affirming" },
    { submods: null },
    { ...good },
    {},
  ];
}

function product(data: readonly PolicyData[], tokens: readonly unknown[]): AccessRequest[] {
  return data.flatMap((one) => tokens.map((token) => ({ data: one, token })));
}

/** So many pods and secrets stand for all where oddities are tried out; each is but a row of a table to the policy. */
const FEW = 4;

/** A few pods and secrets, first those that are granted to somebody: all of a small stack. */
function few({ rules, claims, columns }: RequestSubject): RequestSubject {
  const secrets = Object.fromEntries(Object.entries(rules.secrets).slice(0, FEW));
  const readers = plainClaims({ rules: { ...rules, secrets }, claims: [], columns: [] });
  const restricted = columns.filter(({ secret }) => Object.hasOwn(secrets, secret));
  const others = columns.filter(({ secret }) => !Object.hasOwn(rules.secrets, secret));
  return {
    rules: { ...rules, secrets },
    claims: [...new Set([...readers.slice(0, FEW), ...claims.slice(0, FEW)])],
    columns: [...restricted.slice(0, FEW), ...others.slice(0, FEW)],
  };
}

/** Tokens without anything that an odd path could be opened by. */
const emptyTokens: readonly unknown[] = [
  {},
  { submods: {} },
  { submods: { cpu0: {} } },
  cpu("none", FOREIGN_CLAIM),
];

/** Every restricted secret's readers, with keys and repositories that may be none of theirs. */
function besideGrants({ rules, columns }: RequestSubject): readonly AccessRequest[] {
  return Object.entries(rules.secrets).flatMap(([secret, keys]) => {
    const one: RequestSubject = {
      rules: { ...rules, secrets: Object.fromEntries([[secret, keys]]) },
      columns: columns.filter((column) => column.secret === secret),
      claims: [],
    };
    return product(plainData(one), plainTokens(one));
  });
}

/**
 * Every request that is worth asking: every pod with every key in either shape; every reader with what is beside its
 * grants; and of a few pods and secrets, which are all of a small stack, every odd token with every path, and every
 * odd path with tokens that open most or nothing.
 */
export function accessRequests(subject: RequestSubject): readonly AccessRequest[] {
  const some = few(subject);
  return [
    ...product(declaredData(subject), plainTokens(subject)),
    ...besideGrants(subject),
    ...product(plainData(some), [...plainTokens(some), ...some.claims.flatMap(oddTokens)]),
    ...product(oddData(some), [...plainTokens(some), ...emptyTokens]),
  ];
}
