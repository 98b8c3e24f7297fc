/** Serves Pulumi's provider gRPC protocol. Knows nothing of what it is used for, and loads nothing of Pulumi's SDK but its messages. */
export { changes, detailedDiff, type Change } from "./diff.ts";
export type { Log } from "./engine-log.ts";
export {
  CancelledError,
  InputPropertiesError,
  messageOf,
  PartialFailure,
  TimeoutError,
  UnimplementedError,
  type PartialState,
  type PropertyError,
} from "./errors.ts";
export * from "./property-value.ts";
export type * from "./provider.ts";
export { serve, type ServeOptions } from "./serve.ts";
export { startServer, type ProviderServer, type ServerOptions } from "./server.ts";
