import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { KbsVersion } from "../../../sandbox/trustee/standin/token.ts";

/** Recorded answers of real KBSs, next to the checkout. Its README says how they were recorded. */
const folder = join(import.meta.dirname, "../../../../shared/data/real-kbs");

/** The recorded lines, by scenario. */
export function recording(version: KbsVersion): ReadonlyMap<string, string> {
  const text = readFileSync(join(folder, `${version}.0.txt`), "utf8");
  const sections = text.split(/^### /m).slice(1);
  return new Map(
    sections.map((section) => {
      const end = section.indexOf("\n");
      return [section.slice(0, end), section.slice(end + 1).trimEnd()];
    }),
  );
}

/**
 * Lines of a recording that are not compared, by their start, with the reason. All other lines are compared.
 */
export const notCompared: Readonly<Record<string, string>> = {
  "GET reference-value/nosuch": "the administrator's API, which the sandbox's KBS does not serve",
  "GET resource-policy": "the administrator's API, which the sandbox's KBS does not serve",
  "! KBS ended": "the log of a KBS that ended at once; what follows, why it ended, is compared",
};

/** A text without lines that are not compared, and with times, cookies and durations masked. */
export function comparable(text: string): string {
  const ended = /^! KBS ended[^]*?(?=^Error: )/m;
  const left = text
    .replace(ended, "")
    .split("\n")
    .filter((line) => !Object.keys(notCompared).some((start) => line.startsWith(start)));
  return left
    .join("\n")
    .replaceAll(/\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d/g, "(time)")
    .replaceAll(/(?<=\(time\)\.)\d{6}(?=Z)/g, "(microseconds)")
    .replaceAll(/\bCookie [0-9a-f]{32}\b/g, "Cookie (32 hex digits)")
    .replaceAll(/ \d+\.\d{6}$/gm, " (seconds)");
}

/** The log lines that the recorder kept, up to its limit. */
export const excerpt = (lines: readonly string[], limit: number): readonly string[] =>
  lines.filter((line) => /ERROR|WARN|resource|^\s|^Caused/.test(line)).slice(0, limit);
