import {
  cellLine,
  decisionWords,
  doubtLine,
  inWords,
  type CellChange,
  type ChangeRecord,
  type Doubt,
} from "../../core/access/changes.ts";
import type { InitdataChange } from "./readers.ts";
import type { AccessReport } from "../../core/access/matrix.ts";
import { allowedReasons, type Decision } from "../../core/access/model.ts";
import { otherReaderLine, type OtherReader } from "../../core/access/other-readers.ts";
import { own } from "../../core/records.ts";
import { shownLine, shownName } from "../../core/shown.ts";

type Why = Decision["why"];

/** The reason for a cell that did not or will not exist. */
const ABSENT = "not in the matrix";

/** Whether a cell with this reason may read. A missing cell may not. */
export function isAllowed(why: Why | undefined): boolean {
  return allowedReasons.some((reason) => reason === why);
}

function words(why: Why | undefined): string {
  return why === undefined ? ABSENT : decisionWords[why];
}

function cellOf(report: AccessReport, pod: string, path: string): Why | undefined {
  return own(own(report, pod), path);
}

function pathsOf(report: AccessReport): ReadonlySet<string> {
  return new Set(Object.values(report).flatMap((row) => Object.keys(row)));
}

/**
 * The changes between two matrices, opened cells first.
 * - A new pod that reads only what every attested pod may read is no change. A new secret that every attested
 *   pod may read is one.
 * - A secret that leaves the matrix does not close: who may read it afterwards is unknown.
 * @param before absent: nothing was deployed
 */
export function diffAccess(before: AccessReport | undefined, after: AccessReport): readonly CellChange[] {
  const old = before ?? {};
  const [oldPaths, newPaths] = [pathsOf(old), pathsOf(after)];
  const pods = [...new Set([...Object.keys(after), ...Object.keys(old)])];
  const changes = pods.flatMap((pod) =>
    [...newPaths, ...[...oldPaths].filter((path) => !newPaths.has(path))].flatMap((path): CellChange[] => {
      const [was, will] = [cellOf(old, pod, path), cellOf(after, pod, path)];
      const change = { pod, path, before: words(was), after: words(will) };
      if (isAllowed(will) && !isAllowed(was)) {
        const isNewPod = !Object.hasOwn(old, pod) && oldPaths.has(path);
        return isNewPod && will === "not-restricted" ? [] : [{ effect: "opens", ...change }];
      }
      const leaves = will === undefined && !newPaths.has(path);
      return isAllowed(was) && !isAllowed(will) && !leaves ? [{ effect: "closes", ...change }] : [];
    }),
  );
  return sortChanges(changes);
}

function sortChanges(changes: readonly CellChange[]): readonly CellChange[] {
  return [
    ...changes.filter(({ effect }) => effect === "opens"),
    ...changes.filter(({ effect }) => effect === "closes"),
  ];
}

/**
 * Merges the changes with those that the program found against the live policy, for example for pods of other
 * stacks. Each cell occurs once.
 * @param records the program's output `accessChanges`
 */
export function withProgramChanges(
  changes: readonly CellChange[],
  records: readonly ChangeRecord[],
): readonly CellChange[] {
  const programs = records.flatMap((record): readonly CellChange[] => {
    if (record.effect === "UNKNOWN") return [];
    const { effect, secret: path, ...change } = record;
    return [inWords({ ...change, path, effect: effect === "OPENS" ? "opens" : "closes" })];
  });
  const all = [...changes, ...programs];
  const byCell = new Map<string, CellChange>();
  for (const change of all) {
    const cell = JSON.stringify([change.pod, change.path]);
    const known = byCell.get(cell);
    // A cell that opens in any comparison opens.
    if (known === undefined || (known.effect === "closes" && change.effect === "opens"))
      byCell.set(cell, change);
  }
  return sortChanges([...byCell.values()]);
}

/** Why the program could not compare with the live policy. */
export function doubtsIn(records: readonly ChangeRecord[]): readonly Doubt[] {
  return records.flatMap((record) => (record.effect === "UNKNOWN" ? [record.doubt] : []));
}

/** The result of a comparison. */
export interface AccessDiff {
  readonly changes: readonly CellChange[];
  /** The stack's deployed pods with new initdata. */
  readonly initdata: readonly InitdataChange[];
  /** All readers of the stack's secrets by other stacks' grants, new or not. */
  readonly otherReaders: readonly OtherReader[];
  /** Why the live policy is unknown. */
  readonly doubts: readonly Doubt[];
}

function initdataText({ pod, files, wider }: InitdataChange): string {
  const changed = files.length === 0 ? "" : ` (${files.map((file) => shownName(file)).join(", ")})`;
  const name = `${shownName(pod)}${changed}`;
  return wider.length === 0
    ? name
    : `${name}, whose agent policy allows more: ${wider.map(shownLine).join("; ")}`;
}

/** The changes for a terminal. */
export function diffText({ changes, initdata, otherReaders, doubts }: AccessDiff): string {
  const cells = changes.map(cellLine);
  return [
    ...doubts.map(doubtLine),
    ...(cells.length === 0 ? ["No access changes."] : cells),
    ...initdata.map((change) => `new initdata for ${initdataText(change)}`),
    ...otherReaders.map(otherReaderLine),
  ].join("\n");
}
