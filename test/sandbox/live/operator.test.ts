import { setTimeout as sleep } from "node:timers/promises";
import { beforeAll, describe, expect, test } from "vitest";
import { generations } from "../../../core/trustee/generation.ts";
import { type Sandbox, startSandbox } from "../../../sandbox/api.ts";
import { BUILD_TIMEOUT, eventually, get, inTrustee, kbsPods, merge, ownHome, rolled } from "./support.ts";

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

  const patchList = async (list: readonly string[] | null): Promise<void> =>
    merge(sandbox, "kbsconfig", KBS_CONFIG, { spec: { kbsSecretResources: list } });
  const list = async (): Promise<string> => get(sandbox, "kbsconfig", KBS_CONFIG, ".spec.kbsSecretResources");
  const volumes = async (): Promise<string> =>
    get(sandbox, "deployment", DEPLOYMENT, ".spec.template.spec.volumes[*].name");

  test("installs a fresh Trustee", async () => {
    expect(await list()).toBe(JSON.stringify([sample]));
    const key = generation === "0.18" ? "reference-values\\.json" : "reference_value";
    const values = await get(sandbox, "configmap", "trusteeconfig-rvps-reference-values", `.data.${key}`);
    expect(values).toBe(generation === "0.18" ? "[\n]" : "{\n}");
  });

  test("does not reconcile while a listed Secret is missing, reports ready, and recovers", async () => {
    const before = await kbsPods(sandbox);
    await patchList([sample, "late"]);
    await sleep(SETTLED);
    expect(await get(sandbox, "kbsconfig", KBS_CONFIG, ".status.isReady")).toBe("true");
    expect(await kbsPods(sandbox)).toEqual(before);
    expect(await volumes()).not.toContain("late");
    await rolled(sandbox, async () => inTrustee(sandbox, "create secret generic late --from-literal=a=b"));
    expect(await volumes()).toContain("late");
  });

  test.each([[[]], [null]])("restores the sample secret in a list that is %j", async (empty) => {
    await patchList(empty);
    await eventually(list, (text) => text === JSON.stringify([sample]));
    await eventually(volumes, (text) => !text.includes("late"));
  });

  test("keeps or removes a restart's annotation, depending on its generation", async () => {
    await rolled(sandbox, async () => {
      await sleep(SETTLED);
      await inTrustee(sandbox, "delete pod -l app=kbs");
    });
    const owner = "jsonpath={.items[*].metadata.ownerReferences[0].name}";
    const replicaSet = async (): Promise<string> => inTrustee(sandbox, "get pods -l app=kbs -o", owner);
    const restartedAt = ".spec.template.metadata.annotations.kubectl\\.kubernetes\\.io/restartedAt";
    const annotation = async (): Promise<string> => get(sandbox, "deployment", DEPLOYMENT, restartedAt);
    const before = await replicaSet();
    await inTrustee(sandbox, `rollout restart deployment/${DEPLOYMENT}`);
    await sleep(SETTLED);
    if (generation === "0.18") {
      expect(await annotation()).not.toBe("");
      expect(await replicaSet()).not.toBe(before);
    } else {
      expect(await annotation()).toBe("");
      expect(await replicaSet()).toBe(before);
    }
  });

  test("rolls out a changed ConfigMap only in 0.21", async () => {
    const before = await kbsPods(sandbox);
    const change = { metadata: { labels: { changed: "yes" } } };
    await merge(sandbox, "configmap", "trusteeconfig-resource-policy", change);
    await sleep(SETTLED);
    const after = await kbsPods(sandbox);
    if (generation === "0.18") expect(after).toEqual(before);
    else expect(after).not.toEqual(before);
  });

  test("reverts edits of the pods' spec", async () => {
    const patch = '[{"op":"add","path":"/spec/template/spec/nodeSelector","value":{"a":"b"}}]';
    await inTrustee(sandbox, `patch deployment ${DEPLOYMENT} --type=json -p`, patch);
    await eventually(
      async () => get(sandbox, "deployment", DEPLOYMENT, ".spec.template.spec.nodeSelector"),
      (text) => text === "",
    );
  });

  test("creates KBS pods that wait for a missing Secret, with an event", async () => {
    await inTrustee(sandbox, `delete secret ${sample}`);
    await inTrustee(sandbox, "delete pod -l app=kbs");
    const events = "get events --field-selector=reason=FailedMount -o jsonpath={.items[*].message}";
    await eventually(
      async () => inTrustee(sandbox, events),
      (text) => text.includes(`secret "${sample}" not found`),
    );
    await inTrustee(sandbox, `create secret generic ${sample} --from-literal=a=b`);
    await inTrustee(sandbox, `rollout status deployment/${DEPLOYMENT} --timeout=30s`);
  });

  test("allows the deletion of its KbsConfig, which deletes the KBS", async () => {
    await inTrustee(sandbox, `delete kbsconfig ${KBS_CONFIG} --timeout=30s`);
    await eventually(
      async () => inTrustee(sandbox, "get deployments,pods -o name"),
      (text) => text === "",
    );
  });
});
