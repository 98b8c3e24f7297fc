import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { KbsVersion } from "../../../sandbox/trustee/standin/token.ts";

/** What real KBSs answered, beside the checkout; its README says how it was recorded. */
const folder = join(import.meta.dirname, "../../../../shared/data/real-kbs");

/** By scenario, what was recorded of it. */
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
 * What is in a recording and not compared, by how its line begins, and why. Everything else is.
 */
export const notCompared: Readonly<Record<string, string>> = {
  "GET reference-value/nosuch": "the administrator's API, which the sandbox's KBS does not serve",
  "GET resource-policy": "the administrator's API, which the sandbox's KBS does not serve",
  "! KBS ended": "the log of a KBS that ended at once; what follows, why it ended, is compared",
};

/** A text without what is not compared, and without what is another one each time: times, cookies, durations. */
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

/** The lines of a log that the recorder kept, and how many of them. */
export function excerpt(lines: readonly string[], limit: number): readonly string[] {
  return lines.filter((line) => /ERROR|WARN|resource|^\s|^Caused/.test(line)).slice(0, limit);
}
