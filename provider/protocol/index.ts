/** Serves Pulumi's provider gRPC protocol. Knows nothing of what it is used for, and loads nothing of Pulumi's SDK but its messages. */
export { changes, detailedDiff } from "./diff.ts";
export type { Log } from "./engine-log.ts";
export { InputPropertiesError, TimeoutError, UnimplementedError } from "./errors.ts";
export * from "./property-value.ts";
export type * from "./provider.ts";
export { serve } from "./serve.ts";
