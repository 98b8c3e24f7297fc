import { describe, expect, it } from "vitest";
import { accessMatrix, accessReport, cellsByRow, matrixText } from "../../../core/access/matrix.ts";

const rules = {
  others: "affirming",
  secrets: {
    dataset: { "*": { "azure-vtpm": { aa: "first" } } },
    p2: { value: { "azure-vtpm": { bb: "second" } } },
  },
} as const;
const columns = [
  { secret: "dataset", key: "key" },
  { secret: "p2", key: "value" },
];
const first = { pod: "first", namespace: "default", initData: "aa", binding: "azure-vtpm" as const };
const second = { pod: "second", namespace: "default", initData: "bb", binding: "azure-vtpm" as const };

describe("the matrix as a stack output", () => {
  it("has a line and an entry per pod", () => {
    const matrix = accessMatrix(rules, [first, second], columns);
    expect(matrixText(matrix)).toEqual([
      "        dataset/key  p2/value",
      "first   ✓ may read   ✗ denied",
      "second  ✗ denied     ✓ may read",
    ]);
    expect(accessReport(matrix)).toEqual({
      first: { "dataset/key": "granted", "p2/value": "not-a-reader" },
      second: { "dataset/key": "not-a-reader", "p2/value": "granted" },
    });
  });

  it("separates pods of one name in two namespaces", () => {
    const other = { ...first, namespace: "other", initData: "bb" };
    const matrix = accessMatrix(rules, [first, other], columns);
    expect(matrixText(matrix)).toEqual([
      "       dataset/key  p2/value",
      "first  ✓ may read   ✗ denied",
      "first  ✗ denied     ✓ may read",
    ]);
    expect(cellsByRow(matrix)(other)).toEqual(matrix.cells.slice(2));
  });

  it("has no cell for a pod outside of it", () => {
    expect(cellsByRow(accessMatrix(rules, [first], columns))(second)).toEqual([]);
  });
});
