import { describe, expect, test } from "vitest";
import {
  decideRollout,
  describeUnseen,
  isStuck,
  podsDone,
  stillServing,
  unseenChanges,
  type Mounts,
  type RolloutView,
} from "../../core/rollout/decide.ts";
import {
  parseConfigMapVersions,
  seesAll,
  type ChangedObject,
  type KbsDeployment,
  type KbsPod,
} from "../../core/rollout/kbs-pods.ts";

/** A ConfigMap that was changed at second 100. */
const policy: ChangedObject = { kind: "ConfigMap", name: "policy", changedAt: 100, resourceVersion: "50" };

/** A Ready pod that was created at this second. */
const pod = (createdAt: number, more: Partial<KbsPod> = {}): KbsPod => ({
  name: `pod-${createdAt}`,
  uid: `uid-${createdAt}`,
  createdAt,
  ready: true,
  terminating: false,
  ...more,
});

const settled = (replicas: number, more: Partial<KbsDeployment> = {}): KbsDeployment => ({
  generation: 3,
  observedGeneration: 3,
  replicas,
  currentReplicas: replicas,
  updatedReplicas: replicas,
  availableReplicas: replicas,
  paused: false,
  mountedSecrets: [],
  ...more,
});

const secret: ChangedObject = { kind: "Secret", name: "s", changedAt: 100, resourceVersion: "51" };

const view = (
  pods: readonly KbsPod[],
  more: Partial<RolloutView> = {},
  deployment: Partial<KbsDeployment> = {},
): RolloutView => ({
  deployment: settled(1, { mountedSecrets: ["s"], ...deployment }),
  pods,
  changes: [policy],
  secrets: [],
  now: 110,
  quietFor: 0,
  annotated: false,
  evicted: new Set(),
  ...more,
});

const done = { kind: "done" };
const wait = (reason: string) => ({ kind: "wait", reason });
const underWay = wait("its rollout is under way");
const evict = (pod: KbsPod) => ({ kind: "evict", pod });

const old = pod(90);
const fresh = pod(101);

describe("done", () => {
  test("if every pod is younger than the change and Ready, and the Deployment is settled", () => {
    expect(decideRollout(view([fresh]))).toStrictEqual(done);
    expect(decideRollout(view([fresh, { ...fresh, terminating: true }]))).toStrictEqual(done);
  });

  test("if it is scaled to zero: no pod can run the old configuration", () => {
    const none = { replicas: 0, currentReplicas: 0, updatedReplicas: 0, availableReplicas: 0 };
    expect(decideRollout(view([], {}, none))).toStrictEqual(done);
  });

  test("if a pod of the same second has the changed version in its template, and not otherwise", () => {
    expect(seesAll(pod(100), [policy])).toBe(false);
    expect(seesAll(pod(100, { configMapVersions: { policy: "49" } }), [policy])).toBe(false);
    expect(seesAll(pod(100, { configMapVersions: { policy: "50" } }), [policy])).toBe(true);
    expect(seesAll(pod(90, { configMapVersions: { policy: "1000" } }), [policy])).toBe(true);
    expect(seesAll(pod(100, { configMapVersions: { policy: "50", s: "51" } }), [policy, secret])).toBe(false);
  });
});

describe("wait", () => {
  test.each<[string, Partial<KbsDeployment>]>([
    ["the controller has not seen it", { generation: 4 }],
    ["pods of the old template are left", { currentReplicas: 2 }],
    ["the new pod is not available", { availableReplicas: 0 }],
    ["not all new pods are created", { replicas: 2, currentReplicas: 2, updatedReplicas: 1 }],
  ])("%s", (_, deployment) => {
    expect(decideRollout(view([fresh], {}, deployment))).toStrictEqual(underWay);
  });

  test("until the operator mounts the secrets, however long: a restart would not help", () => {
    const missing = view([fresh], { secrets: ["s", "p2-secret"], quietFor: 1_000 });
    expect(decideRollout(missing)).toStrictEqual(wait('the operator has not mounted "p2-secret" yet'));
  });

  test("until a pod that may answer with the old configuration has ended", () => {
    const ending = wait("pod-90 runs the previous configuration, and is ending");
    expect(decideRollout(view([fresh, { ...old, terminating: true }]))).toStrictEqual(ending);
    expect(decideRollout(view([fresh, { ...old, terminating: true }], { quietFor: 1_000 }))).toStrictEqual(
      ending,
    );
  });

  test("until the second of the change is over, before a restart", () => {
    expect(decideRollout(view([old], { now: 100 })).kind).toBe("wait");
    expect(decideRollout(view([old], { now: 101 })).kind).toBe("annotate");
  });

  test("for the operator's own rollout, if it does one, but not forever", () => {
    const versions = { configMapVersions: { policy: "40" } };
    expect(decideRollout(view([old], {}, versions))).toStrictEqual(
      wait('the operator is about to roll it for "policy"'),
    );
    expect(decideRollout(view([old], { quietFor: 31 }, versions))).toStrictEqual(evict(old));
  });
});

describe("restart", () => {
  test("by the annotation if the operator keeps it, once", () => {
    expect(decideRollout(view([old]))).toStrictEqual({ kind: "annotate" });
    const annotated = { restartedAt: "1970-01-01T00:01:50.000Z" };
    expect(decideRollout(view([old], { annotated: true }, annotated))).toStrictEqual(
      wait("its restart is under way"),
    );
  });

  test("not again in a second run that finds the first one's annotation", () => {
    expect(decideRollout(view([old], {}, { restartedAt: "1970-01-01T00:01:50.000Z" })).kind).toBe("wait");
    expect(decideRollout(view([old], {}, { restartedAt: "1970-01-01T00:01:30.000Z" })).kind).toBe("annotate");
  });

  test("by eviction if the annotation was removed", () => {
    expect(decideRollout(view([old], { annotated: true }))).toStrictEqual(evict(old));
  });

  test("by eviction for a changed Secret, which 0.21 does not roll for", () => {
    const versions = { policy: "50" };
    const seen = { ...old, configMapVersions: versions };
    expect(
      decideRollout(view([seen], { changes: [policy, secret] }, { configMapVersions: versions })),
    ).toStrictEqual(evict(seen));
  });

  test("one pod after another, each only once", () => {
    const two = {
      replicas: 2,
      currentReplicas: 2,
      updatedReplicas: 2,
      availableReplicas: 2,
      configMapVersions: {},
    };
    const other = pod(91);
    const quiet = { quietFor: 31 };
    expect(decideRollout(view([old, other], quiet, two))).toStrictEqual(evict(old));
    const evicted = new Set([old.uid]);
    const replaced = view(
      [{ ...old, terminating: true }, other],
      { evicted, ...quiet },
      { ...two, availableReplicas: 1 },
    );
    expect(decideRollout({ ...replaced, quietFor: 1 })).toStrictEqual(underWay);
    expect(decideRollout(view([fresh, other], { evicted, ...quiet }, two))).toStrictEqual(evict(other));
    expect(decideRollout(view([fresh, pod(102)], { evicted, ...quiet }, two))).toStrictEqual(done);
  });

  test("pods that do not become ready with the old configuration, after a while", () => {
    const crashing = [{ ...old, ready: false }];
    const down = { availableReplicas: 0 };
    expect(decideRollout(view(crashing, { quietFor: 29 }, down)).kind).toBe("wait");
    expect(decideRollout(view(crashing, { quietFor: 30 }, down)).kind).toBe("annotate");
  });
});

test("paused rollouts fail at once, unless there is nothing to do", () => {
  expect(decideRollout(view([fresh], {}, { paused: true })).kind).toBe("done");
  expect(decideRollout(view([old], {}, { paused: true }))).toStrictEqual({ kind: "paused" });
});

test("progress counts the Ready pods that see every change", () => {
  expect(podsDone(view([fresh, old, pod(105, { ready: false }), pod(106, { terminating: true })]))).toBe(1);
});

test("reads the versions in the operator's annotation", () => {
  expect(parseConfigMapVersions(undefined)).toBeUndefined();
  expect(parseConfigMapVersions("a:1216, b:1220,:3,c")).toStrictEqual({ a: "1216", b: "1220" });
});

const broken = pod(101, { ready: false });

test.each<[string, readonly KbsPod[], number, boolean]>([
  ["its only pod does not become Ready", [broken], 30, true],
  ["one of two does not", [pod(102), broken], 30, true],
  ["the old one is terminating", [broken, pod(90, { terminating: true })], 30, true],
  ["a recent change", [broken], 29, false],
  ["every pod is Ready", [pod(101)], 1_000, false],
  ["another pod needs a restart", [broken, pod(90)], 1_000, false],
  ["only that pod needs a restart", [pod(90, { ready: false })], 1_000, false],
  ["there is no pod", [], 1_000, false],
])("whether a rollout is stuck: %s", (_, pods, quietFor, stuck) => {
  expect(isStuck({ pods, changes: [policy], quietFor })).toBe(stuck);
});

const rolledOut: Mounts["deployment"] = {
  generation: 3,
  observedGeneration: 3,
  currentReplicas: 1,
  updatedReplicas: 1,
  mountedSecrets: ["other"],
};

describe("what may still serve a secret", () => {
  test("is nothing once neither the template nor any pod mounts it", () => {
    expect(stillServing({ deployment: rolledOut, mounts: { new: ["other"] } }, ["db", "api"])).toEqual([]);
  });

  test("is the template, and every pod that has not ended, even a terminating one", () => {
    const deployment = { ...rolledOut, mountedSecrets: ["db"] };
    expect(stillServing({ deployment, mounts: { old: ["db", "api"], new: [] } }, ["db", "api"])).toEqual([
      `the operator still mounts "db"`,
      `pod old still mounts "db", "api"`,
    ]);
  });

  test.each([
    ["the controller has not seen the new template", { observedGeneration: 2 }],
    ["a pod of the previous template may be created again", { currentReplicas: 2 }],
  ])("is a rollout in progress: %s", (_, more) => {
    expect(stillServing({ deployment: { ...rolledOut, ...more }, mounts: { new: [] } }, ["db"])).toEqual([
      "its rollout is under way",
    ]);
  });
});

const ours: ChangedObject = { kind: "Secret", name: "s", changedAt: 90, resourceVersion: "40" };

function unseen(pods: readonly KbsPod[], more: Partial<KbsDeployment> = {}): readonly string[] {
  const live = pods.filter(({ terminating }) => !terminating);
  const view = { pods, deployment: settled(live.length, more) };
  return unseenChanges(view, [policy, ours]).map(({ name }) => name);
}

describe("a change of ours that the KBS has not seen", () => {
  test.each<[string, readonly KbsPod[], readonly string[]]>([
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

  test.each<[string, Partial<KbsDeployment>]>([
    ["its controller has not seen it yet", { generation: 4 }],
    ["pods of the old template are left", { currentReplicas: 2 }],
    ["a pod is not available", { availableReplicas: 0 }],
  ])("is not reported during a rollout: %s", (_, more) => {
    expect(unseen([pod(80)])).toStrictEqual(["policy", "s"]);
    expect(unseen([pod(80)], more)).toStrictEqual([]);
  });

  test("is described in words", () => {
    expect(describeUnseen([])).toBeUndefined();
    expect(describeUnseen([policy, ours])).toBe(
      "a KBS pod is older than the last write to ConfigMap policy, Secret s",
    );
  });
});
