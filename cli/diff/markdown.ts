import { doubtWords, type CellChange } from "../../core/access/changes.ts";
import { isAllowed, type AccessDiff } from "./diff.ts";
import type { AccessReport } from "../../core/access/matrix.ts";
import type { Decision } from "../../core/access/model.ts";
import { otherReaderClaim, otherReaderName, otherReaderPath } from "../../core/access/other-readers.ts";
import { own } from "../../core/records.ts";
import { counted, shownLine } from "../../core/shown.ts";

/** Marks the comment, so it can be updated. The CI workflows search for it too. */
const COMMENT_MARK = "<!-- trustee-access: the access matrix -->";

/** A text as inline code. It cannot end the code, the line or the table cell. */
function code(text: string): string {
  return `\`${shownLine(text).replace(/[`|]/g, "?")}\``;
}

function row(cells: readonly string[]): string {
  return `| ${cells.join(" | ")} |`;
}

function cell(why: Decision["why"] | undefined, change: CellChange | undefined): string {
  if (why === undefined) return "";
  const sign = isAllowed(why) ? "✓ may read" : "✗ denied";
  return change === undefined ? sign : `**${sign}** (${change.effect})`;
}

function table(access: AccessReport, changes: readonly CellChange[]): readonly string[] {
  const paths = [...new Set(Object.values(access).flatMap((reads) => Object.keys(reads)))];
  const byCell = new Map(changes.map((change) => [JSON.stringify([change.pod, change.path]), change]));
  return [
    row(["pod", ...paths.map(code)]),
    row(["---", ...paths.map(() => "---")]),
    ...Object.entries(access).map(([pod, reads]) =>
      row([
        code(pod),
        ...paths.map((path) => cell(own(reads, path), byCell.get(JSON.stringify([pod, path])))),
      ]),
    ),
  ];
}

function section(title: string, lines: readonly string[]): readonly string[] {
  return lines.length === 0 ? [] : ["", `**${title}**`, "", ...lines.map((line) => `- ${line}`)];
}

function changeText({ pod, path, before, after }: CellChange): string {
  return `${code(pod)} → ${code(path)}: was ${before}; will be ${after}`;
}

/** The matrix, its changes and everything else to review, as Markdown for a comment. */
export function diffMarkdown(
  access: AccessReport,
  { changes, initdata, otherReaders, doubts }: AccessDiff,
): string {
  const opens = changes.filter(({ effect }) => effect === "opens");
  const closes = changes.filter(({ effect }) => effect === "closes");
  return [
    COMMENT_MARK,
    "### Which pod may read which secret",
    "",
    ...table(access, changes),
    "",
    ...doubts.flatMap((doubt) => [`⚠ Not comparable: ${doubtWords[doubt]}.`, ""]),
    changes.length === 0
      ? "No access changes."
      : `${opens.length === 0 ? "No cell opens" : `⚠ ${counted(opens.length, "cell opens", "cells open")}`}, ${counted(closes.length, "cell closes", "cells close")}.`,
    ...section("Opens", opens.map(changeText)),
    ...section("Closes", closes.map(changeText)),
    ...section(
      "New initdata: the host's rights on the pod may change",
      initdata.map(({ pod, files, wider }) => {
        const changed = `${code(pod)}${files.length === 0 ? "" : ` (${files.map(code).join(", ")})`}`;
        return wider.length === 0
          ? changed
          : `⚠ ${changed}, whose agent policy allows more: ${wider.map(code).join(", ")}`;
      }),
    ),
    ...section(
      "Also read by grants of other stacks",
      otherReaders.map(
        (other) =>
          `${code(otherReaderName(other))} → ${code(otherReaderPath(other))} (${code(otherReaderClaim(other))})`,
      ),
    ),
    "",
  ].join("\n");
}
