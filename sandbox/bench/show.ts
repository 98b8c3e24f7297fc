import Table from "cli-table3";
import { isWrite, type CallResult } from "./api-calls.ts";
import type { CommandResult } from "./commands.ts";
import type { CoreResult } from "./core-work.ts";
import type { PolicyResult } from "./policy.ts";

interface Results {
  readonly commands: readonly CommandResult[];
  readonly calls: readonly CallResult[];
  readonly core: readonly CoreResult[];
  readonly policy: readonly PolicyResult[];
}

const EIGHTHS = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"];

/** A bar for `value`; `full` fills all `width` columns. The resolution is an eighth of a column. */
function bar(value: number, full: number, width: number): string {
  const eighths = Math.round((Math.min(Math.max(value / full, 0), 1) || 0) * width * 8);
  return "█".repeat(Math.floor(eighths / 8)) + (EIGHTHS[eighths % 8] ?? "");
}

interface Bar {
  readonly label: string;
  readonly value: number;
  readonly text: string;
}

/** One line for each value, all on one scale. */
function plot(title: string, bars: readonly Bar[], width = 48): string {
  const full = Math.max(...bars.map(({ value }) => value));
  const label = Math.max(...bars.map((one) => one.label.length));
  const lines = bars.map((one) => `${one.label.padEnd(label)} ${bar(one.value, full, width)} ${one.text}`);
  return [title, ...lines].join("\n");
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const made = new Table({
    head: [...head],
    style: { head: [], border: [], compact: true },
    colAligns: head.map((_, index) => (index < 2 ? "left" : "right")),
  });
  made.push(...rows.map((row) => [...row]));
  return made.toString();
}

function seconds(milliseconds: number): string {
  return `${(milliseconds / 1000).toFixed(2)} s`;
}

function showCommands(results: readonly CommandResult[]): string {
  const rows = results.map(({ pods, command, ours, bare, ratio }) => [
    String(pods),
    command,
    seconds(ours),
    seconds(bare),
    `${ratio.toFixed(2)} x`,
  ]);
  const bars = results.map(({ pods, command, ratio }) => ({
    label: `${pods} ${command}`,
    value: ratio,
    text: `${ratio.toFixed(2)} x`,
  }));
  return [
    table(["pods", "command", "this project", "bare program", "ratio"], rows),
    plot("Ratio to the bare program", bars),
  ].join("\n\n");
}

function showCore(results: readonly CoreResult[]): string {
  const ms = (value: number): string => value.toFixed(2);
  const rows = results.map((one) => [
    String(one.pods),
    ...[one.settings, one.plan, one.policy, one.referenceValues, one.total].map(ms),
    one.perPod.toFixed(3),
  ]);
  const bars = results.map(({ pods, perPod }) => ({
    label: String(pods),
    value: perPod,
    text: `${perPod.toFixed(3)} ms`,
  }));
  return [
    "Core work, ms of CPU time",
    table(["pods", "settings", "plan", "policy", "reference values", "total", "a pod"], rows),
    plot("Core work a pod, by the number of pods", bars),
  ].join("\n\n");
}

function showPolicy(results: readonly PolicyResult[]): string {
  const rows = results.map(({ pods, style, evaluate, load, bytes }) => [
    String(pods),
    style,
    evaluate.toFixed(1),
    load.toFixed(0),
    `${(bytes / 1024).toFixed(0)} KiB`,
  ]);
  const bars = results.map(({ pods, style, evaluate }) => ({
    label: `${pods} ${style}`,
    value: Math.log10(1 + evaluate),
    text: `${evaluate.toFixed(0)} µs`,
  }));
  return [
    "The resource policy in OPA, µs",
    table(["pods", "style", "one evaluation", "loading", "size"], rows),
    plot("One evaluation (logarithmic)", bars),
  ].join("\n\n");
}

function showCalls(results: readonly CallResult[]): string {
  const rows = results.map(({ pods, command, calls, rollout, conflicts }) => {
    const writes = calls.filter(isWrite).length;
    return [String(pods), command, ...[writes, calls.length - writes, rollout, conflicts].map(String)];
  });
  return [
    "Calls to Trustee's API server",
    table(["pods", "command", "writes", "reads", "rollout", "conflicts"], rows),
  ].join("\n\n");
}

/** The measured parts as tables and plots. */
export function show({ commands, calls, core, policy }: Results): string {
  return [
    ...(commands.length > 0 ? [showCommands(commands)] : []),
    ...(calls.length > 0 ? [showCalls(calls)] : []),
    ...(core.length > 0 ? [showCore(core)] : []),
    ...(policy.length > 0 ? [showPolicy(policy)] : []),
  ].join("\n\n\n");
}
