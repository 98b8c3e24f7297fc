import { describe, expect, it } from "vitest";
import { contentOf } from "../../cli/commands/report-content.ts";
import { expectedCells, stackFacts } from "../../cli/commands/stack.ts";
import { encodeAnnotation } from "../../core/initdata/annotation.ts";
import { initDataClaim } from "../../core/initdata/binding.ts";
import { pcr8, toml } from "../fixtures/live-facts.ts";
import { stackOutputs } from "../fixtures/stack-outputs.ts";

/** A pod in the outputs, as an older release put it out. */
const pod = { name: "pod1", namespace: "default", container: "c" };

describe("a reader that is called as what every object inherits", () => {
  const stack = stackOutputs({
    access: { constructor: { "p2-secret/secret": "granted" } },
    initData: { constructor: pcr8.pod2 },
  });

  it("is no pod of the stack, so that verify asks none", () => {
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

describe("what a stack knows of its own", () => {
  it("is each reader's claim, how each pod's TEE binds it, and the entries that it writes", () => {
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
});

describe("what the report calls the claims", () => {
  const initData = { pod1: initDataClaim("snp", "sha256", toml("pod1")) };

  it.each<[string, Readonly<Record<string, unknown>>, string]>([
    ["PCR8 of a vTPM", { pods: { pod1: { ...pod, binding: "azure-vtpm" } } }, "PCR8 (init_data)"],
    ["host data, which is as long", { initData, pods: { pod1: { ...pod, binding: "snp" } } }, "init_data"],
    ["PCR8 of a stack of an older release", { pods: { pod1: pod } }, "PCR8 (init_data)"],
    ["host data of a stack of an older release", { initData, pods: { pod1: pod } }, "init_data"],
    [
      "of a reader of whom no binding is known",
      { initData: { pod1: pcr8.pod1, outside: pcr8.pod2 } },
      "init_data",
    ],
  ])("goes by the binding: %s", (_, changes, expected) => {
    expect(contentOf(stackOutputs(changes)).claimName).toBe(expected);
  });
});
