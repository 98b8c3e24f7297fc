import Table from "cli-table3";
import { outcomeWords, type Outcome } from "../../core/access/outcome.ts";
import type { JunitCase } from "../../core/audit/junit.ts";
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

/** The matrix as a table, pods x secrets: what was seen in each cell, and whether that was expected. */
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

/**
 * One line that says how it went, and one for each outcome that needs words.
 * @param notAsked readers that are not in the stack's cluster
 * @param logProblem why the KBS's log could not be read
 */
export function verifySummary(
  cells: readonly VerifiedCell[],
  notAsked: readonly string[],
  logProblem?: string,
): string {
  const wrong = cells.filter((cell) => !cell.ok);
  const seen = [...new Set(wrong.map((cell) => cell.seen))].sort();
  const lines = seen.map((outcome) => `  ${outcome}: ${outcomeWords[outcome]}`);
  const head =
    wrong.length === 0
      ? `All ${cells.length} cells are as the stack says.`
      : `${wrong.length} of ${cells.length} cells differ from what the stack says.`;
  const unknown = cells.filter((cell) => cell.seen === "denied").length;
  const note =
    unknown === 0
      ? []
      : [
          `Why ${unknown} of them ${unknown === 1 ? "is" : "are"} denied is not known: ${logProblem ?? "the KBS's log does not say"}.`,
        ];
  const elsewhere =
    notAsked.length === 0 ? [] : [`Not asked, since somebody else deploys them: ${notAsked.join(", ")}.`];
  return [head, ...lines, ...note, ...elsewhere].join("\n");
}

/** One case for each cell, for a JUnit report. */
export function verifyCases(cells: readonly VerifiedCell[]): readonly JunitCase[] {
  return cells.map((cell): JunitCase => {
    const name = `${cell.secret}/${cell.key} is ${cell.expected === "read" ? "read" : "denied"}`;
    const said = [`seen: ${cell.seen} (${outcomeWords[cell.seen]})`, ...cell.evidence].join("\n");
    return {
      group: `verify.${cell.namespace}/${cell.pod}`,
      name,
      time: cell.time,
      ...(cell.ok
        ? { output: said }
        : { failure: { message: `expected ${cell.expected}, seen ${cell.seen}`, text: said } }),
    };
  });
}
