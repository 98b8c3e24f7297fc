import { NO_HARDWARE } from "../../core/initdata/binding.ts";
import { cellsByRow, type AccessMatrix, type Cell, type Column, type Row } from "../../core/access/matrix.ts";
import { otherReaderLine, type OtherReader } from "../../core/access/other-readers.ts";
import { palette, signBadge, signOf, signs, signStyle, signWords } from "./signs.ts";

/**
 * Escapes text for HTML or SVG, between tags or in a quoted attribute. Control characters, invisible ones and
 * those that change the text's direction become U+FFFD.
 */
export function escapeText(text: string): string {
  return text
    .replaceAll("&", "&amp;")
    .replaceAll("<", "&lt;")
    .replaceAll(">", "&gt;")
    .replaceAll('"', "&quot;")
    .replaceAll("'", "&#39;")
    .replace(CONTROL, "\uFFFD");
}

const CONTROL = /(?![\t\n\r])\p{C}|[\p{Zl}\p{Zp}]/gu;

/** Shortens a text in the middle and keeps both ends. */
function shorten(text: string, length: number): string {
  if (text.length <= length) return text;
  const head = Math.ceil((length - 1) / 2);
  return `${text.slice(0, head)}…${text.slice(text.length - (length - 1 - head))}`;
}

export interface PictureOptions {
  /** A title above the picture, for example the stack. @default none */
  readonly title?: string;
  /** Prefix of the ids, so one page can have two pictures. @default "access" */
  readonly id?: string;
  /** Readers of the stack's secrets by other stacks' grants: a line each below the matrix. @default none */
  readonly others?: readonly OtherReader[];
}

const ROW = 52;
const BADGE = 30;
const PAD = 20;
const LEGEND = 44;
/** Beyond this width, column heads are vertical. */
const WIDE = 1000;
const LONGEST = 40;
const LINE = 22;
const LONGEST_LINE = 140;

/** A generous estimate of a text's width, since no font is available. */
function widthOf(text: string, perLetter = 7.4): number {
  return text.length * perLetter;
}

/** The same for a line with names from other stacks, which may consist of wide letters. */
function lineWidth(line: string): number {
  return widthOf(line) + (line.match(/[A-Zmw@%]/g) ?? []).length * 5.6;
}

function text(x: number, y: number, kind: string, content: string, rest = ""): string {
  return `<text x="${round(x)}" y="${round(y)}" class="${kind}"${rest}>${escapeText(content)}</text>`;
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}

/** The positions of all parts. */
interface Layout {
  readonly left: number;
  readonly top: number;
  readonly columnWidth: number;
  readonly upright: boolean;
  /** The lower end of the rows. */
  readonly bottom: number;
  readonly width: number;
  readonly height: number;
}

/** @param lines between the rows and the legend */
function layOut({ rows, columns }: AccessMatrix, title: boolean, lines: readonly string[] = []): Layout {
  const rowLabels = rows.flatMap((row) => [widthOf(shorten(row.pod, LONGEST)), widthOf(rowDetail(row), 6.9)]);
  const left = Math.max(130, ...rowLabels) + 2 * PAD;
  const names = columns.flatMap(({ secret, key }) => [shorten(secret, LONGEST), shorten(key, LONGEST)]);
  const spread = Math.max(84, ...names.map((name) => widthOf(name) + 22));
  const upright = left + columns.length * spread > WIDE;
  const columnWidth = upright ? 46 : spread;
  const headHeight = upright
    ? Math.max(
        60,
        ...columns.map(({ secret, key }) => widthOf(shorten(`${secret}/${key}`, LONGEST), 7.9) + 28),
      )
    : 58;
  const top = (title ? 46 : 8) + headHeight;
  const legend = signs.reduce((sum, sign) => sum + widthOf(signWords[sign], 6.8) + 52, PAD);
  const widest = Math.max(0, ...lines.map((line) => lineWidth(shorten(line, LONGEST_LINE)) + 2 * PAD));
  const bottom = top + Math.max(rows.length, 1) * ROW;
  return {
    left,
    top,
    columnWidth,
    upright,
    bottom,
    width: round(Math.max(left + columns.length * columnWidth + PAD, legend, widest)),
    height: round(bottom + lines.length * LINE + LEGEND + 12),
  };
}

function columnHead(
  { secret, key }: Column,
  index: number,
  { left, top, columnWidth, upright }: Layout,
): string {
  const x = left + index * columnWidth + columnWidth / 2;
  const full = `<title>${escapeText(`${secret}/${key}`)}</title>`;
  if (upright) {
    const turned = ` transform="rotate(-90 ${round(x + 4)} ${round(top - 12)})"`;
    return `<g>${full}${text(x + 4, top - 12, "column", shorten(`${secret}/${key}`, LONGEST), turned)}</g>`;
  }
  return `<g>${full}${text(x, top - 32, "column middle", shorten(secret, LONGEST))}${text(x, top - 14, "key middle", shorten(key, LONGEST))}</g>`;
}

/** The line below a pod's name. */
function rowDetail({ namespace, initData, binding }: Row): string {
  const place = namespace === "" || namespace === "default" ? "" : `${shorten(namespace, 20)} · `;
  return place + shorten(initData, 17) + (binding === "sample" ? ` · ${NO_HARDWARE}` : "");
}

function rowHead(row: Row, index: number, { top }: Layout): string {
  const { pod, initData } = row;
  const y = top + index * ROW;
  return `<g><title>${escapeText(`${pod}, init_data ${initData}`)}</title>${text(PAD, y + 23, "pod", shorten(pod, LONGEST))}${text(PAD, y + 40, "digest", rowDetail(row))}</g>`;
}

function cellBadge(cell: Cell, rowIndex: number, columnIndex: number, layout: Layout): string {
  const x = layout.left + columnIndex * layout.columnWidth + (layout.columnWidth - BADGE) / 2;
  const y = layout.top + rowIndex * ROW + (ROW - BADGE) / 2;
  const sign = signOf(cell);
  const title = `<title>${escapeText(`${cell.pod}, ${cell.secret}/${cell.key}: ${signWords[sign]}`)}</title>`;
  return `<g>${title}${signBadge(sign, round(x), round(y), BADGE)}</g>`;
}

function otherLine(line: string, index: number, { bottom }: Layout): string {
  const y = bottom + index * LINE + 20;
  return `<g><title>${escapeText(line)}</title>${text(PAD, y, "other", shorten(line, LONGEST_LINE))}</g>`;
}

function legend({ height }: Layout): string {
  const y = height - LEGEND + 6;
  let x = PAD;
  const parts = signs.map((sign) => {
    const part = `${signBadge(sign, x, y, 20)}${text(x + 28, y + 14.5, "legend", signWords[sign])}`;
    x = round(x + 28 + widthOf(signWords[sign], 6.8) + 24);
    return part;
  });
  return parts.join("\n");
}

function style(id: string): string {
  const scope = `#${id}-matrix`;
  return `${palette(scope)}
${scope}{font-family:system-ui,-apple-system,"Segoe UI",Roboto,"Noto Sans","Liberation Sans",sans-serif}
${scope} text{fill:var(--ink);font-size:13px}
${scope} .middle{text-anchor:middle}
${scope} .title{font-size:16px;font-weight:650}
${scope} .pod,${scope} .column{font-weight:600}
${scope} .key,${scope} .legend{fill:var(--muted);font-size:12px}
${scope} .digest{fill:var(--muted);font-size:11px;font-family:ui-monospace,SFMono-Regular,Menlo,Consolas,"Liberation Mono",monospace}
${scope} .line{stroke:var(--line);stroke-width:1}
${scope} .paper{fill:var(--paper)}
${signStyle}`;
}

/** A text alternative: one sentence for each pod and each line below the matrix. */
function description(matrix: AccessMatrix, lines: readonly string[]): string {
  const cellsOf = cellsByRow(matrix);
  const sentences = matrix.rows.map((row) => {
    const read = cellsOf(row)
      .filter(({ allowed }) => allowed)
      .map(({ secret, key }) => `${secret}/${key}`);
    return `${row.pod} may read ${read.length === 0 ? "nothing" : read.join(", ")}.`;
  });
  return [...sentences, ...lines.map((line) => `${line}.`)].join(" ");
}

/** The width and left margin of the picture without a title, in CSS pixels. */
export function pictureSize(matrix: AccessMatrix): { readonly width: number; readonly margin: number } {
  return { width: layOut(matrix, false).width, margin: PAD };
}

/**
 * The access matrix as a self-contained SVG document for light and dark screens. Every cell has a colour and
 * a sign.
 */
export function matrixSvg(
  matrix: AccessMatrix,
  { title, id = "access", others = [] }: PictureOptions = {},
): string {
  const otherLines = others.map(otherReaderLine);
  const layout = layOut(matrix, title !== undefined, otherLines);
  const { left, top, width, height } = layout;
  const lines = [...matrix.rows, undefined].map((_, index) => {
    const y = top + index * ROW + 0.5;
    return `<line class="line" x1="${PAD}" y1="${y}" x2="${round(width - PAD)}" y2="${y}"/>`;
  });
  const rowNumbers = new Map(matrix.rows.map(({ pod, namespace }, index) => [`${namespace}/${pod}`, index]));
  const columnNumbers = new Map(matrix.columns.map(({ secret, key }, index) => [`${secret}/${key}`, index]));
  const cells = matrix.cells.map((cell) =>
    cellBadge(
      cell,
      rowNumbers.get(`${cell.namespace}/${cell.pod}`) ?? 0,
      columnNumbers.get(`${cell.secret}/${cell.key}`) ?? 0,
      layout,
    ),
  );
  const nothing =
    matrix.cells.length > 0 ? [] : [text(left, top + 30, "key", "There is no pod with a secret to read.")];
  return `<svg xmlns="http://www.w3.org/2000/svg" id="${id}-matrix" role="img" aria-labelledby="${id}-title ${id}-text" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}">
<title id="${id}-title">Which pod may read which secret${title === undefined ? "" : `: ${escapeText(title)}`}</title>
<desc id="${id}-text">${escapeText(description(matrix, otherLines))}</desc>
<style>${style(id)}</style>
${[
  `<rect class="paper" width="${width}" height="${height}" rx="10"/>`,
  ...(title === undefined ? [] : [text(PAD, 34, "title", title)]),
  ...lines,
  ...matrix.columns.map((column, index) => columnHead(column, index, layout)),
  ...matrix.rows.map((row, index) => rowHead(row, index, layout)),
  ...cells,
  ...nothing,
  ...otherLines.map((line, index) => otherLine(line, index, layout)),
  legend(layout),
].join("\n")}
</svg>
`;
}
