import { setTimeout as sleep } from "node:timers/promises";
import { beforeAll, describe, expect, test } from "vitest";
import { generationFacts, generations } from "../../../core/trustee/generation.ts";
import type { Kind } from "../../../kube/objects.ts";
import { type Sandbox, startSandbox } from "../../../sandbox/api.ts";
import { api, NAMESPACE } from "../../e2e/support/api.ts";
import { configMapKey } from "../../e2e/support/cluster.ts";
import {
  createSecret,
  field,
  patch,
  read,
  remove,
  removeKbsPods,
  rolledOut,
} from "../../e2e/support/objects.ts";
import { BUILD_TIMEOUT, eventually, inTrustee, kbsPods, ownHome, rolled } from "./support.ts";

const KBS_CONFIG = "trusteeconfig-kbs-config";
const DEPLOYMENT = "trustee-deployment";

/** Longer than the operator's delay. Milliseconds. */
const SETTLED = 2000;

describe.each(generations)("the operator of Trustee %s", (generation) => {
  const sample = generation === "0.18" ? "kbsres1" : "attestation-status";
  let sandbox: Sandbox;
  beforeAll(async () => {
    const cleanUp = await ownHome();
    sandbox = await startSandbox({ name: "operator", trustee: generation, fresh: true });
    return cleanUp;
  }, BUILD_TIMEOUT);

  const text = async (kind: Kind, name: string, ...path: readonly string[]): Promise<string> =>
    field(await read(sandbox, kind, name), ...path);
  const patchList = async (list: readonly string[] | null): Promise<void> =>
    patch(sandbox, "KbsConfig", KBS_CONFIG, { spec: { kbsSecretResources: list } });
  const list = async (): Promise<string> => text("KbsConfig", KBS_CONFIG, "spec", "kbsSecretResources");
  const template = async (...path: readonly string[]): Promise<string> =>
    text("Deployment", DEPLOYMENT, "spec", "template", ...path);
  const volumes = async (): Promise<readonly string[]> =>
    (JSON.parse(await template("spec", "volumes")) as { name: string }[]).map(({ name }) => name);

  test("installs a fresh Trustee", async () => {
    expect(await list()).toBe(JSON.stringify([sample]));
    const key = generationFacts[generation].referenceValuesKey;
    const values = await configMapKey(sandbox, "trusteeconfig-rvps-reference-values", key);
    expect(values).toBe(generation === "0.18" ? "[\n]\n" : "{\n}\n");
  });

  test("does not reconcile while a listed Secret is missing, reports ready, and recovers", async () => {
    const before = await kbsPods(sandbox);
    await patchList([sample, "late"]);
    await sleep(SETTLED);
    expect(await text("KbsConfig", KBS_CONFIG, "status", "isReady")).toBe("true");
    expect(await kbsPods(sandbox)).toEqual(before);
    expect(await volumes()).not.toContain("late");
    await rolled(sandbox, async () => createSecret(sandbox, "late"));
    expect(await volumes()).toContain("late");
  });

  test.each([[[]], [null]])("restores the sample secret in a list that is %j", async (empty) => {
    await patchList(empty);
    await eventually(list, (text) => text === JSON.stringify([sample]));
    await eventually(volumes, (names) => !names.includes("late"));
  });

  test("keeps or removes a restart's annotation, depending on its generation", async () => {
    await rolled(sandbox, async () => {
      await sleep(SETTLED);
      await removeKbsPods(sandbox);
    });
    const replicaSet = async (): Promise<readonly unknown[]> =>
      (await api(sandbox).list("Pod", NAMESPACE, "app=kbs")).map(
        ({ metadata }) => metadata.ownerReferences?.[0]?.name,
      );
    const annotation = async (): Promise<string> =>
      template("metadata", "annotations", "kubectl.kubernetes.io/restartedAt");
    const before = await replicaSet();
    await inTrustee(sandbox, `rollout restart deployment/${DEPLOYMENT}`);
    await sleep(SETTLED);
    if (generation === "0.18") {
      expect(await annotation()).not.toBe("");
      expect(await replicaSet()).not.toEqual(before);
    } else {
      expect(await annotation()).toBe("");
      expect(await replicaSet()).toEqual(before);
    }
  });

  test("rolls out a changed ConfigMap only in 0.21", async () => {
    const before = await kbsPods(sandbox);
    const change = { metadata: { labels: { changed: "yes" } } };
    await patch(sandbox, "ConfigMap", "trusteeconfig-resource-policy", change);
    await sleep(SETTLED);
    const after = await kbsPods(sandbox);
    if (generation === "0.18") expect(after).toEqual(before);
    else expect(after).not.toEqual(before);
  });

  test("reverts edits of the pods' spec", async () => {
    const edit = { spec: { template: { spec: { nodeSelector: { a: "b" } } } } };
    await patch(sandbox, "Deployment", DEPLOYMENT, edit);
    await eventually(
      async () => template("spec", "nodeSelector"),
      (text) => text === "",
    );
  });

  test("creates KBS pods that wait for a missing Secret, with an event", async () => {
    await remove(sandbox, "Secret", sample);
    await removeKbsPods(sandbox);
    await eventually(
      async () => api(sandbox).list("Event", NAMESPACE),
      (events) =>
        events.some(
          ({ reason, message }) =>
            reason === "FailedMount" && String(message).includes(`secret "${sample}" not found`),
        ),
    );
    await createSecret(sandbox, sample);
    await rolledOut(sandbox, "Deployment", DEPLOYMENT);
  });

  test("allows the deletion of its KbsConfig, which deletes the KBS", async () => {
    await remove(sandbox, "KbsConfig", KBS_CONFIG);
    for (const kind of ["Deployment", "Pod"] as const)
      await eventually(
        async () => api(sandbox).list(kind, NAMESPACE),
        (left) => left.length === 0,
      );
  });
});
