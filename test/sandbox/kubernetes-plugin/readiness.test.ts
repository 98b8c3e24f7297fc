import { describe, expect, test } from "vitest";
import type { JsonObject } from "../../../protocol/index.ts";
import { readiness } from "../../../sandbox/kubernetes-plugin/readiness.ts";

const ready = { ready: true, messages: [] };
const waiting = (...messages: string[]) => ({ ready: false, messages });

describe("a pod", () => {
  const pod = (status: JsonObject, spec: JsonObject = { restartPolicy: "Always" }): JsonObject => ({
    apiVersion: "v1",
    kind: "Pod",
    spec,
    status,
  });
  const isReady = { type: "Ready", status: "True" };
  const container = (state: JsonObject): JsonObject => ({ name: "c", state });

  test.each<[string, JsonObject, ReturnType<typeof readiness>]>([
    ["runs and is ready", pod({ phase: "Running", conditions: [isReady] }), ready],
    ["runs only", pod({ phase: "Running", conditions: [] }), waiting("containers are not ready yet")],
    ["is new", pod({}), waiting("phase unknown")],
    ["is done and meant to end", pod({ phase: "Succeeded" }, { restartPolicy: "Never" }), ready],
    ["is done but meant to run", pod({ phase: "Succeeded" }), waiting("phase Succeeded")],
    [
      "has no node",
      pod({
        phase: "Pending",
        conditions: [{ type: "PodScheduled", status: "False", message: "0/1 nodes fit" }],
      }),
      waiting("not scheduled: 0/1 nodes fit"),
    ],
    [
      "has a wrong image",
      pod({
        phase: "Pending",
        containerStatuses: [container({ waiting: { reason: "ImagePullBackOff", message: "no such image" } })],
      }),
      waiting("container c: ImagePullBackOff: no such image"),
    ],
    [
      "crashes",
      pod({
        phase: "Running",
        initContainerStatuses: [container({ terminated: { exitCode: 0 } })],
        containerStatuses: [container({ terminated: { exitCode: 3 } })],
      }),
      waiting("container c: exited with code 3"),
    ],
  ])("that %s", (_, object, expected) => {
    expect(readiness(object)).toStrictEqual(expected);
  });
});

describe("workloads", () => {
  const deployment = (status: JsonObject): JsonObject => ({
    apiVersion: "apps/v1",
    kind: "Deployment",
    metadata: { generation: 2 },
    spec: { replicas: 2 },
    status,
  });
  const done = { observedGeneration: 2, replicas: 2, updatedReplicas: 2, availableReplicas: 2 };

  test("a Deployment is ready when all its replicas are new and serve", () => {
    expect(readiness(deployment(done))).toStrictEqual(ready);
    expect(readiness(deployment({ ...done, observedGeneration: 1 })).ready).toBe(false);
    expect(readiness(deployment({ ...done, replicas: 3 })).ready).toBe(false);
    const conditions = [
      { type: "Progressing", status: "False", reason: "ProgressDeadlineExceeded", message: "stuck" },
      { type: "Available", status: "True", reason: "r", message: "m" },
    ];
    expect(
      readiness(deployment({ observedGeneration: 2, replicas: 3, updatedReplicas: 1, conditions })),
    ).toStrictEqual(waiting("0 of 2 replicas are ready, 1 are updated", "ProgressDeadlineExceeded: stuck"));
  });

  test("a DaemonSet and a Job have their own ways", () => {
    const daemons = { apiVersion: "apps/v1", kind: "DaemonSet", metadata: { generation: 1 } };
    const status = {
      observedGeneration: 1,
      desiredNumberScheduled: 2,
      updatedNumberScheduled: 2,
      numberReady: 1,
    };
    expect(readiness({ ...daemons, status })).toStrictEqual(waiting("1 of 2 pods are ready"));
    expect(readiness({ ...daemons, status: { ...status, numberReady: 2 } })).toStrictEqual(ready);
    const job = (...conditions: JsonObject[]) => ({
      apiVersion: "batch/v1",
      kind: "Job",
      status: { conditions },
    });
    expect(readiness(job())).toStrictEqual(waiting("the job is not complete yet"));
    expect(readiness(job({ type: "Complete", status: "True" }))).toStrictEqual(ready);
    expect(
      readiness(job({ type: "Failed", status: "True", reason: "Backoff", message: "gave up" })),
    ).toStrictEqual(waiting("Backoff: gave up"));
  });

  test("whatever else is ready at once", () => {
    expect(readiness({ apiVersion: "v1", kind: "Secret" })).toStrictEqual(ready);
  });
});
