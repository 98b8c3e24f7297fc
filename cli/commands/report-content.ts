import { matrixOfReport } from "../../core/access/matrix.ts";
import type { PageContent } from "../report/content.ts";
import { own } from "../../core/records.ts";
import { bindingsOf } from "./stack.ts";
import type { StackOutputs } from "../../core/outputs.ts";

/** The page's content from a stack's outputs. */
export function contentOf(stack: StackOutputs): PageContent {
  const bindings = bindingsOf(stack);
  const rows = Object.entries(stack.initData).map(([pod, initData]) => ({
    pod,
    namespace: own(stack.pods, pod)?.namespace ?? "",
    initData,
    binding: own(bindings, pod) ?? "azure-vtpm",
  }));
  const { url, generation, namespace } = stack.trustee;
  return {
    stack: stack.grants.stack,
    matrix: matrixOfReport(stack.access, rows),
    claimName: rows.every(({ pod }) => own(bindings, pod) === "azure-vtpm")
      ? "PCR8 (init_data)"
      : "init_data",
    otherReaders: stack.otherReaders,
    trustee: { url, generation, namespace },
    expiries: Object.entries(stack.referenceValuesExpire).map(([entry, expiration]) => ({
      entry,
      expiration,
    })),
  };
}
