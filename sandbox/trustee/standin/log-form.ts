import type { KbsVersion } from "./token.ts";

export type Level = "INFO" | "WARN" | "ERROR";

const colours: Readonly<Record<Level, number>> = { INFO: 32, WARN: 33, ERROR: 31 };

function styled(style: number, text: string): string {
  return `\u001b[${style}m${text}\u001b[0m`;
}

/**
 * A message in the lines that the KBS writes: by env_logger in v0.16, by tracing since v0.18, with colours though nobody sees
 * them.
 * @param span in which tracing writes it
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
