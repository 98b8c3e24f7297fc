import { decide, decisionOf, DEFAULT_REPOSITORY, type AccessRules, type Decision } from "./model.ts";
import { NO_HARDWARE, type Binding } from "../initdata/binding.ts";
import { affirmingToken } from "./token.ts";
import { otherReaderLine, type OtherReader } from "./other-readers.ts";
import { own } from "../records.ts";

/** A column of the matrix: one key of one secret in the repository `default`. */
export interface Column {
  readonly secret: string;
  readonly key: string;
}

/** A row of the matrix: a pod by the claim that its TEE will make. */
export interface Row {
  readonly pod: string;
  readonly namespace: string;
  /** The claim `init_data`. */
  readonly initData: string;
  /** How its TEE binds initdata. */
  readonly binding: Binding;
}

export interface Cell extends Column {
  readonly pod: string;
  readonly namespace: string;
  readonly allowed: boolean;
  readonly why: Decision["why"];
}

/** Who may read what, once every pod attests as affirming: pods x keys, row by row in the order given. */
export interface AccessMatrix {
  readonly rows: readonly Row[];
  readonly columns: readonly Column[];
  readonly cells: readonly Cell[];
}

export function accessMatrix(
  rules: AccessRules,
  rows: readonly Row[],
  columns: readonly Column[],
): AccessMatrix {
  const cells = rows.flatMap(({ pod, namespace, initData, binding }) =>
    columns.map(({ secret, key }) => {
      const data = { "resource-path": [DEFAULT_REPOSITORY, secret, key], plugin: "resource" };
      return { pod, namespace, secret, key, ...decide(rules, data, affirmingToken(initData, binding)) };
    }),
  );
  return { rows, columns, cells };
}

/** The cells of any row, gathered in one pass: there are as many rows as pods. */
export function cellsByRow({
  cells,
}: AccessMatrix): (row: Pick<Row, "pod" | "namespace">) => readonly Cell[] {
  const keyOf = ({ pod, namespace }: Pick<Row, "pod" | "namespace">): string =>
    JSON.stringify([namespace, pod]);
  const rows = new Map<string, Cell[]>();
  for (const cell of cells) {
    const known = rows.get(keyOf(cell));
    if (known === undefined) rows.set(keyOf(cell), [cell]);
    else known.push(cell);
  }
  return (row) => rows.get(keyOf(row)) ?? [];
}

/** The readers among these that no hardware attests, in a line; nothing where there are none. */
export function withoutHardware(rows: readonly Pick<Row, "pod" | "binding">[]): readonly string[] {
  const pods = rows.filter(({ binding }) => binding === "sample").map(({ pod }) => pod);
  return pods.length === 0 ? [] : [`${NO_HARDWARE}: ${pods.join(", ")}`];
}

/**
 * The matrix as lines of text, for a stack output: a sign and a word in each cell, never colour alone.
 * @param others who reads the stack's secrets by other stacks' grants: a line each, below. @default nobody
 */
export function matrixText(matrix: AccessMatrix, others: readonly OtherReader[] = []): string[] {
  const cellsOf = cellsByRow(matrix);
  const table = [
    ["", ...matrix.columns.map(({ secret, key }) => `${secret}/${key}`)],
    ...matrix.rows.map((row) => [
      row.pod,
      ...cellsOf(row).map((cell) => (cell.allowed ? "✓ may read" : "✗ denied")),
    ]),
  ];
  const widths = (table[0] ?? []).map((_, column) =>
    Math.max(...table.map((line) => line[column]?.length ?? 0)),
  );
  const lines = table.map((line) =>
    line
      .map((text, column) => text.padEnd(widths[column] ?? 0))
      .join("  ")
      .trimEnd(),
  );
  return [...lines, ...withoutHardware(matrix.rows), ...others.map(otherReaderLine)];
}

/** Pod -> `secret/key` -> why it may or may not read it: the matrix for machines, as a stack output. */
export type AccessReport = Readonly<Record<string, Readonly<Record<string, Decision["why"]>>>>;

export function accessReport(matrix: AccessMatrix): AccessReport {
  const cellsOf = cellsByRow(matrix);
  const row = (pod: Row): Readonly<Record<string, Decision["why"]>> =>
    Object.fromEntries(cellsOf(pod).map((cell) => [`${cell.secret}/${cell.key}`, cell.why]));
  return Object.fromEntries(matrix.rows.map((pod) => [pod.pod, row(pod)]));
}

/** The matrix again from what a stack put out: its rows in the order given, its columns in the order of the first row. */
export function matrixOfReport(report: AccessReport, rows: readonly Row[]): AccessMatrix {
  const paths = [...new Set(rows.flatMap(({ pod }) => Object.keys(own(report, pod) ?? {})))];
  const columns = paths.map((path) => {
    const [secret = "", key = ""] = path.split("/");
    return { secret, key };
  });
  const cells = rows.flatMap(({ pod, namespace }) =>
    columns.flatMap(({ secret, key }): Cell[] => {
      const why = own(own(report, pod), `${secret}/${key}`);
      return why === undefined ? [] : [{ pod, namespace, secret, key, ...decisionOf(why) }];
    }),
  );
  return { rows, columns, cells };
}
