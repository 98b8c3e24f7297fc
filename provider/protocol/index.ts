/** Pulumi's provider gRPC protocol. Knows no Trustee, and loads only the messages of Pulumi's SDK. */
export { changes, detailedDiff, equalValues } from "./diff.ts";
export type { Change } from "./diff.ts";
export type { Log } from "./engine-log.ts";
export { TimeoutError, UnimplementedError } from "./errors.ts";
export * from "./property-value.ts";
export type * from "./provider.ts";
export { serve } from "./serve.ts";
