import { matrixOfReport } from "../../../core/access/matrix.ts";
import type { PageContent } from "../../../core/access/page/content.ts";
import type { StackOutputs } from "../../stack.ts";

/** A PCR of a vTPM's SHA-256 bank, and SNP's host data, in hex. */
const PCR_DIGITS = 64;

/** What a stack's outputs have to show. */
export function contentOf(stack: StackOutputs): PageContent {
  const rows = Object.entries(stack.initData).map(([pod, initData]) => ({
    pod,
    namespace: stack.pods[pod]?.namespace ?? "",
    initData,
  }));
  const { url, generation, namespace } = stack.trustee;
  return {
    stack: stack.grants.stack,
    matrix: matrixOfReport(stack.access, rows),
    claimName: rows.every(({ initData }) => initData.length === PCR_DIGITS)
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
