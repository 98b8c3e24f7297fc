import { describe, expect, test } from "vitest";
import { describeUnseen, unseenChanges } from "../../../core/rollout/decide.ts";
import type { ChangedObject, ObservedDeployment, ObservedPod } from "../../../core/rollout/observation.ts";
import { isPulumi, lastOwnWrite } from "../../../core/rollout/own-writes.ts";
import { pod, policy, settled } from "./fixtures.ts";

const secret: ChangedObject = { kind: "Secret", name: "s", changedAt: 90, resourceVersion: "40" };

function unseen(pods: readonly ObservedPod[], more: Partial<ObservedDeployment> = {}): readonly string[] {
  const live = pods.filter(({ terminating }) => !terminating);
  const view = { pods, deployment: settled(live.length, more) };
  return unseenChanges(view, [policy, secret]).map(({ name }) => name);
}

describe("a change of ours that the KBS has not seen", () => {
  test.each<[string, readonly ObservedPod[], readonly string[]]>([
    ["one pod is older than both", [pod(120), pod(80)], ["policy", "s"]],
    ["a pod is older than one of them", [pod(95)], ["policy"]],
    ["every pod is younger", [pod(101), pod(120)], []],
    ["a pod of the same second: the order is unknown", [pod(100)], []],
    ["its template names the changed version", [pod(80, { configMapVersions: { policy: "50" } })], ["s"]],
    ["its template names an earlier one", [pod(95, { configMapVersions: { policy: "49" } })], ["policy"]],
    ["the older pod is terminating", [pod(120), pod(80, { terminating: true })], []],
    ["scaled to nothing", [], []],
  ])("%s", (_, pods, names) => {
    expect(unseen(pods)).toStrictEqual(names);
  });

  test.each<[string, Partial<ObservedDeployment>]>([
    ["its controller has not seen it yet", { generation: 4 }],
    ["pods of the old template are left", { currentReplicas: 2 }],
    ["a pod is not available", { availableReplicas: 0 }],
  ])("nothing is reported during a rollout: %s", (_, more) => {
    expect(unseen([pod(80)])).toStrictEqual(["policy", "s"]);
    expect(unseen([pod(80)], more)).toStrictEqual([]);
  });

  test("in words", () => {
    expect(describeUnseen([])).toBeUndefined();
    expect(describeUnseen([policy, secret])).toBe(
      "a KBS pod is older than the last write to ConfigMap policy, Secret s",
    );
  });
});

describe("our last write to an object", () => {
  const at = (second: number): string => `2026-01-01T00:00:${String(second).padStart(2, "0")}Z`;

  test("is the latest of our managers, whatever others wrote since", () => {
    const fields = [
      { manager: "pulumi-kubernetes-12345678", time: at(3) },
      { manager: "pulumi-kubernetes", time: at(1) },
      { manager: "kubectl-patch", time: at(9) },
      { manager: "pulumi-kubernetesque", time: at(8) },
      { time: at(7) },
      { manager: "pulumi-kubernetes-no-time" },
      { manager: "pulumi-kubernetes-odd", time: "soon" },
    ];
    expect(lastOwnWrite(fields, isPulumi)).toBe(at(3));
    expect(lastOwnWrite(fields.toReversed(), isPulumi)).toBe(at(3));
  });

  test("is unknown if we never wrote, or without managedFields", () => {
    expect(lastOwnWrite([{ manager: "kubectl", time: at(1) }], isPulumi)).toBeUndefined();
    expect(lastOwnWrite([], isPulumi)).toBeUndefined();
    expect(lastOwnWrite(undefined, isPulumi)).toBeUndefined();
  });
});
