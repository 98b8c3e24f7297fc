import { FIELD_MANAGER } from "../../../kube/client.ts";
import { apiPath } from "../../../kube/objects.ts";
import { readRollout } from "../../../provider/rollout-read.ts";
import { listAt } from "./fields.ts";
import type { Json } from "./patches.ts";
import type { Answer, Stage } from "./stage.ts";

const named = (name: string, more: Json = {}): Json => ({ metadata: { name, ...more } });

const versionOf = ({ body }: Answer): string =>
  (body as { metadata: { resourceVersion: string } }).metadata.resourceVersion;

/** More than a second, so that the next write has another timestamp. */
const SECOND = 1_100;

const kbs = { apiVersion: "confidentialcontainers.org/v1alpha1", kind: "KbsConfig" };

/** Each scenario returns the answers to its requests, in order. */
export const scenarios: Readonly<Record<string, (stage: Stage) => Promise<readonly unknown[]>>> = {
  "a ConfigMap is created, read, merged and deleted": async (stage) => {
    const created = await stage.create("ConfigMap", {
      ...named("a", { labels: { x: "y" } }),
      data: { k: "v" },
    });
    return [
      created,
      await stage.create("ConfigMap", named("a")),
      await stage.get("ConfigMap", "a"),
      await stage.ask("GET", stage.path("ConfigMap", "a"), {
        accept: "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1",
      }),
      await stage.merge("ConfigMap", "a", { data: { l: "w" }, metadata: { annotations: { n: "o" } } }),
      await stage.merge("ConfigMap", "a", { data: { l: "w" } }),
      await stage.merge("ConfigMap", "a", {
        data: { k: null },
        metadata: { resourceVersion: versionOf(created) },
      }),
      await stage.merge("ConfigMap", "a", { data: { k: null, l: null }, metadata: { annotations: null } }),
      await stage.merge("ConfigMap", "a", { data: { k: null } }),
      await stage.merge("ConfigMap", "b", { data: { k: "v" } }),
      await stage.get("ConfigMap", "b"),
      await stage.ask("DELETE", stage.path("ConfigMap", "a")),
      await stage.ask("DELETE", stage.path("ConfigMap", "a")),
    ];
  },

  "a Secret is created and merged": async (stage) => [
    await stage.create("Secret", { ...named("a"), type: "Opaque", stringData: { k: "v", l: "w" } }),
    await stage.merge("Secret", "a", { data: { k: null } }),
    await stage.merge("Secret", "a", { stringData: { m: "x" } }),
  ],

  "managed fields and their times": async (stage) => {
    const answers = [
      await stage.create("ConfigMap", { ...named("a"), data: { k: "v", theirs: "x" } }, "somebody"),
    ];
    const steps: readonly [Json, string][] = [
      [{ data: { ours: "1" }, metadata: { annotations: { ours: "1" } } }, FIELD_MANAGER],
      [{ data: { theirs: "y" } }, "somebody"],
      [{ data: { ours: "1" } }, FIELD_MANAGER],
      [{ data: { k: "w" } }, FIELD_MANAGER],
      [{ data: { ours: "2" } }, "kubectl-patch"],
      [{ data: { k: null } }, "somebody"],
      [{ metadata: { annotations: { ours: null } } }, FIELD_MANAGER],
      [{ data: null }, FIELD_MANAGER],
    ];
    for (const [patch, manager] of steps) {
      await stage.pause(SECOND);
      answers.push(await stage.merge("ConfigMap", "a", patch, manager));
    }
    return answers;
  },

  "a JSON patch with tests": async (stage) => [
    await stage.create("ConfigMap", { ...named("a", { labels: { "x/y": "z" } }), data: { k: "a < b" } }),
    await stage.jsonPatch("ConfigMap", "a", [
      { op: "test", path: "/metadata/labels/x~1y", value: "z" },
      { op: "test", path: "/data/nothing", value: null },
      { op: "test", path: "/metadata/annotations", value: null },
      { op: "add", path: "/metadata/annotations", value: {} },
      { op: "add", path: "/metadata/annotations/ours", value: "1" },
      { op: "add", path: "/data/l", value: "w" },
      { op: "remove", path: "/metadata/labels/x~1y" },
    ]),
    await stage.jsonPatch("ConfigMap", "a", [
      { op: "test", path: "/data/l", value: "else" },
      { op: "add", path: "/data/m", value: "w" },
    ]),
    await stage.jsonPatch("ConfigMap", "a", [{ op: "test", path: "/data/k", value: "a < b" }]),
    await stage.jsonPatch("ConfigMap", "a", '[{"op":"test","path":"/data/k","value":"a \\u003c b"}]'),
    await stage.jsonPatch("ConfigMap", "a", [{ op: "test", path: "/data", value: { k: "a", l: "w" } }]),
    await stage.jsonPatch("ConfigMap", "a", [{ op: "remove", path: "/data/nothing" }]),
    await stage.jsonPatch("ConfigMap", "a", [{ op: "add", path: "/binaryData/m", value: "dw==" }]),
    await stage.jsonPatch("ConfigMap", "b", [{ op: "add", path: "/data/m", value: "w" }]),
  ],

  "lists, by labels": async (stage) => {
    await stage.create("ConfigMap", named("a", { labels: { app: "x", tier: "1" } }));
    await stage.create("ConfigMap", named("b", { labels: { app: "y" } }));
    await stage.create("ConfigMap", named("c", { labels: { tier: "2" } }));
    await stage.create("KbsConfig", { ...kbs, ...named("a", { labels: { app: "x" } }), spec: {} });
    const selectors = [
      "app=x",
      "app in (x,y)",
      "app notin (x),tier",
      "tier",
      "!app,tier",
      "app=x,tier in (2)",
    ];
    const lists = [];
    for (const selector of selectors) {
      const query = `&labelSelector=${encodeURIComponent(selector)}`;
      lists.push(await stage.ask("GET", stage.path("ConfigMap"), { query }));
    }
    return [...lists, await stage.ask("GET", stage.path("KbsConfig"), { query: "&labelSelector=app" })].map(
      // The resourceVersion of a list is that of the whole cluster.
      ({ code, body }) => ({ code, body: { ...(body as Json), metadata: {} } }),
    );
  },

  "a KbsConfig is changed, and a finalizer delays its deletion": async (stage) => {
    const spec = { kbsSecretResources: ["a"], kbsConfigMapName: "m" };
    const created = await stage.create("KbsConfig", { ...kbs, ...named("a"), spec });
    return [
      created,
      await stage.create("KbsConfig", { ...kbs, ...named("a"), spec }),
      await stage.merge("KbsConfig", "a", {
        spec: { kbsSecretResources: ["a", "b"] },
        metadata: { annotations: { ours: "1" } },
      }),
      await stage.merge("KbsConfig", "a", { metadata: { annotations: { ours: "2" } } }),
      await stage.merge("KbsConfig", "a", { spec: { kbsSecretResources: ["a", "b"] } }),
      await stage.merge("KbsConfig", "a", { status: { isReady: true } }),
      await stage.merge("KbsConfig", "a", { spec: {}, metadata: { resourceVersion: versionOf(created) } }),
      await stage.jsonPatch("KbsConfig", "a", [
        { op: "test", path: "/spec/kbsSecretResources", value: ["a", "b"] },
        { op: "add", path: "/spec/kbsSecretResources", value: [] },
      ]),
      await stage.merge("KbsConfig", "a", { spec: { kbsSecretResources: null, kbsConfigMapName: null } }),
      await stage.merge("KbsConfig", "a", {
        metadata: { finalizers: ["example.com/hold"], annotations: null },
      }),
      await stage.ask("DELETE", stage.path("KbsConfig", "a")),
      await stage.ask("DELETE", stage.path("KbsConfig", "a")),
      await stage.merge("KbsConfig", "a", { spec: { kbsSecretResources: ["c"] } }),
      await stage.merge("KbsConfig", "a", { metadata: { finalizers: null } }),
      await stage.get("KbsConfig", "a"),
      await stage.create("KbsConfig", { ...kbs, ...named("b") }),
      await stage.ask("DELETE", stage.path("KbsConfig", "b")),
    ];
  },

  "a deletion with preconditions": async (stage) => {
    const created = await stage.create("ConfigMap", named("a"));
    const given = (preconditions: Json): Promise<Answer> =>
      stage.ask("DELETE", stage.path("ConfigMap", "a"), {
        body: { apiVersion: "v1", kind: "DeleteOptions", preconditions },
      });
    const changed = await stage.merge("ConfigMap", "a", { data: { k: "v" } });
    return [
      created,
      changed,
      await given({ uid: "00000000-0000-0000-0000-000000000000" }),
      await given({ resourceVersion: versionOf(created) }),
      await given({ resourceVersion: versionOf(changed) }),
      await given({ resourceVersion: versionOf(changed) }),
    ];
  },

  "missing objects, namespaces and kinds": async (stage) => [
    await stage.ask("GET", `/apis/nothing.example/v1/namespaces/${stage.namespace}/things/a`),
    await stage.ask("POST", apiPath("ConfigMap", "nowhere"), { body: named("a") }),
    await stage.ask("GET", apiPath("ConfigMap", "nowhere", "a")),
    await stage.get("Route", "a"),
    await stage.get("Deployment", "a"),
    await stage.get("Pod", "a"),
  ],

  "a Deployment rolls, and a disruption budget prevents an eviction": async (stage) => {
    const labels = { app: "rolled" };
    const template = { metadata: { labels }, spec: { containers: [{ name: "c", image: "i" }] } };
    const read = () => readRollout(stage.kube, stage.namespace, "a");
    /** Waits for a settled rollout with none of the pods `before`. */
    const rolled = async (before: readonly string[] = []) => {
      const seen = await stage.settled(
        read,
        (now) =>
          now !== undefined &&
          now.deployment.observedGeneration >= now.deployment.generation &&
          now.deployment.updatedReplicas === 1 &&
          now.deployment.currentReplicas === 1 &&
          now.deployment.availableReplicas === 1 &&
          now.pods.length === 1 &&
          now.pods.every(({ ready, name }) => ready && !before.includes(name)),
      );
      const { deployment, pods = [] } = seen ?? {};
      return { deployment, ready: pods.map(({ ready }) => ready), names: pods.map(({ name }) => name) };
    };
    const spec = { replicas: 1, selector: { matchLabels: labels }, template };
    const created = await stage.create("Deployment", { ...named("a"), spec });
    const first = await rolled();
    const annotations = { "kubectl.kubernetes.io/restartedAt": "2026-01-01T00:00:00Z" };
    const restarted = await stage.merge("Deployment", "a", {
      spec: { template: { metadata: { annotations } } },
    });
    const second = await rolled(first.names);
    const budgets = `/apis/policy/v1/namespaces/${stage.namespace}/poddisruptionbudgets`;
    await stage.ask("POST", budgets, {
      body: { ...named("budget"), spec: { minAvailable: 1, selector: { matchLabels: labels } } },
    });
    const [name = ""] = second.names;
    const evict = () =>
      stage.ask("POST", `${stage.path("Pod", name)}/eviction`, {
        body: { apiVersion: "policy/v1", kind: "Eviction", metadata: { name, namespace: stage.namespace } },
      });
    const forbidden = await stage.settled(
      evict,
      ({ body }) => !JSON.stringify(body).includes("still being processed"),
    );
    await stage.ask("DELETE", `${budgets}/budget`);
    const evicted = await stage.settled(evict, ({ code }) => code !== 429);
    const third = await rolled(second.names);
    const paused = await stage.merge("Deployment", "a", { spec: { paused: true } });
    await stage.ask("DELETE", stage.path("Deployment", "a"));
    const gone = await stage.settled(
      () => stage.kube.list("Pod", stage.namespace, "app=rolled"),
      (pods) => pods.length === 0,
    );
    const written = (answer: Answer) => ({
      code: answer.code,
      generation: (answer.body as { metadata: { generation: number } }).metadata.generation,
      ours: listAt(answer.body as Json, "metadata", "managedFields").filter(
        ({ manager }) => manager === FIELD_MANAGER,
      ),
    });
    const states = [first, second, third].map(({ deployment, ready }) => ({ deployment, ready }));
    return [...[created, restarted, paused].map(written), ...states, forbidden, evicted, gone];
  },
};

/** Scenarios whose timestamps are compared. Their steps are more than a second apart. */
export const timed: readonly string[] = ["managed fields and their times"];
