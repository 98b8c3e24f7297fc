import { beyondRegoLimits, regoLimits } from "../../../core/rego/limits.ts";
import type { RegoError } from "./rego.ts";
import type { KbsVersion } from "./token.ts";

/** A message of regorus, the engine in Trustee, with its position in the policy. */
export interface EngineMessage {
  readonly row: number;
  readonly col: number;
  /** The line's text. */
  readonly source: string;
  readonly message: string;
}

/** Formats a message like regorus. @param file the policy's name */
export function located(file: string, severity: "error" | "warning", at: EngineMessage): string {
  const { row, col, source, message } = at;
  const margin = " ".repeat(String(row).length);
  const caret = `${" ".repeat(col - 1)}^`;
  return `\n--> ${file}:${row}:${col}\n${margin} |\n${row} | ${source}\n${margin} | ${caret}\n${severity}: ${message}`;
}

/**
 * Translates an error of OPA to regorus. Recorded errors get regorus's position and text; others keep those
 * of OPA.
 * @param path the resource's path in the policy's data
 */
export function regorusMessage(
  { message, row, col }: RegoError,
  policy: string,
  path: unknown,
): EngineMessage {
  const lines = policy.split("\n");
  const source = lines[row - 1] ?? "";
  if (message === "empty module") {
    const missing = "expecting `package` Missing package declaration.";
    return { row: 1, col: 1, source: lines[0] ?? "", message: missing };
  }
  if (message === "unexpected eof token") {
    return { row, col: col + 1, source, message: "expecting expression" };
  }
  if (message.startsWith("`if` keyword is required")) {
    return { row, col: source.indexOf("{") + 1, source, message };
  }
  const argument = source.indexOf('["resource-path"]', col);
  if (message.startsWith("split: operand 1 must be string") && argument !== -1) {
    const got = `\`replace\` expects string argument. Got \`${JSON.stringify(path)}\` instead`;
    return { row, col: argument + 1, source, message: got };
  }
  return { row: Math.max(row, 1), col: Math.max(col, 1), source, message };
}

/** The warning of regorus 0.2 for an `if` without its import; undefined if there is none. */
export function missingImport(policy: string): EngineMessage | undefined {
  if (/^import\s+(?:rego\.v1|future\.keywords)/m.test(policy)) return undefined;
  const lines = policy.split("\n");
  const row = lines.findIndex((line) => /^\w+\s+if\b/.test(line)) + 1;
  if (row === 0) return undefined;
  const source = lines[row - 1] ?? "";
  const message = "`if` will be treated as identifier due to missing `import future.keywords.if`";
  return { row, col: source.search(/\bif\b/) + 1, source, message };
}

const beyond = {
  column: `line exceeds maximum column width of ${regoLimits.column}`,
  lines: ` exceeds maximum allowed line count ${regoLimits.lines}`,
  bytes: ` exceeds maximum allowed policy file size ${regoLimits.bytes} bytes`,
} as const;

/** The error of regorus 0.10, in KBS v0.21, for a policy that exceeds its limits. OPA has no such limits. */
export function beyondLimits(version: KbsVersion, policy: string): EngineMessage | undefined {
  const found = version === "v0.21" ? beyondRegoLimits(policy) : undefined;
  if (found === undefined) return undefined;
  const { limit, line: row } = found;
  const col = limit === "column" ? regoLimits.column : 1;
  return { row, col, source: policy.split("\n")[row - 1] ?? "", message: beyond[limit] };
}
