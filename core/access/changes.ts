import { EVERY_KEY, mergeGrants, type StackGrants } from "../policy/grants.ts";
import { parseRegistry, type Before } from "../policy/registry.ts";
import { stacksAfterJoin } from "../policy/share.ts";
import { affirmingToken, type AccessMatrix, type Column, type Row } from "./matrix.ts";
import { decide, DEFAULT_REPOSITORY, type AccessRules, type Decision } from "./model.ts";

/** In place of a pod: every pod that attests well and is none of the stack's. */
export const EVERY_OTHER_POD = "every other pod";

/** In place of `secret/key`: whatever no stack restricts and no column shows. */
export const EVERY_OTHER_SECRET = "every other secret";

/** A cell that a deployment changes. */
export interface AccessChange {
  readonly effect: "opens" | "closes";
  /** The pod's name, or {@link EVERY_OTHER_POD}. */
  readonly pod: string;
  /** `secret/key`, `secret/*` for its every key, or {@link EVERY_OTHER_SECRET}. */
  readonly path: string;
  readonly before: Decision["why"];
  readonly after: Decision["why"];
}

/** A claim that no pod makes. */
const NOBODY = "";

/** The columns to compare: the matrix's, and what the stack restricted before and does not declare any more. */
function columnsOf(matrix: AccessMatrix, former: StackGrants | undefined): readonly Column[] {
  const declared = new Map(matrix.columns.map((column) => [`${column.secret}/${column.key}`, column]));
  const secrets = new Set(matrix.columns.map(({ secret }) => secret));
  for (const [secret, keys] of Object.entries(former?.secrets ?? {})) {
    const named = Object.keys(keys).filter((key) => key !== EVERY_KEY);
    const vanished = secrets.has(secret) ? named : [...named, EVERY_KEY];
    for (const key of vanished) {
      if (!declared.has(`${secret}/${key}`)) declared.set(`${secret}/${key}`, { secret, key });
    }
  }
  return [...declared.values()];
}

/** Pod -> what it claimed before, by the stack's former grants. */
function claimsOf(former: StackGrants | undefined): ReadonlyMap<string, readonly string[]> {
  const claims = new Map<string, Set<string>>();
  for (const readers of Object.values(former?.secrets ?? {}).flatMap((keys) => Object.values(keys))) {
    for (const [initData, name] of Object.entries(readers)) {
      const known = claims.get(name);
      if (known === undefined) claims.set(name, new Set([initData]));
      else known.add(initData);
    }
  }
  return new Map([...claims].map(([name, all]) => [name, [...all]]));
}

/** The pods that the former grants name and the matrix does not: they read nothing from now on. */
function removedPods(matrix: AccessMatrix, formerClaims: ReadonlyMap<string, unknown>): readonly Row[] {
  const present = new Set(matrix.rows.map(({ pod }) => pod));
  return [...formerClaims.keys()]
    .filter((name) => !present.has(name))
    .sort()
    .map((pod) => ({ pod, namespace: "", initData: NOBODY }));
}

/** The best that any of the claims gets. */
function decideAny(rules: AccessRules, claims: readonly string[], { secret, key }: Column): Decision {
  const data = { "resource-path": [DEFAULT_REPOSITORY, secret, key], plugin: "resource" };
  const all = claims.map((claim) => decide(rules, data, affirmingToken(claim)));
  return all.find(({ allowed }) => allowed) ?? all[0] ?? decide(rules, data, affirmingToken(NOBODY));
}

function change(pod: string, path: string, before: Decision, after: Decision): AccessChange[] {
  if (before.allowed === after.allowed) return [];
  return [{ effect: after.allowed ? "opens" : "closes", pod, path, before: before.why, after: after.why }];
}

/**
 * What deploying `own` does to who may read what, compared with the policy that is live: the opened cells first. Pods are
 * compared by their names, so that new initdata alone is no change. A pod that is new reads what nobody restricts as
 * every other pod does already; that is no change either.
 * @param live the policy that is deployed. Nothing can be compared with a policy that is not this project's: no changes then
 * @param matrix what will be, of `own` merged into `live`
 */
export function accessChanges(live: Before, own: StackGrants, matrix: AccessMatrix): readonly AccessChange[] {
  const registry = live === null ? undefined : parseRegistry(live);
  if (live === null || registry === undefined || registry.stacks.length === 0) return [];
  const former = registry.stacks.find(({ stack }) => stack === own.stack);
  const before = mergeGrants(registry.stacks);
  const after = mergeGrants(stacksAfterJoin(live, own));
  const formerClaims = claimsOf(former);
  const columns = columnsOf(matrix, former);
  const rows: readonly Row[] = [
    ...matrix.rows,
    ...removedPods(matrix, formerClaims),
    { pod: EVERY_OTHER_POD, namespace: "", initData: NOBODY },
  ];
  const cells = rows.flatMap((row) =>
    columns.flatMap((column) =>
      change(
        row.pod,
        `${column.secret}/${column.key}`,
        decideAny(before, formerClaims.get(row.pod) ?? [row.initData], column),
        decideAny(after, [row.initData], column),
      ),
    ),
  );
  const others = { secret: EVERY_OTHER_SECRET, key: EVERY_OTHER_SECRET };
  const rest = change(
    EVERY_OTHER_POD,
    EVERY_OTHER_SECRET,
    decideAny(before, [], others),
    decideAny(after, [], others),
  );
  const all = [...cells, ...rest];
  return [
    ...all.filter(({ effect }) => effect === "opens"),
    ...all.filter(({ effect }) => effect === "closes"),
  ];
}

/** Why a cell is as it is, in a word or two. */
export const decisionWords: Readonly<Record<Decision["why"], string>> = {
  granted: "granted",
  "not-restricted": "nobody restricts it",
  "no-resource": "no resource",
  "not-affirming": "does not attest",
  "not-a-reader": "not among its readers",
  "others-denied": "everything else is denied",
};

/** One change as a line: `OPENS   pod3 -> p2-secret/secret (was: not among its readers; will be: granted)`. */
export function changeLine({ effect, pod, path, before, after }: AccessChange): string {
  const word = effect === "opens" ? "OPENS  " : "closes ";
  return `${word} ${pod} -> ${path} (was: ${decisionWords[before]}; will be: ${decisionWords[after]})`;
}
