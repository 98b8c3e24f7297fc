import { placeText, type Finding } from "../lint/finding.ts";
import { NO_HARDWARE } from "../../core/initdata/binding.ts";
import { byString } from "../../core/records.ts";
import { decisionWords } from "../../core/access/changes.ts";
import type { AccessMatrix, Cell } from "../../core/access/matrix.ts";
import { otherReaderName, otherReaderPath } from "../../core/access/other-readers.ts";
import { signBadge, signOf, signWords } from "./signs.ts";
import { matrixSvg, pictureSize, escapeText } from "./svg.ts";
import { DAY, NOTICE_DAYS } from "../../core/reference-values/validity.ts";
import type { Expiry, PageContent } from "./content.ts";
import { counted } from "../../core/shown.ts";

function section(id: string, title: string, body: string): string {
  return `<section aria-labelledby="${id}">
<h2 id="${id}">${escapeText(title)}</h2>
${body}
</section>`;
}

/** A region that scrolls if its content does not fit, also by keyboard. */
function scrolled(label: string, kind: string, body: string): string {
  return `<div class="scroll${kind}" role="region" aria-label="${escapeText(label)}" tabindex="0">
${body}
</div>`;
}

/** A table whose rows are stacked on a narrow screen. @param heads of the columns, as text */
function stackedTable(caption: string, heads: readonly string[], rows: readonly string[]): string {
  const head = heads.map((one) => `<th scope="col">${escapeText(one)}</th>`).join("");
  return `<table class="stacked">
<caption>${caption}</caption>
<thead><tr>${head}</tr></thead>
<tbody>
${rows.join("\n")}
</tbody>
</table>`;
}

/** A row of such a table. @param cells as HTML, after the first one, which is text */
function stackedRow(head: string, ...cells: readonly string[]): string {
  return `<tr><th scope="row">${escapeText(head)}</th>${cells.map((one) => `<td>${one}</td>`).join("")}</tr>`;
}

/** The key figures. */
export function factsList({ matrix, expiries, findings, at }: PageContent): string {
  const allowed = matrix.cells.filter((cell) => cell.allowed).length;
  const open = new Set(
    matrix.cells.filter((cell) => signOf(cell) === "open").map(({ secret, key }) => `${secret}/${key}`),
  );
  const [next] = expiries.toSorted((a, b) => byString(a.expiration, b.expiration));
  const facts: [string, string, string][] = [
    [
      "Pods",
      String(matrix.rows.length),
      counted(matrix.columns.length, "key of a secret", "keys of secrets"),
    ],
    ["Cells that may read", `${allowed} of ${matrix.cells.length}`, "pods × keys"],
    [
      "Open to all",
      String(open.size),
      open.size === 1 ? "key that nobody restricts" : "keys that nobody restricts",
    ],
    [
      "Earliest expiration",
      next === undefined ? "–" : next.expiration.slice(0, 10),
      next === undefined
        ? "no entry"
        : at === undefined
          ? next.entry
          : `${next.entry}, ${expiryWords(next, at)}`,
    ],
  ];
  if (findings !== undefined) {
    const worst = findings.filter(({ severity }) => severity === "error").length;
    facts.push(["Findings", String(findings.length), counted(worst, "error")]);
  }
  return `<dl class="facts">
${facts.map(([term, value, note]) => `<div><dt>${escapeText(term)}</dt><dd>${escapeText(value)}<span class="note">${escapeText(note)}</span></dd></div>`).join("\n")}
</dl>`;
}

export function pictureSection(matrix: AccessMatrix): string {
  const svg = matrixSvg(matrix, { id: "picture" });
  const { width, margin } = pictureSize(matrix);
  // Uses the available width within readable limits and scrolls beyond. The picture's margin overlaps the
  // section's.
  const frame = `<div style="min-width:${Math.round(width * 0.9)}px;max-width:${Math.round(width * 1.3)}px;transform:translateX(-${((100 * margin) / width).toFixed(2)}%)">${svg}</div>`;
  return section(
    "matrix",
    "Access matrix",
    `<p class="muted">Who reads what, once every pod attests well. On a screen, the table below says the same in words.</p>
${scrolled("The access matrix as a picture", " picture", frame)}`,
  );
}

/** The maximum number of columns of words on paper. With more, only the picture is printed. */
const PAPER_COLUMNS = 5;

function cellWords(cell: Cell | undefined): string {
  if (cell === undefined) return "";
  const sign = signOf(cell);
  const [word = "", ...rest] = signWords[sign].split(": ");
  const why = cell.allowed ? rest.join(": ") : decisionWords[cell.why];
  return `<div class="cell"><svg width="20" height="20" viewBox="0 0 24 24" aria-hidden="true" focusable="false">${signBadge(sign, 0, 0, 24)}</svg><span>${word}<small>${why}</small></span></div>`;
}

export function wordsSection({ rows, columns, cells }: AccessMatrix): string {
  const byPlace = new Map(
    cells.map((cell) => [`${cell.namespace}/${cell.pod} ${cell.secret}/${cell.key}`, cell]),
  );
  const head = columns
    .map(
      ({ secret, key }) =>
        `<th scope="col">${escapeText(secret)}<br><span class="code">${escapeText(key)}</span></th>`,
    )
    .join("");
  const body = rows.map(({ pod, namespace, binding }) => {
    const place = [
      namespace === "" ? "deployed elsewhere" : namespace,
      ...(binding === "sample" ? [NO_HARDWARE] : []),
    ].join(" · ");
    const row = columns.map(
      ({ secret, key }) => `<td>${cellWords(byPlace.get(`${namespace}/${pod} ${secret}/${key}`))}</td>`,
    );
    return `<tr><th scope="row">${escapeText(pod)}<br><small class="muted">${escapeText(place)}</small></th>${row.join("")}</tr>`;
  });
  return section(
    "words",
    "In words",
    scrolled(
      "The access matrix as a table",
      "",
      `<table${columns.length > PAPER_COLUMNS ? ' class="wide"' : ""}>
<caption>Pods by keys of secrets</caption>
<thead><tr><th scope="col">Pod</th>${head}</tr></thead>
<tbody>
${body.join("\n")}
</tbody>
</table>`,
    ),
  );
}

/** Empty if there are none. */
export function otherReadersSection({ otherReaders = [] }: PageContent): string {
  if (otherReaders.length === 0) return "";
  const caption = "Readers of this stack's secrets by grants of other stacks in the same policy.";
  const rows = otherReaders.map((other) => {
    const [path, claim] = [escapeText(otherReaderPath(other)), `<code>${escapeText(other.initData)}</code>`];
    return stackedRow(otherReaderName(other), path, claim);
  });
  return `\n${section("others", "Also read by", stackedTable(caption, ["Reader", "Secret", "init_data"], rows))}`;
}

export function digestsSection({ matrix, claimName }: PageContent): string {
  const caption =
    "The digest of each pod's initdata, as its hardware attests it. Trustee recognises the pod by it.";
  const rows = matrix.rows.map(({ pod, initData }) =>
    stackedRow(pod, `<code>${escapeText(initData)}</code>`),
  );
  return section("digests", claimName, stackedTable(caption, ["Pod", claimName], rows));
}

/** Milliseconds until an entry expires; NaN: its expiration is not a time. */
function timeLeft({ expiration }: Expiry, at: Date): number {
  return Date.parse(expiration) - at.getTime();
}

function expiryWords(expiry: Expiry, at: Date): string {
  const left = timeLeft(expiry, at);
  if (left <= 0) return "expired";
  return left < DAY ? "less than a day left" : `${counted(Math.floor(left / DAY), "day")} left`;
}

function expiryTag(expiry: Expiry, at: Date): string {
  const left = timeLeft(expiry, at);
  if (Number.isNaN(left)) return `<span class="tag plain">not a time</span>`;
  const [kind, sign] = left < NOTICE_DAYS * DAY ? ["warn", "!"] : ["good", "✓"];
  return `<span class="tag ${kind}"><span aria-hidden="true">${sign} </span>${expiryWords(expiry, at)}</span>`;
}

export function expirySection({ expiries, at }: PageContent): string {
  const caption = "Trustee ignores the expiration: the values match until they are removed.";
  const rows = expiries.map((expiry) => {
    const time = escapeText(expiry.expiration);
    const tags = at === undefined ? [] : [expiryTag(expiry, at)];
    return stackedRow(expiry.entry, `<time datetime="${time}">${time}</time>`, ...tags);
  });
  const heads = ["Entry", "Expires", ...(at === undefined ? [] : ["State"])];
  return section("expiry", "Reference values", stackedTable(caption, heads, rows));
}

const severityTags = { error: ["bad", "✗"], warning: ["warn", "!"], note: ["plain", "i"] } as const;

function findingItem({ id, severity, where, what, why, fix }: Finding): string {
  const [kind, sign] = severityTags[severity];
  return `<li>
<span class="tag ${kind}"><span aria-hidden="true">${sign} </span>${severity}</span> <span class="code muted">${id}</span>
<h3>${escapeText(what)}</h3>
<p>${escapeText(why)}</p>
<p><strong>To fix:</strong> ${escapeText(fix)}</p>
<p class="muted">${escapeText(placeText(where))}</p>
</li>`;
}

export function findingsSection(findings: readonly Finding[] | undefined): string {
  const body =
    findings === undefined
      ? `<p class="muted">Trustee was not audited for this page.</p>`
      : findings.length === 0
        ? `<p><span class="tag good"><span aria-hidden="true">✓ </span>nothing found</span></p>`
        : `<ul class="findings">
${findings.map(findingItem).join("\n")}
</ul>`;
  return section("findings", "Findings", body);
}
