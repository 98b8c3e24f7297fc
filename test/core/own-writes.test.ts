import { describe, expect, test } from "vitest";
import { isPulumi, lastOwnWrite } from "../../core/rollout/own-writes.ts";

describe("our last write to an object", () => {
  const at = (second: number): string => `2026-01-01T00:00:${String(second).padStart(2, "0")}Z`;

  test("is the latest of our managers, whatever others wrote since", () => {
    const fields = [
      { manager: "pulumi-kubernetes-12345678", time: at(3) },
      { manager: "pulumi-kubernetes", time: at(1) },
      { manager: "kubectl-patch", time: at(9) },
      { manager: "pulumi-kubernetesque", time: at(8) },
      { time: at(7) },
      { manager: "pulumi-kubernetes-no-time" },
      { manager: "pulumi-kubernetes-odd", time: "soon" },
    ];
    expect(lastOwnWrite(fields, isPulumi)).toBe(at(3));
    expect(lastOwnWrite(fields.toReversed(), isPulumi)).toBe(at(3));
  });

  test("is unknown if we never wrote, or without managedFields", () => {
    expect(lastOwnWrite([{ manager: "kubectl", time: at(1) }], isPulumi)).toBeUndefined();
    expect(lastOwnWrite([], isPulumi)).toBeUndefined();
    expect(lastOwnWrite(undefined, isPulumi)).toBeUndefined();
  });
});
