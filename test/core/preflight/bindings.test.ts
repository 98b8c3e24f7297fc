import { describe, expect, it } from "vitest";
import { bindingsOfClass } from "../../../core/initdata/tee.ts";
import { check } from "./support.ts";

/** The warnings about bindings, for pods with these settings in a cloud. */
function warnings(pod: Readonly<Record<string, unknown>>, podCluster = {}): readonly string[] {
  const { warnings: all, issues } = check({
    pods: [
      { name: "a", ...pod },
      { name: "b", ...pod },
    ],
    podCluster,
  });
  expect(issues).toEqual([]);
  return all.filter((line) => line.startsWith("TA108"));
}

// The names of https://github.com/kata-containers/kata-containers/blob/main/tools/packaging/kata-deploy/runtimeclasses
it.each([
  ["kata-qemu-snp", ["snp"]],
  ["kata-qemu-snp-runtime-rs", ["snp"]],
  ["kata-qemu-nvidia-gpu-snp", ["snp"]],
  ["kata-qemu-tdx", ["tdx"]],
  ["kata-qemu-tdx-runtime-rs", ["tdx"]],
  ["kata-qemu-nvidia-gpu-tdx", ["tdx"]],
  ["kata-snp", ["snp"]],
  ["kata-qemu-coco-dev", ["sample"]],
  ["kata-qemu-coco-dev-runtime-rs", ["sample"]],
  ["kata-qemu-se", []],
  ["kata-qemu-cca", []],
  ["kata-remote", undefined],
  ["kata-cc", undefined],
  ["tdxless", undefined],
])("the binding of a runtime class is known by its name: %s", (name, bindings) => {
  expect(bindingsOfClass(name)).toEqual(bindings);
});

describe("a binding that does not fit", () => {
  const because = "the TEE's claim does not match the grant, so every secret is denied";

  it.each<[Readonly<Record<string, unknown>>, { readonly cloud?: string }, string, string]>([
    [{ runtimeClassName: "kata-qemu-snp" }, {}, "runtimeClassName", "snp"],
    [{ runtimeClassName: "kata-qemu-tdx" }, { cloud: "azure" }, "runtimeClassName", "tdx"],
    [{ runtimeClassName: "kata-qemu-coco-dev" }, {}, "runtimeClassName", "sample"],
    [{ runtimeClassName: "kata-qemu" }, {}, "runtimeClassName", "sample"],
    [{ runtimeClassName: "kata-qemu-snp", binding: "tdx" }, {}, "runtimeClassName", "snp"],
    [{}, { cloud: "aws" }, "podCluster.cloud", "snp or sample"],
    [{}, { cloud: "libvirt" }, "podCluster.cloud", "snp, tdx or sample"],
    [{ binding: "snp" }, { cloud: "azure" }, "podCluster.cloud", "azure-vtpm or sample"],
    [{ binding: "tdx", machineType: "Standard_DC2as_v5" }, {}, "machineType", "azure-vtpm or sample"],
    [
      { deploy: false, runtimeClassName: "kata-qemu-snp" },
      { cloud: "aws" },
      "podCluster.cloud",
      "snp or sample",
    ],
  ])("is reported with those that fit: %j %j", (pod, podCluster, by, fits) => {
    const { binding = "azure-vtpm", [by]: value = podCluster.cloud } = pod;
    expect(warnings(pod, podCluster)).toEqual([
      `TA108 pods[0].binding: ${String(binding)} (a, b), but ${by} ${String(value)} fits ${fits}: ${because}. ` +
        `Set binding to ${fits}, for each of them or in podDefaults, or correct ${by}.`,
    ]);
  });

  it("is reported for a TEE without a binding", () => {
    expect(warnings({ runtimeClassName: "kata-qemu-se" })).toEqual([
      `TA108 pods[0].binding: azure-vtpm (a, b), but runtimeClassName kata-qemu-se fits none of the bindings: ${because}. Correct runtimeClassName.`,
    ]);
  });

  it.each([
    [{}, {}],
    [{}, { cloud: "azure" }],
    [{ binding: "snp" }, {}],
    [{ binding: "snp" }, { cloud: "aws" }],
    [{ binding: "sample" }, { cloud: "libvirt" }],
    [{ binding: "snp", runtimeClassName: "kata-qemu-snp" }, { cloud: "aws" }],
    [{ deploy: false, runtimeClassName: "kata-qemu-snp" }, {}],
  ])("gives no warning: %j %j", (pod, podCluster) => {
    expect(warnings(pod, podCluster)).toEqual([]);
  });
});
