import Table from "cli-table3";
import { outcomeWords } from "../../core/access/outcome.ts";
import type { VerifiedCell } from "./read-cell.ts";

const words = { read: "✓ read", denied: "✗ denied" } as const;

function word(outcome: VerifiedCell["seen"]): string {
  return outcome === "read" || outcome === "denied" ? words[outcome] : `! ${outcome}`;
}

function cellText(cell: VerifiedCell | undefined): string {
  if (cell === undefined) return "";
  return cell.ok ? `${word(cell.seen)}\nas expected` : `${word(cell.seen)}\nEXPECTED ${words[cell.expected]}`;
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

/** One line that says how it went, and one for each outcome that needs words. */
export function verifySummary(cells: readonly VerifiedCell[]): string {
  const wrong = cells.filter((cell) => !cell.ok);
  const seen = [...new Set(wrong.map((cell) => cell.seen))].sort();
  const lines = seen.map((outcome) => `  ${outcome}: ${outcomeWords[outcome]}`);
  const head =
    wrong.length === 0
      ? `All ${cells.length} cells are as the stack says.`
      : `${wrong.length} of ${cells.length} cells differ from what the stack says.`;
  return [head, ...lines].join("\n");
}
