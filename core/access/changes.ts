import {
  ANY_TEE,
  EVERY_KEY,
  previousName,
  listGrants,
  mergeGrants,
  readerNames,
  type StackGrants,
  type AccessRules,
} from "../policy/grants.ts";
import { readRules, type SaidRules } from "../policy/intact.ts";
import { parseRegistry, type Before } from "../policy/registry.ts";
import { lineOf, stacksAfterJoin } from "../policy/share.ts";
import { isStockPolicy } from "../policy/stock.ts";
import { shownName } from "../shown.ts";
import { byName } from "../records.ts";
import type { AccessMatrix, Column } from "./matrix.ts";
import { decideFor, type AttestedReader, type Decision } from "./model.ts";
import { otherReaderName, otherReaderPath, otherReaders } from "./other-readers.ts";

/** In place of a pod: every affirming pod that is not this stack's. */
const EVERY_OTHER_POD = "every other pod";

/** In place of `secret/key`: every secret that no stack restricts and no column shows. */
const EVERY_OTHER_SECRET = "every other secret";

/** The reason for a cell's previous state. `unknown`: the live policy's rules do not match its lines. */
type PreviousWhy = Decision["why"] | "unknown";

/** A cell that a deployment changes. */
export interface AccessChange {
  readonly effect: "opens" | "closes";
  /** The pod's name, or {@link EVERY_OTHER_POD}. */
  readonly pod: string;
  /** `secret/key`, `secret/*` for all keys, or {@link EVERY_OTHER_SECRET}. */
  readonly path: string;
  readonly before: PreviousWhy;
  readonly after: Decision["why"];
}

/** A cell that opens or closes, from any comparison. */
export interface CellChange extends Pick<AccessChange, "effect" | "pod" | "path"> {
  /** In this program's words, never in quoted text. */
  readonly before: string;
  readonly after: string;
}

/** A pod whose claim no real pod has. */
const NOBODY: AttestedReader = { initData: "", binding: "azure-vtpm" };

/** A pod or reader with its claims before and after. */
interface Compared {
  readonly pod: string;
  readonly before: readonly AttestedReader[];
  readonly after: readonly AttestedReader[];
}

/** The columns to compare: those of the matrix, and those that are no longer restricted. */
function columnsOf(matrix: AccessMatrix, previous: StackGrants["secrets"]): readonly Column[] {
  const declared = new Map(matrix.columns.map((column) => [`${column.secret}/${column.key}`, column]));
  const secrets = new Set(matrix.columns.map(({ secret }) => secret));
  for (const [secret, keys] of Object.entries(previous)) {
    const named = Object.keys(keys).filter((key) => key !== EVERY_KEY);
    const vanished = secrets.has(secret) ? named : [...named, EVERY_KEY];
    for (const key of vanished) {
      if (!declared.has(`${secret}/${key}`)) declared.set(`${secret}/${key}`, { secret, key });
    }
  }
  return [...declared.values()];
}

/** Pod -> its previous claims, from the stack's previous grants. */
function claimsOf(previous: StackGrants | undefined): ReadonlyMap<string, readonly AttestedReader[]> {
  const grants = listGrants(previous?.secrets ?? {}).flatMap((grant) =>
    readerNames(grant.reader).map((reader) => ({ ...grant, reader })),
  );
  return Map.groupBy(grants, ({ reader }) => reader);
}

/**
 * The rows to compare. A pod deployed here stays the same pod with new initdata. A reader deployed elsewhere
 * is known only by its claim: another claim is another reader.
 */
function comparedRows(
  matrix: AccessMatrix,
  previousClaims: ReadonlyMap<string, readonly AttestedReader[]>,
  deployed: ReadonlySet<string>,
): readonly Compared[] {
  const present = new Set(matrix.rows.map(({ pod }) => pod));
  const known = new Set([...previousClaims.values()].flat().map(({ initData }) => initData));
  const removed = [...previousClaims].filter(([name]) => !present.has(name)).sort(byName);
  return [
    ...matrix.rows.flatMap(({ pod, initData, binding }): Compared[] => {
      // An older release did not record the TEE: assume the current one.
      const previous = (previousClaims.get(pod) ?? []).map((claim) =>
        claim.binding === ANY_TEE ? { ...claim, binding } : claim,
      );
      const current: readonly AttestedReader[] = [{ initData, binding }];
      // A pod that is new to an already granted initdata did not have it before.
      const before = previous.length > 0 || known.has(initData) ? previous : current;
      if (deployed.has(pod)) return [{ pod, before, after: current }];
      return [
        { pod, before: current, after: current },
        ...(previous.length > 0 ? [{ pod: previousName(pod), before: previous, after: previous }] : []),
      ];
    }),
    ...removed.map(([pod, before]) => ({ pod, before, after: [] })),
    { pod: EVERY_OTHER_POD, before: [], after: [] },
  ];
}

/** The most permissive decision for any of the claims. */
function decideAny(rules: AccessRules, claims: readonly AttestedReader[], column: Column): Decision {
  const all = claims.map((reader) => decideFor(rules, column, reader));
  return all.find(({ allowed }) => allowed) ?? all[0] ?? decideFor(rules, column, NOBODY);
}

/** The previous state of a cell: open only if both the lines and the rules of the live policy allow it. */
function previousDecision(
  { said, done }: SaidRules,
  claims: readonly AttestedReader[],
  column: Column,
): { readonly allowed: boolean; readonly why: PreviousWhy } {
  const saying = decideAny(said, claims, column);
  const doing = decideAny(done, claims, column);
  if (!saying.allowed || doing.allowed) return saying;
  return { allowed: false, why: "unknown" };
}

/** The secrets that the stack's previous grants restricted; or the live table, if that does not match. */
function previousSecrets(
  { intact, done }: SaidRules,
  previous: StackGrants | undefined,
): StackGrants["secrets"] {
  return { ...(intact ? {} : done.secrets), ...previous?.secrets };
}

/** A foreign policy may have allowed anything, so nothing counts as allowed. */
const foreignRules: SaidRules = {
  said: { others: "affirming", secrets: {} },
  intact: false,
  done: { others: "deny", secrets: {} },
};

/** The known rules of the live policy; undefined if every affirming pod may read everything. */
function liveRules(live: string): SaidRules | undefined {
  return readRules(live) ?? (isStockPolicy(live) ? undefined : foreignRules);
}

/**
 * The changes in access if `own` is deployed, opened cells first.
 * - Pods deployed here are compared by name, so new initdata alone is no change.
 * - Readers deployed elsewhere are compared by claim.
 * - A new pod reads unrestricted secrets as every other pod does: no change.
 * - If the live policy does not match its lines, grants of other stacks on this stack's secrets count as
 *   opened.
 * - Grants of a restored line on this stack's secrets count as opened.
 * - If it is a foreign policy, everything that the new one allows counts as opened.
 * @param live the deployed policy. No policy, or an operator's stock policy: nothing opens, so no changes.
 * @param matrix the result of merging `own` into `live`
 * @param deployed the pods that this stack deploys
 * @param vanished lines of other stacks that the live policy lost, and that the write restores
 */
export function accessChanges(
  live: Before,
  own: StackGrants,
  matrix: AccessMatrix,
  deployed: readonly string[],
  vanished: readonly StackGrants[] = [],
): readonly AccessChange[] {
  const before = live === null ? undefined : liveRules(live);
  if (live === null || before === undefined) return [];
  // Match by name too: a stack that takes over a line changes what it allowed.
  const previous = lineOf(live, own) ?? lineOf(live, own.stack);
  const after = mergeGrants(stacksAfterJoin(live, own, vanished));
  const change = (
    pod: string,
    path: string,
    was: ReturnType<typeof previousDecision>,
    will: Decision,
  ): AccessChange[] =>
    was.allowed === will.allowed
      ? []
      : [{ effect: will.allowed ? "opens" : "closes", pod, path, before: was.why, after: will.why }];
  const columns = columnsOf(matrix, previousSecrets(before, previous));
  const cells = comparedRows(matrix, claimsOf(previous), new Set(deployed)).flatMap((row) =>
    columns.flatMap((column) =>
      change(
        row.pod,
        `${column.secret}/${column.key}`,
        previousDecision(before, row.before, column),
        decideAny(after, row.after, column),
      ),
    ),
  );
  const others = { secret: EVERY_OTHER_SECRET, key: EVERY_OTHER_SECRET };
  const rest = change(
    EVERY_OTHER_POD,
    EVERY_OTHER_SECRET,
    previousDecision(before, [], others),
    decideAny(after, [], others),
  );
  // Grants in an intact policy are open already, except those of a restored line.
  const byOthers = otherReaders(before.intact ? null : live, own, vanished).flatMap(
    (other): AccessChange[] => {
      const was = previousDecision(before, [other], other);
      if (before.intact && was.allowed) return [];
      return [
        {
          effect: "opens",
          pod: otherReaderName(other),
          path: otherReaderPath(other),
          before: before.intact ? was.why : "unknown",
          after: "granted",
        },
      ];
    },
  );
  const all = [...cells, ...rest, ...byOthers];
  return [
    ...all.filter(({ effect }) => effect === "opens"),
    ...all.filter(({ effect }) => effect === "closes"),
  ];
}

/**
 * Why the comparison with the live policy is unreliable. `edited`: its rules do not match its lines.
 * `foreign`: neither this project nor an operator wrote it.
 */
export const doubts = ["edited", "foreign"] as const;
export type Doubt = (typeof doubts)[number];

export function policyDoubts(live: Before): readonly Doubt[] {
  const rules = live === null ? undefined : liveRules(live);
  if (live === null || rules === undefined || rules.intact) return [];
  return [parseRegistry(live) === undefined ? "foreign" : "edited"];
}

export const doubtWords: Readonly<Record<Doubt, string>> = {
  edited: "the live policy was edited by hand, or written by another release: what it allows now is unknown",
  foreign: "the live policy is foreign, and will be replaced: what the foreign policy allows now is unknown",
};

/** For example `UNKNOWN the live policy was ...`. */
export function doubtLine(doubt: Doubt): string {
  return `UNKNOWN ${doubtWords[doubt]}`;
}

/** A change, or what is unknown about all of them, as a stack output. */
export type ChangeRecord =
  | {
      readonly effect: "OPENS" | "closes";
      readonly pod: string;
      /** `secret/key`: see {@link AccessChange.path}. */
      readonly secret: string;
      readonly before: PreviousWhy;
      readonly after: Decision["why"];
    }
  | { readonly effect: "UNKNOWN"; readonly doubt: Doubt };

/** The stack output of a preview: what is unknown, then the changes. */
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

export const decisionWords: Readonly<Record<PreviousWhy, string>> = {
  granted: "granted",
  "not-restricted": "nobody restricts it",
  "no-resource": "no resource",
  "not-affirming": "does not attest",
  "not-a-reader": "not among its readers",
  "others-denied": "everything else is denied",
  unknown: "not known",
};

/** The maximum length of a name in a cell: enough for Kubernetes names, not for names in a forged line. */
const LONGEST = 512;

/** A changed cell as a line, with its reasons. */
export function cellLine({ effect, pod, path, before, after }: CellChange): string {
  const word = effect === "opens" ? "OPENS  " : "closes ";
  return `${word} ${shownName(pod, LONGEST)} -> ${shownName(path, LONGEST)} (was: ${before}; will be: ${after})`;
}

/** For example `OPENS   pod3 -> p2-secret/secret (was: not among its readers; will be: granted)`. */
export function changeLine(change: AccessChange): string {
  return cellLine(inWords(change));
}

export function inWords({ before, after, ...change }: AccessChange): CellChange {
  return { ...change, before: decisionWords[before], after: decisionWords[after] };
}
