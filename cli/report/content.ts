import { bindingsOf } from "../audit/stack.ts";
import type { Finding } from "../lint/finding.ts";
import { matrixOfReport, type AccessMatrix } from "../../core/access/matrix.ts";
import type { OtherReader } from "../../core/access/other-readers.ts";
import type { StackOutputs } from "../../core/plan/outputs.ts";
import { own } from "../../core/records.ts";

/** An entry of the reference values and its expiration. */
export interface Expiry {
  readonly entry: string;
  /** `%Y-%m-%dT%H:%M:%SZ`. */
  readonly expiration: string;
}

/** The page's content. */
export interface PageContent {
  /** `organization/project/stack`. */
  readonly stack: string;
  readonly matrix: AccessMatrix;
  /** The claims' name: `PCR8` if all pods have a vTPM, else `init_data`. */
  readonly claimName: string;
  readonly trustee: { readonly url: string; readonly generation: string; readonly namespace: string };
  readonly expiries: readonly Expiry[];
  /** Readers of the stack's secrets by other stacks' grants. @default none */
  readonly otherReaders?: readonly OtherReader[];
  /** The audit's findings. Absent: no audit. */
  readonly findings?: readonly Finding[];
  /** The page's time. If given, the page shows the days until the reference values expire. */
  readonly at?: Date;
}

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
