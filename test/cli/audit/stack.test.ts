import { describe, expect, it } from "vitest";
import { contentOf } from "../../../cli/report/content.ts";
import { expectedCells, stackFacts } from "../../../cli/audit/stack.ts";
import { encodeAnnotation } from "../../../core/initdata/annotation.ts";
import { initDataClaim } from "../../../core/initdata/binding.ts";
import { pcr8, toml } from "../../fixtures/live-facts.ts";
import { stackOutputs } from "../../fixtures/stack-outputs.ts";

/** A pod in the outputs of an older release. */
const pod = { name: "pod1", namespace: "default", container: "c" };

describe("a reader with an inherited name", () => {
  const stack = stackOutputs({
    access: { constructor: { "p2-secret/secret": "granted" } },
    initData: { constructor: pcr8.pod2 },
  });

  it("is no pod of the stack, so verify skips it", () => {
    expect(expectedCells(stack)).toEqual([
      {
        reader: "constructor",
        pod: "constructor",
        namespace: "",
        deployed: false,
        secret: "p2-secret",
        key: "secret",
        allowed: true,
      },
    ]);
  });

  it("is a row without a namespace in the report", () => {
    expect(contentOf(stack).matrix.rows).toMatchObject([{ pod: "constructor", namespace: "" }]);
  });
});

it("the stack's own facts are each reader's claim, each pod's binding, and the entries that the stack writes", () => {
  const hostData = initDataClaim("snp", "sha256", toml("pod2"));
  const initData = { pod1: pcr8.pod1, pod2: hostData, outside: pcr8.pod3 };
  const annotations = { pod1: encodeAnnotation(toml("pod1")), pod2: encodeAnnotation(toml("pod2")) };
  const referenceValuesExpire = { my_entry: "2035-01-01T00:00:00Z" };
  expect(stackFacts(stackOutputs({ initData, annotations, referenceValuesExpire }))).toEqual({
    claims: initData,
    bindings: { pod1: "azure-vtpm", pod2: "snp" },
    entries: ["my_entry"],
  });
});

describe("the report's name of the claims", () => {
  const initData = { pod1: initDataClaim("snp", "sha256", toml("pod1")) };

  it.each<[string, Readonly<Record<string, unknown>>, string]>([
    ["PCR8 of a vTPM", { pods: { pod1: { ...pod, binding: "azure-vtpm" } } }, "PCR8 (init_data)"],
    ["host data of the same length", { initData, pods: { pod1: { ...pod, binding: "snp" } } }, "init_data"],
    ["PCR8 of a stack of an older release", { pods: { pod1: pod } }, "PCR8 (init_data)"],
    ["host data of a stack of an older release", { initData, pods: { pod1: pod } }, "init_data"],
    ["a reader with an unknown binding", { initData: { pod1: pcr8.pod1, outside: pcr8.pod2 } }, "init_data"],
  ])("depends on the binding: %s", (_, changes, expected) => {
    expect(contentOf(stackOutputs(changes)).claimName).toBe(expected);
  });
});
