export * from "../support/fault-proxy.ts";
