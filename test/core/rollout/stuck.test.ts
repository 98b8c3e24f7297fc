import { expect, test } from "vitest";
import type { ObservedPod } from "../../../core/rollout/observation.ts";
import { isStuck } from "../../../core/rollout/decide.ts";
import { pod, policy } from "./fixtures.ts";

const broken = pod(101, { ready: false });

test.each<[string, readonly ObservedPod[], number, boolean]>([
  ["its only pod does not become Ready", [broken], 30, true],
  ["one of two does not", [pod(102), broken], 30, true],
  ["the old one is terminating", [broken, pod(90, { terminating: true })], 30, true],
  ["a recent change", [broken], 29, false],
  ["every pod is Ready", [pod(101)], 1_000, false],
  ["another pod needs a restart", [broken, pod(90)], 1_000, false],
  ["only that pod needs a restart", [pod(90, { ready: false })], 1_000, false],
  ["there is no pod", [], 1_000, false],
])("%s", (_, pods, quietFor, stuck) => {
  expect(isStuck({ pods, changes: [policy], quietFor })).toBe(stuck);
});
