import type { KbsVersion } from "./token.ts";

export type Level = "INFO" | "WARN" | "ERROR";

const colours: Readonly<Record<Level, number>> = { INFO: 32, WARN: 33, ERROR: 31 };

function styled(style: number, text: string): string {
  return `\u001b[${style}m${text}\u001b[0m`;
}

/**
 * A log message in the KBS's format: env_logger in v0.16, tracing with ANSI colours since v0.18.
 * @param span the tracing span
 */
export function logLines(
  version: KbsVersion,
  time: Date,
  level: Level,
  module: string,
  message: string,
  span?: string,
): readonly string[] {
  const stamp = time.toISOString();
  if (version === "v0.16") {
    const head = `[${stamp.slice(0, 19)}Z ${level.padEnd(5)} ${module}] `;
    return `${head}${message.replaceAll("\n", "\n    ")}`.split("\n");
  }
  const spans = span === undefined ? "" : `${styled(1, span)}${styled(2, ":")} `;
  const at = styled(2, stamp.replace("Z", "000Z"));
  const head = `${at} ${styled(colours[level], level.padStart(5))} ${spans}${styled(2, module)}${styled(2, ":")} `;
  return `${head}${message}`.split("\n");
}
