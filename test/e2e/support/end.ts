import { stopKept } from "./shared-sandbox.ts";

/** Runs once, after all end-to-end tests. */
export const teardown = stopKept;
