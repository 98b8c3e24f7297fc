import { EVERY_KEY, listGrants, listReaders, type AccessRules } from "../../core/policy/grants.ts";
import type { Column } from "../../core/access/matrix.ts";
import { cpu, STRANGER, oddPaths, oddTokens, shapeless } from "./oddities.ts";
import type { AttestedReader, PolicyData } from "../../core/access/model.ts";
import { DEFAULT_REPOSITORY } from "../../core/names.ts";

/** One question to the resource policy. */
export interface AccessRequest {
  readonly data: PolicyData;
  /** The EAR token's claims, `input` of the policy. */
  readonly token: unknown;
}

/** The subject of the questions to a policy. */
export interface RequestSubject {
  readonly rules: AccessRules;
  /** Claims `init_data` of pods, whether or not the rules name them. */
  readonly claims: readonly string[];
  /** Keys of secrets, whether or not the rules restrict them. */
  readonly columns: readonly Column[];
}

/** Repositories, a secret and a key that do not exist. The repositories sort before and after "default". */
const OTHER_REPOSITORIES = ["another-repository", "other-repository"];
const OTHER_SECRET = "unrestricted-secret";
const OTHER_KEY = "another-key";

function uniqueBy<T>(values: readonly T[], key: (value: T) => string): readonly T[] {
  return [...new Map(values.map((value) => [key(value), value])).values()];
}

/** The keys to ask for: declared ones, those in the rules, and an unknown one of each secret. */
function askedColumns({ rules, columns }: RequestSubject): readonly Column[] {
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

/** A path in the format of KBS v0.17 and later, and in the older one. */
function bothShapes(repository: string, { secret, key }: Column): readonly PolicyData[] {
  return [
    { "resource-path": [repository, secret, key], plugin: "resource" },
    { "resource-path": `resource/${repository}/${secret}/${key}` },
  ];
}

/** Every declared or named key, in both path formats. */
function declaredData({ rules, columns }: RequestSubject): readonly PolicyData[] {
  return askedColumns({ rules, columns, claims: [] })
    .filter(({ key }) => key !== OTHER_KEY)
    .flatMap((column) => bothShapes(DEFAULT_REPOSITORY, column));
}

/** Normal requests: every key and an unknown one, in both path formats and in other repositories. */
function plainData(subject: RequestSubject): readonly PolicyData[] {
  return askedColumns(subject).flatMap((column) => [
    ...bothShapes(DEFAULT_REPOSITORY, column),
    ...OTHER_REPOSITORIES.flatMap((repository) => bothShapes(repository, column)),
  ]);
}

/** Requests that no KBS makes and that a policy must deny. */
function oddData(subject: RequestSubject): readonly PolicyData[] {
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

/** A pod without any grants. */
const stranger: AttestedReader = { initData: STRANGER, binding: "azure-vtpm" };

/** The claims of pods and rules, with the bindings that the rules give them. */
function knownReaders({ claims, rules }: RequestSubject): readonly AttestedReader[] {
  const named = listGrants(rules.secrets).map(({ initData, binding }) => ({ initData, binding }));
  const known = new Set(named.map(({ initData }) => initData));
  const rest = claims.filter((claim) => !known.has(claim));
  return uniqueBy(
    [...named, ...rest.map((initData): AttestedReader => ({ initData, binding: "azure-vtpm" }))],
    ({ initData, binding }) => `${binding} ${initData}`,
  );
}

/** The tokens of the pods and of a stranger, all affirming. */
function plainTokens(subject: RequestSubject): readonly unknown[] {
  return [...knownReaders(subject), stranger].map(({ initData, binding }) =>
    cpu("affirming", initData, binding),
  );
}

function product(data: readonly PolicyData[], tokens: readonly unknown[]): AccessRequest[] {
  return data.flatMap((one) => tokens.map((token) => ({ data: one, token })));
}

/**
 * The number of pods and secrets for malformed requests. More are not needed: the policy treats all alike, as
 * rows of a table.
 */
const FEW = 4;

/** A few pods and secrets, granted ones first; of a small stack, all. */
function few({ rules, claims, columns }: RequestSubject): RequestSubject {
  const secrets = Object.fromEntries(Object.entries(rules.secrets).slice(0, FEW));
  const readers = listGrants(secrets).map(({ initData }) => initData);
  const restricted = columns.filter(({ secret }) => Object.hasOwn(secrets, secret));
  const others = columns.filter(({ secret }) => !Object.hasOwn(rules.secrets, secret));
  return {
    rules: { ...rules, secrets },
    claims: [...new Set([...[...new Set(readers)].slice(0, FEW), ...claims.slice(0, FEW)])],
    columns: [...restricted.slice(0, FEW), ...others.slice(0, FEW)],
  };
}

/** Tokens that open nothing, so a malformed path that opens shows at once. */
const emptyTokens: readonly unknown[] = [
  {},
  { submods: {} },
  { submods: { cpu0: {} } },
  { submods: { cpu0: { "ear.status": "affirming" } } },
  cpu("none", STRANGER, "azure-vtpm"),
];

/** Every restricted secret's readers, with keys and repositories that they are not granted. */
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

/** A reader of a secret and a key, one granted to it if known. */
interface Pair {
  readonly column: Column;
  readonly reader: AttestedReader;
}

/**
 * Pairs that cover every secret and every reader once: a secret with one of its readers, else with a
 * stranger. There are at most as many as secrets and readers together.
 */
function pairs({ rules, columns }: RequestSubject): readonly Pair[] {
  const declared = new Map(columns.map(({ secret, key }) => [secret, key]));
  const met = new Set<string>();
  return Object.entries(rules.secrets).flatMap(([secret, keys]): Pair[] => {
    const granted = Object.entries(keys).flatMap(([key, readers]) =>
      listReaders(readers).map(({ initData, binding }): Pair => {
        const asked = key === EVERY_KEY ? (declared.get(secret) ?? OTHER_KEY) : key;
        return { column: { secret, key: asked }, reader: { initData, binding } };
      }),
    );
    const [first] = granted;
    if (first === undefined) {
      return [{ column: { secret, key: declared.get(secret) ?? OTHER_KEY }, reader: stranger }];
    }
    const chosen = granted.filter(({ reader }, index) => index === 0 || !met.has(reader.initData));
    for (const { reader } of chosen) met.add(reader.initData);
    return chosen;
  });
}

/**
 * For every secret: every malformed token, and every malformed path with a reader's token. A policy may treat
 * any secret specially. Secrets of the full cross product are left out.
 */
function oddEverywhere(subject: RequestSubject, asked: RequestSubject): readonly AccessRequest[] {
  const rest = pairs(subject).filter(
    ({ column, reader }) =>
      !Object.hasOwn(asked.rules.secrets, column.secret) || !asked.claims.includes(reader.initData),
  );
  return rest.flatMap(({ column, reader }) => [
    ...product(bothShapes(DEFAULT_REPOSITORY, column), oddTokens(reader)),
    ...product(
      oddPaths(column).flatMap((path) => [{ "resource-path": path, plugin: "resource" }]),
      [cpu("affirming", reader.initData, reader.binding)],
    ),
  ]);
}

/**
 * All requests to ask:
 * - every pod × every key, in both path formats;
 * - every reader × keys that it is not granted;
 * - each secret and each reader × malformed tokens and paths;
 * - for a few pods and secrets (all of a small stack), the full cross product.
 */
export function accessRequests(subject: RequestSubject): readonly AccessRequest[] {
  const some = few(subject);
  const odd = knownReaders(some).filter(({ initData }) => some.claims.includes(initData));
  return [
    ...product(declaredData(subject), plainTokens(subject)),
    ...besideGrants(subject),
    ...product(plainData(some), [...plainTokens(some), ...odd.flatMap(oddTokens)]),
    ...product(oddData(some), [...plainTokens(some), ...emptyTokens]),
    ...oddEverywhere(subject, some),
  ];
}
