import { decisionWords } from "./changes.ts";
import type { AccessReport } from "./matrix.ts";
import { allowedReasons, type Decision } from "./model.ts";

type Why = Decision["why"];

/** A cell that a deployment opens or closes. */
export interface CellChange {
  readonly effect: "opens" | "closes";
  readonly pod: string;
  /** `secret/key`. */
  readonly path: string;
  /** In words. */
  readonly before: string;
  readonly after: string;
}

/** In place of a reason: there was, or will be, no such cell. */
const ABSENT = "not in the matrix";

function isAllowed(why: Why | undefined): boolean {
  return allowedReasons.some((reason) => reason === why);
}

function words(why: Why | undefined): string {
  return why === undefined ? ABSENT : decisionWords[why];
}

function cellOf(report: AccessReport, pod: string, path: string): Why | undefined {
  const row = Object.hasOwn(report, pod) ? report[pod] : undefined;
  return row !== undefined && Object.hasOwn(row, path) ? row[path] : undefined;
}

function pathsOf(report: AccessReport): ReadonlySet<string> {
  return new Set(Object.values(report).flatMap((row) => Object.keys(row)));
}

/**
 * What changes from one matrix to another, the opened cells first. A new pod that may read what every attested pod may is
 * no change; a new secret that every attested pod may read is one. A secret that leaves the matrix is not said to close:
 * who may read it then, the matrix does not tell.
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

const LINE = /^(OPENS|closes) +(.+?) -> (.+?) \(was: (.+); will be: (.+)\)$/;

/** Reads a line that {@link changeLine} wrote. */
export function parseChangeLine(line: string): CellChange | undefined {
  const [, effect, pod, path, before, after] = LINE.exec(line) ?? [];
  if (pod === undefined || path === undefined || before === undefined || after === undefined)
    return undefined;
  return { effect: effect === "OPENS" ? "opens" : "closes", pod, path, before, after };
}

/**
 * The matrix's changes, and what the program found beside them by comparing with the live policy: what opens to pods that
 * are none of the stack's, say.
 */
export function withProgramChanges(
  changes: readonly CellChange[],
  lines: readonly string[],
): readonly CellChange[] {
  const known = new Set(changes.map(({ pod, path }) => `${pod} ${path}`));
  const more = lines
    .flatMap((line) => parseChangeLine(line) ?? [])
    .filter(({ pod, path }) => !known.has(`${pod} ${path}`));
  return sortChanges([...changes, ...more]);
}

function row(cells: readonly string[]): string {
  return `| ${cells.join(" | ")} |`;
}

function cell(why: Why | undefined, change: CellChange | undefined): string {
  if (why === undefined) return "";
  const sign = isAllowed(why) ? "✓ may read" : "✗ denied";
  return change === undefined ? sign : `**${sign}** (${change.effect})`;
}

function list(title: string, changes: readonly CellChange[]): string[] {
  if (changes.length === 0) return [];
  const lines = changes.map(
    ({ pod, path, before, after }) => `- \`${pod}\` → \`${path}\`: was ${before}; will be ${after}`,
  );
  return ["", `**${title}**`, "", ...lines];
}

function count(changes: readonly CellChange[], verb: string): string {
  return `${changes.length} cell${changes.length === 1 ? ` ${verb}s` : `s ${verb}`}`;
}

/** By this a comment is found again, so that there is one that is kept up to date. */
export const COMMENT_MARK = "<!-- trustee-access: the access matrix -->";

/** The matrix and its change as Markdown, for a comment. */
export function diffMarkdown(after: AccessReport, changes: readonly CellChange[]): string {
  const paths = [...pathsOf(after)];
  const changeAt = (pod: string, path: string): CellChange | undefined =>
    changes.find((change) => change.pod === pod && change.path === path);
  const opens = changes.filter(({ effect }) => effect === "opens");
  const closes = changes.filter(({ effect }) => effect === "closes");
  const table = [
    row(["pod", ...paths.map((path) => `\`${path}\``)]),
    row(["---", ...paths.map(() => "---")]),
    ...Object.keys(after).map((pod) =>
      row([`\`${pod}\``, ...paths.map((path) => cell(cellOf(after, pod, path), changeAt(pod, path)))]),
    ),
  ];
  return [
    COMMENT_MARK,
    "### Which pod may read which secret",
    "",
    ...table,
    "",
    changes.length === 0
      ? "This changes nothing about who may read what."
      : `${opens.length === 0 ? "No cell opens" : `⚠ ${count(opens, "open")}`}, ${count(closes, "close")}.`,
    ...list("Opens", opens),
    ...list("Closes", closes),
    "",
  ].join("\n");
}

/** The change for a terminal. */
export function diffText(changes: readonly CellChange[]): string {
  if (changes.length === 0) return "Nothing changes about who may read what.";
  return changes
    .map(({ effect, pod, path, before, after }) => {
      const word = effect === "opens" ? "OPENS  " : "closes ";
      return `${word} ${pod} -> ${path} (was: ${before}; will be: ${after})`;
    })
    .join("\n");
}
