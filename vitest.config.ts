import { join } from "node:path";
import { defineConfig } from "vitest/config";
import { LongestFirst } from "./test/support/longest-first.ts";

/**
 * Not among the quick ones: policies that OPA is asked hundreds of requests about; texts of a megabyte; and commands and
 * CI jobs that run as processes of their own.
 */
const SLOW = [
  "test/cli/questions/{mutants,policy-in-opa}.test.ts",
  "test/cli/{audit/other-policies,check/resource-policy}.test.ts",
  "test/core/hostile-texts.test.ts",
  "test/cli/{exit-codes,secrecy,take-branch,ci,ci-gitlab}.test.ts",
];

/**
 * Tests that start a sandbox, with time for a first build of its tools. Files wait a part of
 * their time, so four run at a time on two cores, in workers that load the code once. Most files take a sandbox that the
 * worker's previous files have left as it was. In CI,
 * where machines are shared and a wait can be starved, one that fails is tried once more; it is reported as
 * retried.
 */
const cluster = {
  isolate: false,
  maxWorkers: 4,
  sequence: { groupOrder: 1 },
  testTimeout: 600_000,
  hookTimeout: 1_800_000,
  retry: process.env["CI"] === undefined ? 0 : 1,
};

/** Tests without a cluster: one worker for each processor. Each loads the code once for all of its files. */
const quick = {
  isolate: false,
  maxWorkers: "100%",
  sequence: { groupOrder: 0 },
  testTimeout: 60_000,
};

export default defineConfig({
  test: {
    reporters: [
      process.env["CI"] === undefined ? "default" : "verbose",
      "./test/support/summary-reporter.ts",
    ],
    passWithNoTests: false,
    sequence: { sequencer: LongestFirst },
    env: {
      // Commands and the sandbox, which tests start as programs, are compiled once.
      NODE_COMPILE_CACHE: join(import.meta.dirname, "node_modules/.cache/trustee-access"),
      // pulumi, its plugins and kubectl run for a second: they collect garbage less often, and need 20 MB more.
      GOGC: "400",
    },
    projects: [
      {
        extends: true,
        test: {
          name: "unit",
          include: ["test/{core,components,cli,kube,sandbox}/**/*.test.ts"],
          exclude: ["test/sandbox/live/**", ...SLOW],
          ...quick,
          hookTimeout: 1_800_000,
        },
      },
      { extends: true, test: { ...quick, name: "slow", include: SLOW, testTimeout: 600_000 } },
      {
        extends: true,
        test: { ...cluster, name: "sandbox", include: ["test/sandbox/live/**/*.test.ts"] },
      },
      {
        extends: true,
        test: {
          name: "provider",
          include: ["test/provider/**/*.test.ts"],
          ...quick,
        },
      },
      {
        extends: true,
        test: {
          ...cluster,
          name: "e2e",
          include: ["test/e2e/**/*.test.ts"],
          globalSetup: "test/e2e/support/end.ts",
        },
      },
      // Only where a Chromium is installed: by .ci/run, not by `npm test`.
      { extends: true, test: { ...cluster, name: "browser", include: ["test/browser/**/*.test.ts"] } },
      // Only where the data of the real operators is at hand: by .ci/run, not by `npm test`.
      {
        extends: true,
        test: { ...cluster, name: "shared-data", include: ["test/shared-data/**/*.test.ts"] },
      },
    ],
  },
});
