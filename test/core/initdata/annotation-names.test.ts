import { describe, expect, it } from "vitest";
import {
  decodeAnnotation,
  encodeAnnotation,
  INITDATA_ANNOTATION,
} from "../../../core/initdata/annotation.ts";
import { strayNames, strayWords } from "../../../core/initdata/annotation-names.ts";

const FORMER = "io.katacontainers.config.runtime.cc_init_data";

describe("an annotation that looks like the initdata annotation", () => {
  it.each([
    FORMER,
    "io.katacontainers.config.hypervisor.cc_initdata",
    "io.katacontainers.config.hypervisor.cc-init-data",
    "io.katacontainers.config.hypervisor.cc_init_dat",
    "io.katacontainers.config.hypervisor.CC_INIT_DATA",
    "io.katacontainer.config.hypervisor.cc_init_data",
    "io.katacontainers.config.hypervisor.init_data",
    "cc_init_data",
    "katacontainers.io/initdata",
  ])("is recognized by its name: %s", (name) => {
    expect(strayNames({ [name]: "x", [INITDATA_ANNOTATION]: "y", other: "z" })).toEqual([name]);
  });

  it.each([
    INITDATA_ANNOTATION,
    "io.katacontainers.config.hypervisor.machine_type",
    "io.katacontainers.config.hypervisor.default_memory",
    "coco.io/initdata-configmap",
    "example.com/data",
    `example.com/${"x".repeat(63)}`,
  ])("is not confused with another one: %s", (name) => {
    expect(strayNames({ [name]: "x" })).toEqual([]);
  });

  it("is described", () => {
    expect([FORMER, "cc_init_data"].map(strayWords)).toEqual([
      `${FORMER} is the former name of the initdata annotation, which only old runtimes read`,
      "cc_init_data is not the name of the initdata annotation, so no runtime reads it",
    ]);
  });
});

// Kata's Go runtime, src/runtime/pkg/oci/utils.go: base64.NewDecoder, which skips "\r" and "\n".
describe("an annotation with line breaks", () => {
  it.each(["\n", "\r\n"])("is read as if it had none: %j", (end) => {
    const value = encodeAnnotation("algorithm = 'sha256'\n");
    const broken = (value.match(/.{1,16}/g) ?? []).join(end) + end;
    expect(decodeAnnotation(broken)).toEqual(decodeAnnotation(value));
  });

  it("must not have blanks", () => {
    expect(() => decodeAnnotation("AA AA")).toThrow("is not base64");
  });
});
