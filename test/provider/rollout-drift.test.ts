import { beforeEach, describe, expect, test } from "vitest";
import { ownerLabels } from "../../core/trustee/ownership.ts";
import { FIELD_MANAGER } from "../../kube/client.ts";
import type { Kind } from "../../kube/objects.ts";
import type { PropertyMap } from "../../provider/protocol/property-value.ts";
import { TestCluster } from "./cluster.ts";
import { Engine, type TestResource } from "./engine.ts";
import { plainDeployment } from "./rollout-inputs.ts";

/** The field manager of Pulumi's Kubernetes provider. */
const PULUMI = "pulumi-kubernetes-0a1b2c3d";

describe("a rollout that is done", () => {
  let cluster: TestCluster;
  let engine: Engine;
  let rollout: TestResource;
  let inputs: PropertyMap;
  let writes = 0;

  beforeEach(async () => {
    cluster = await TestCluster.open();
    engine = await Engine.start(cluster);
    plainDeployment(cluster, "unseen", { app: "unseen" });
    cluster.configMap("policy", { a: "0" });
    cluster.secret("ours", { a: "0" }, { labels: ownerLabels });
    cluster.secret("theirs", { a: "0" });
    inputs = {
      namespace: cluster.namespace,
      deployment: "unseen",
      changes: { a: "1" },
      after: [
        { kind: "ConfigMap", name: "policy" },
        { kind: "Secret", name: "ours" },
        { kind: "Secret", name: "theirs" },
      ],
      secrets: [],
      timeoutMinutes: 1,
    };
    rollout = engine.resource("Rollout");
    await rollout.up(inputs);
    return async () => engine.stop();
  });

  const pods = async (): Promise<readonly string[]> => {
    const all = await cluster.kube.list("Pod", cluster.namespace, "app=unseen");
    return all
      .filter(({ metadata }) => metadata.deletionTimestamp === undefined)
      .map(({ metadata }) => metadata.name);
  };

  /** Changes an object in a second without new pods. */
  async function write(kind: Kind, name: string, manager: string): Promise<void> {
    cluster.clock.advance(1_100);
    const value = Buffer.from(String((writes += 1))).toString("base64");
    await cluster.writer(manager).patch({ kind, namespace: cluster.namespace, name }, { data: { a: value } });
  }

  test.each<[string, Kind, string, string]>([
    ["another client's write to a ConfigMap", "ConfigMap", "policy", "kubectl-patch"],
    ["another program's write to a ConfigMap", "ConfigMap", "policy", PULUMI],
    ["another client's write to a Secret of ours", "Secret", "ours", "kubectl-patch"],
    ["another Pulumi program's write to its own Secret", "Secret", "theirs", PULUMI],
  ])("%s is no drift", async (_, kind, name, manager) => {
    const before = await pods();
    await write(kind, name, manager);
    expect((await rollout.up(inputs)).op).toBe("same");
    expect(await pods()).toStrictEqual(before);
  });

  test.each<[string, Kind, string, string]>([
    ["to a ConfigMap", "ConfigMap", "policy", FIELD_MANAGER],
    ["to a Secret that the program created", "Secret", "ours", PULUMI],
  ])("a write of ours %s without a rollout: the next up rolls out, once", async (_, kind, name, manager) => {
    const before = await pods();
    await write(kind, name, manager);
    expect(await rollout.preview(inputs)).toMatchObject({ op: "update", diff: { drift: "update" } });
    expect(await pods()).toStrictEqual(before);
    const since = engine.logs.length;
    expect((await rollout.up(inputs)).op).toBe("update");
    expect(engine.logs.slice(since).map((log) => log.message)).toContain(
      `drift: a KBS pod is older than the last write to ${kind} ${name}`,
    );
    const after = await pods();
    expect(after).toHaveLength(1);
    expect(after).not.toStrictEqual(before);
    expect((await rollout.up(inputs)).op).toBe("same");
    expect(await pods()).toStrictEqual(after);
  });

  test("a rollout on delete, and one without changes, have no drift", async () => {
    const last = engine.resource("Rollout", "last");
    const never = engine.resource("Rollout", "never");
    await last.up({ ...inputs, onDelete: true });
    await never.up({ ...inputs, changes: { a: "" } });
    await write("ConfigMap", "policy", FIELD_MANAGER);
    expect((await last.up({ ...inputs, onDelete: true })).op).toBe("same");
    expect((await never.up({ ...inputs, changes: { a: "" } })).op).toBe("same");
    expect((await rollout.preview(inputs)).op).toBe("update");
  });

  test("another client's restart after our write is enough", async () => {
    await rollout.up(inputs);
    await write("ConfigMap", "policy", FIELD_MANAGER);
    cluster.restart("unseen");
    cluster.rolledOut("unseen");
    expect((await rollout.up(inputs)).op).toBe("same");
  });
});
