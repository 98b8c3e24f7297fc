import {
  ANY_TEE,
  EVERY_KEY,
  formerName,
  listGrants,
  mergeGrants,
  readerNames,
  type StackGrants,
} from "../policy/grants.ts";
import { readRules, type SaidRules } from "../policy/intact.ts";
import { parseRegistry, type Before } from "../policy/registry.ts";
import { lineOf, stacksAfterJoin } from "../policy/share.ts";
import { isStockPolicy } from "../policy/stock.ts";
import { shownName } from "../policy/shown-name.ts";
import { byName } from "../records.ts";
import type { AccessMatrix, Column } from "./matrix.ts";
import { affirmingToken } from "./token.ts";
import { decide, DEFAULT_REPOSITORY, type AccessRules, type Decision } from "./model.ts";
import type { Claimant } from "./token.ts";
import { otherReaderName, otherReaderPath, otherReaders } from "./other-readers.ts";

/** In place of a pod: every pod that attests well and is none of the stack's. */
const EVERY_OTHER_POD = "every other pod";

/** In place of `secret/key`: whatever no stack restricts and no column shows. */
const EVERY_OTHER_SECRET = "every other secret";

/** Why a cell was as it was; `unknown`: the live policy was edited by hand, and does not do what it says of itself. */
type FormerWhy = Decision["why"] | "unknown";

/** A cell that a deployment changes. */
export interface AccessChange {
  readonly effect: "opens" | "closes";
  /** The pod's name, or {@link EVERY_OTHER_POD}. */
  readonly pod: string;
  /** `secret/key`, `secret/*` for its every key, or {@link EVERY_OTHER_SECRET}. */
  readonly path: string;
  readonly before: FormerWhy;
  readonly after: Decision["why"];
}

/** A cell that opens or closes, by whatever comparison. */
export interface CellChange extends Pick<AccessChange, "effect" | "pod" | "path"> {
  /** In words that this program knows, never in somebody else's. */
  readonly before: string;
  readonly after: string;
}

/** A pod with a claim that no pod makes. */
const NOBODY: Claimant = { initData: "", binding: "azure-vtpm" };

/** What is compared: somebody by a name, with the claims of before and of after. */
interface Compared {
  readonly pod: string;
  readonly before: readonly Claimant[];
  readonly after: readonly Claimant[];
}

/** The columns to compare: the matrix's, and what was restricted before and is not declared any more. */
function columnsOf(matrix: AccessMatrix, former: StackGrants["secrets"]): readonly Column[] {
  const declared = new Map(matrix.columns.map((column) => [`${column.secret}/${column.key}`, column]));
  const secrets = new Set(matrix.columns.map(({ secret }) => secret));
  for (const [secret, keys] of Object.entries(former)) {
    const named = Object.keys(keys).filter((key) => key !== EVERY_KEY);
    const vanished = secrets.has(secret) ? named : [...named, EVERY_KEY];
    for (const key of vanished) {
      if (!declared.has(`${secret}/${key}`)) declared.set(`${secret}/${key}`, { secret, key });
    }
  }
  return [...declared.values()];
}

/** Pod -> what it claimed before, by the stack's former grants. */
function claimsOf(former: StackGrants | undefined): ReadonlyMap<string, readonly Claimant[]> {
  const grants = listGrants(former?.secrets ?? {}).flatMap((grant) =>
    readerNames(grant.reader).map((reader) => ({ ...grant, reader })),
  );
  return Map.groupBy(grants, ({ reader }) => reader);
}

/**
 * A pod that is deployed here is the same one with other initdata. Of whoever is deployed elsewhere nothing is known but the
 * claim: another claim under the same name is somebody else.
 */
function comparedRows(
  matrix: AccessMatrix,
  formerClaims: ReadonlyMap<string, readonly Claimant[]>,
  deployed: ReadonlySet<string>,
): readonly Compared[] {
  const present = new Set(matrix.rows.map(({ pod }) => pod));
  const known = new Set([...formerClaims.values()].flat().map(({ initData }) => initData));
  const removed = [...formerClaims].filter(([name]) => !present.has(name)).sort(byName);
  return [
    ...matrix.rows.flatMap(({ pod, initData, binding }): Compared[] => {
      // What an older release wrote does not say of which TEE it is: the one that it has now.
      const former = (formerClaims.get(pod) ?? []).map((claim) =>
        claim.binding === ANY_TEE ? { ...claim, binding } : claim,
      );
      const current: readonly Claimant[] = [{ initData, binding }];
      // One that is new to initdata which others were granted something by did not have it before.
      const before = former.length > 0 || known.has(initData) ? former : current;
      if (deployed.has(pod)) return [{ pod, before, after: current }];
      return [
        { pod, before: current, after: current },
        ...(former.length > 0 ? [{ pod: formerName(pod), before: former, after: former }] : []),
      ];
    }),
    ...removed.map(([pod, before]) => ({ pod, before, after: [] })),
    { pod: EVERY_OTHER_POD, before: [], after: [] },
  ];
}

/** The best that any of the claims gets. */
function decideAny(rules: AccessRules, claims: readonly Claimant[], { secret, key }: Column): Decision {
  const data = { "resource-path": [DEFAULT_REPOSITORY, secret, key], plugin: "resource" };
  const ask = ({ initData, binding }: Claimant): Decision =>
    decide(rules, data, affirmingToken(initData, binding));
  const all = claims.map(ask);
  return all.find(({ allowed }) => allowed) ?? all[0] ?? ask(NOBODY);
}

/** What a cell was: open only if the live policy both says so and does so. */
function formerDecision(
  { said, done }: SaidRules,
  claims: readonly Claimant[],
  column: Column,
): { readonly allowed: boolean; readonly why: FormerWhy } {
  const saying = decideAny(said, claims, column);
  const doing = decideAny(done, claims, column);
  if (!saying.allowed || doing.allowed) return saying;
  return { allowed: false, why: "unknown" };
}

/** What the stack's former grants, or the live table where that is another, restrict. */
function formerSecrets({ intact, done }: SaidRules, former: StackGrants | undefined): StackGrants["secrets"] {
  return { ...(intact ? {} : done.secrets), ...former?.secrets };
}

/** Of somebody else's policy it is not known what it allows: it may have allowed anything, and is counted on for nothing. */
const foreignRules: SaidRules = {
  said: { others: "affirming", secrets: {} },
  intact: false,
  done: { others: "deny", secrets: {} },
};

/** What a live policy allows, as far as it is known; undefined where every pod that attests well may read everything. */
function liveRules(live: string): SaidRules | undefined {
  return readRules(live) ?? (isStockPolicy(live) ? undefined : foreignRules);
}

/**
 * What deploying `own` does to who may read what, compared with the policy that is live: the opened cells first. Pods that
 * are deployed here are compared by their names, so that new initdata alone is no change; readers that are deployed elsewhere
 * by their claims. A pod that is new reads what nobody restricts as every other pod does already; that is no change either.
 * Where the live policy does not do what it says of itself, whatever other stacks grant on this stack's secrets counts as opened;
 * where it is somebody else's, whatever ours will allow.
 * @param live the policy that is deployed. Where there is none, or one that an operator installs, nothing opens: no changes then
 * @param matrix what will be, of `own` merged into `live`
 * @param deployed the pods that this stack deploys
 */
export function accessChanges(
  live: Before,
  own: StackGrants,
  matrix: AccessMatrix,
  deployed: readonly string[],
): readonly AccessChange[] {
  const before = live === null ? undefined : liveRules(live);
  if (live === null || before === undefined) return [];
  const former = lineOf(live, own);
  const after = mergeGrants(stacksAfterJoin(live, own));
  const change = (
    pod: string,
    path: string,
    was: ReturnType<typeof formerDecision>,
    will: Decision,
  ): AccessChange[] =>
    was.allowed === will.allowed
      ? []
      : [{ effect: will.allowed ? "opens" : "closes", pod, path, before: was.why, after: will.why }];
  const columns = columnsOf(matrix, formerSecrets(before, former));
  const cells = comparedRows(matrix, claimsOf(former), new Set(deployed)).flatMap((row) =>
    columns.flatMap((column) =>
      change(
        row.pod,
        `${column.secret}/${column.key}`,
        formerDecision(before, row.before, column),
        decideAny(after, row.after, column),
      ),
    ),
  );
  const others = { secret: EVERY_OTHER_SECRET, key: EVERY_OTHER_SECRET };
  const rest = change(
    EVERY_OTHER_POD,
    EVERY_OTHER_SECRET,
    formerDecision(before, [], others),
    decideAny(after, [], others),
  );
  const byOthers = before.intact
    ? []
    : otherReaders(live, own).map((other): AccessChange => ({
        effect: "opens",
        pod: otherReaderName(other),
        path: otherReaderPath(other),
        before: "unknown",
        after: "granted",
      }));
  const all = [...cells, ...rest, ...byOthers];
  return [
    ...all.filter(({ effect }) => effect === "opens"),
    ...all.filter(({ effect }) => effect === "closes"),
  ];
}

/**
 * Why a comparison with the live policy cannot be trusted. `edited`: it is not what its own lines come to; `foreign`: it is neither
 * this project's nor one that an operator installs.
 */
export const doubts = ["edited", "foreign"] as const;
export type Doubt = (typeof doubts)[number];

/** What has to be said of the live policy itself. */
export function policyDoubts(live: Before): readonly Doubt[] {
  const rules = live === null ? undefined : liveRules(live);
  if (live === null || rules === undefined || rules.intact) return [];
  return [parseRegistry(live) === undefined ? "foreign" : "edited"];
}

export const doubtWords: Readonly<Record<Doubt, string>> = {
  edited:
    "the live policy was edited by hand, or written by another release: what it allows now is not known from its comments",
  foreign:
    "the live policy is not this project's, nor one that an operator installs: it is replaced, and what it allows now is not known",
};

/** A doubt as a line: `UNKNOWN the live policy was ...`. */
export function doubtLine(doubt: Doubt): string {
  return `UNKNOWN ${doubtWords[doubt]}`;
}

/** A change, or a doubt about all of them, as a stack puts it out. */
export type ChangeRecord =
  | {
      readonly effect: "OPENS" | "closes";
      /** See {@link AccessChange}. */
      readonly pod: string;
      /** `secret/key`: see {@link AccessChange.path}. */
      readonly secret: string;
      readonly before: FormerWhy;
      readonly after: Decision["why"];
    }
  | { readonly effect: "UNKNOWN"; readonly doubt: Doubt };

/** What a preview puts out for machines: the doubts, then the changes. */
export function changeRecords(
  found: readonly Doubt[],
  changes: readonly AccessChange[],
): readonly ChangeRecord[] {
  return [
    ...found.map((doubt) => ({ effect: "UNKNOWN", doubt }) as const),
    ...changes.map(
      ({ effect, path, ...change }) =>
        ({ ...change, effect: effect === "opens" ? "OPENS" : "closes", secret: path }) as const,
    ),
  ];
}

/** Why a cell is as it is, in a word or two. */
export const decisionWords: Readonly<Record<FormerWhy, string>> = {
  granted: "granted",
  "not-restricted": "nobody restricts it",
  "no-resource": "no resource",
  "not-affirming": "does not attest",
  "not-a-reader": "not among its readers",
  "others-denied": "everything else is denied",
  unknown: "not known",
};

/** So much of a name is shown of a cell: a whole one of Kubernetes, but not of whoever forged a line of the policy. */
const LONGEST = 512;

/** A cell that opens or closes, its reasons in words, as a line. */
export function cellLine({ effect, pod, path, before, after }: CellChange): string {
  const word = effect === "opens" ? "OPENS  " : "closes ";
  return `${word} ${shownName(pod, LONGEST)} -> ${shownName(path, LONGEST)} (was: ${before}; will be: ${after})`;
}

/** One change as a line: `OPENS   pod3 -> p2-secret/secret (was: not among its readers; will be: granted)`. */
export function changeLine(change: AccessChange): string {
  return cellLine(inWords(change));
}

/** A change with its reasons in words. */
export function inWords({ before, after, ...change }: AccessChange): CellChange {
  return { ...change, before: decisionWords[before], after: decisionWords[after] };
}
