import { decideFor, decisionOf, type Decision } from "./model.ts";
import type { AccessRules } from "../policy/grants.ts";
import { NO_HARDWARE, type Binding } from "../initdata/binding.ts";
import { otherReaderLine, type OtherReader } from "./other-readers.ts";
import { own } from "../records.ts";

/** A column: one key of one secret in the repository `default`. */
export interface Column {
  readonly secret: string;
  readonly key: string;
}

/** A row: a pod and the claim of its TEE. */
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

/** Who may read what if every pod is affirming: pods x keys, row by row in the given order. */
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
  const cells = rows.flatMap((row) =>
    columns.map(({ secret, key }) => {
      const decision = decideFor(rules, { secret, key }, row);
      return { pod: row.pod, namespace: row.namespace, secret, key, ...decision };
    }),
  );
  return { rows, columns, cells };
}

/** An index of the cells by row, because there may be many pods. */
export function cellsByRow({
  cells,
}: AccessMatrix): (row: Pick<Row, "pod" | "namespace">) => readonly Cell[] {
  const keyOf = ({ pod, namespace }: Pick<Row, "pod" | "namespace">): string =>
    JSON.stringify([namespace, pod]);
  const rows = Map.groupBy(cells, keyOf);
  return (row) => rows.get(keyOf(row)) ?? [];
}

/** A line naming the readers without hardware attestation; empty if there are none. */
export function withoutHardware(rows: readonly Pick<Row, "pod" | "binding">[]): readonly string[] {
  const pods = rows.filter(({ binding }) => binding === "sample").map(({ pod }) => pod);
  return pods.length === 0 ? [] : [`${NO_HARDWARE}: ${pods.join(", ")}`];
}

/**
 * The matrix as lines of text for a stack output. Each cell has a sign and a word, never only a color.
 * @param others readers by other stacks' grants, one line each below the matrix. @default none
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

/** Pod -> `secret/key` -> the reason: the matrix as a machine-readable stack output. */
export type AccessReport = Readonly<Record<string, Readonly<Record<string, Decision["why"]>>>>;

export function accessReport(matrix: AccessMatrix): AccessReport {
  const cellsOf = cellsByRow(matrix);
  const row = (pod: Row): Readonly<Record<string, Decision["why"]>> =>
    Object.fromEntries(cellsOf(pod).map((cell) => [`${cell.secret}/${cell.key}`, cell.why]));
  return Object.fromEntries(matrix.rows.map((pod) => [pod.pod, row(pod)]));
}

/** Restores the matrix from a stack output. The first row gives the order of the columns. */
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
