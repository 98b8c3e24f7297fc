import Table from "cli-table3";
import type { CommandResult } from "./commands.ts";

const EIGHTHS = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"];
const WIDTH = 48;

/** A bar for `value`; `full` fills all columns. The resolution is an eighth of a column. */
function bar(value: number, full: number): string {
  const eighths = Math.round((Math.min(Math.max(value / full, 0), 1) || 0) * WIDTH * 8);
  return "█".repeat(Math.floor(eighths / 8)) + (EIGHTHS[eighths % 8] ?? "");
}

function seconds(milliseconds: number): string {
  return `${(milliseconds / 1000).toFixed(2)} s`;
}

/** The results as a table, and the ratios as a plot. */
export function show(results: readonly CommandResult[]): string {
  const table = new Table({
    head: ["pods", "command", "this project", "bare program", "ratio"],
    style: { head: [], border: [], compact: true },
    colAligns: ["left", "left", "right", "right", "right"],
  });
  const times = (ratio: number): string => `${ratio.toFixed(2)} x`;
  for (const { pods, command, ours, bare, ratio } of results)
    table.push([String(pods), command, seconds(ours), seconds(bare), times(ratio)]);
  const full = Math.max(...results.map(({ ratio }) => ratio));
  const labels = results.map(({ pods, command }) => `${pods} ${command}`);
  const width = Math.max(...labels.map((label) => label.length));
  const plot = results.map(
    ({ ratio }, index) => `${(labels[index] ?? "").padEnd(width)} ${bar(ratio, full)} ${times(ratio)}`,
  );
  return [table.toString(), "", "Ratio to the bare program", ...plot].join("\n");
}
