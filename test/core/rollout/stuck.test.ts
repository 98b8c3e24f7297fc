import { expect, test } from "vitest";
import type { ObservedPod } from "../../../core/rollout/observation.ts";
import { isStuck } from "../../../core/rollout/stuck.ts";
import { pod, policy } from "./fixtures.ts";

const broken = pod(101, { ready: false });

test.each<[string, readonly ObservedPod[], number, boolean]>([
  ["its only pod does not become Ready", [broken], 30, true],
  ["one of two does not", [pod(102), broken], 30, true],
  ["the old one is on its way out", [broken, pod(90, { terminating: true })], 30, true],
  ["something has just changed", [broken], 29, false],
  ["every pod is Ready", [pod(101)], 1_000, false],
  ["a pod is left that a restart would help", [broken, pod(90)], 1_000, false],
  ["that pod is the one that is not Ready", [pod(90, { ready: false })], 1_000, false],
  ["there is no pod", [], 1_000, false],
])("%s", (_, pods, quietFor, stuck) => {
  expect(isStuck({ pods, changes: [policy], quietFor })).toBe(stuck);
});
