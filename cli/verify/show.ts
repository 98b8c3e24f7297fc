import Table from "cli-table3";
import { outcomeWords, type Outcome } from "./outcome.ts";
import type { JunitCase } from "../lint/junit.ts";
import { counted, shownLine } from "../../core/shown.ts";
import type { VerifiedCell } from "./read-cell.ts";

const expectedWords = { read: "✓ read", denied: "✗ denied" } as const;

function word(outcome: Outcome): string {
  if (outcome === "read") return expectedWords.read;
  if (outcome === "policy-denied" || outcome === "denied") return expectedWords.denied;
  return `! ${outcome}`;
}

function cellText(cell: VerifiedCell | undefined): string {
  if (cell === undefined) return "";
  if (!cell.ok) return `${word(cell.seen)}\nEXPECTED ${expectedWords[cell.expected]}`;
  const why =
    cell.seen === "policy-denied" ? "by the policy" : cell.seen === "denied" ? "reason unknown" : "";
  return `${word(cell.seen)}${why === "" ? "" : ` ${why}`}\nas expected`;
}

/** The matrix as a table, pods × secrets: the outcome of each cell and whether it was expected. */
export function verifyTable(cells: readonly VerifiedCell[]): string {
  const columns = [...new Set(cells.map(({ secret, key }) => `${secret}/${key}`))];
  const pods = [...new Set(cells.map(({ namespace, pod }) => `${namespace}/${pod}`))];
  const table = new Table({ head: ["pod", ...columns], style: { head: [], border: [] } });
  for (const pod of pods) {
    const row = columns.map((column) =>
      cellText(
        cells.find(
          (cell) => `${cell.namespace}/${cell.pod}` === pod && `${cell.secret}/${cell.key}` === column,
        ),
      ),
    );
    table.push([pod, ...row]);
  }
  return table.toString();
}

/** Why the log cannot be read, with the missing right, if that is why. @param problem kubectl's message */
export function logProblemText(problem: string, namespace: string): string {
  if (!/forbidden/i.test(problem)) return problem;
  const right = problem.includes('"pods/log"') ? "get on pods/log" : "list on pods and get on pods/log";
  return `this account may not read the KBS's log: grant it ${right} in namespace "${namespace}" (${problem})`;
}

/** Notes to the table. */
export interface SummaryNotes {
  /** Readers that are not in the stack's cluster. */
  readonly notAsked: readonly string[];
  /** Why the KBS's log could not be read. */
  readonly logProblem?: string | undefined;
  /** Stacks whose grants the policy has lost, as text. */
  readonly lost: readonly string[];
  /** Why it is unknown whether the denied pods attest well. */
  readonly sidesProblem?: string | undefined;
}

/** The summary: the count, then each unexpected outcome with the cells' details, then the notes. */
export function verifySummary(cells: readonly VerifiedCell[], notes: SummaryNotes): string {
  const wrong = cells.filter((cell) => !cell.ok);
  const seen = [...new Set(wrong.map((cell) => cell.seen))].sort();
  const lines = seen.flatMap((outcome) => [
    `  ${outcome}: ${outcomeWords[outcome]}`,
    ...wrong.flatMap((cell) =>
      cell.seen !== outcome || cell.detail === undefined
        ? []
        : [`    ${cell.namespace}/${cell.pod} ${cell.secret}/${cell.key}: ${cell.detail}`],
    ),
  ]);
  const head =
    wrong.length > 0
      ? `${wrong.length} of ${counted(cells.length, "cell")} ${wrong.length === 1 ? "differs" : "differ"} from the stack's access matrix.`
      : cells.length === 1
        ? "The 1 cell matches the stack's access matrix."
        : `All ${cells.length} cells match the stack's access matrix.`;
  const unknown = cells.filter((cell) => cell.seen === "denied").length;
  const { notAsked, lost, logProblem, sidesProblem } = notes;
  return [
    head,
    ...lines,
    ...(unknown === 0
      ? []
      : [
          `The reason is unknown for ${counted(unknown, "denied cell")}: ${logProblem ?? "the KBS's log does not say"}.`,
        ]),
    ...(sidesProblem === undefined
      ? []
      : [
          `It is unknown whether the denied pods attest well and whether the policy has every stack's grants: ${sidesProblem}`,
        ]),
    ...lost.map((stack) => `The policy has lost the grants of ${stack}. Run pulumi up.`),
    ...(notAsked.length === 0
      ? []
      : [`Not tried, since they are deployed elsewhere: ${notAsked.join(", ")}.`]),
  ].join("\n");
}

/** One case for each cell, for a JUnit report. */
export function verifyCases(cells: readonly VerifiedCell[]): readonly JunitCase[] {
  return cells.map((cell): JunitCase => {
    const name = `${cell.secret}/${cell.key} is ${cell.expected === "read" ? "read" : "denied"}`;
    const detail = cell.detail === undefined ? [] : [cell.detail];
    const text = [`seen: ${cell.seen} (${outcomeWords[cell.seen]})`, ...detail, ...cell.evidence]
      .map(shownLine)
      .join("\n");
    return {
      group: `verify.${cell.namespace}/${cell.pod}`,
      name,
      time: cell.time,
      ...(cell.ok
        ? { output: text }
        : { failure: { message: `expected ${cell.expected}, seen ${cell.seen}`, text } }),
    };
  });
}
