import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Sandbox } from "../../sandbox/api.ts";
import { initdata, pod } from "../sandbox/live/support.ts";
import { cells, explain, startSubject, verify, type Subject } from "./support/access.ts";
import { configMapKey, editReferenceValues, patchKey, replaceKbsPods } from "./support/cluster.ts";
import { create, ready, remove } from "./support/objects.ts";
import type { Project } from "./support/project.ts";

let sandbox: Sandbox;
let project: Project;

beforeAll(async () => {
  ({ sandbox, project } = await startSubject("access-broken"));
}, 1_800_000);
afterAll(async () => {
  await project.dispose();
  await sandbox.stop();
});

const subject = (): Subject => ({ sandbox, project });

async function all(read: string): Promise<void> {
  const seen = await cells(subject());
  const cellsOfBoth = { ...seen["pod1"], ...seen["pod3"] };
  expect(new Set(Object.values(cellsOfBoth))).toEqual(new Set([read]));
}

describe("verify with a broken pod or Trustee", () => {
  it("reports a missing pod, and one that does not run", async () => {
    await remove(sandbox, "Pod", "pod3", "default");
    expect(new Set(Object.values((await cells(subject()))["pod3"] ?? {}))).toEqual(new Set(["!pod-missing"]));
    expect((await explain(subject(), "pod3", "p2-secret/secret")).because).toBe(
      "Because there is no such pod.",
    );
    const waiting = pod("pod3", initdata("pod3", "kbs.example", "none"));
    const spec = { ...waiting.spec, nodeSelector: { "no.such/node": "true" } };
    expect(await create(sandbox, { ...waiting, spec })).toBe("");
    expect(new Set(Object.values((await cells(subject()))["pod3"] ?? {}))).toEqual(
      new Set(["!pod-not-running"]),
    );
    await remove(sandbox, "Pod", "pod3", "default");
    await project.up();
  });

  it("reports cells that time out", async () => {
    const seen = Object.values(await cells(subject(), "--timeout", "0.001")).flatMap((row) =>
      Object.values(row),
    );
    expect({ count: seen.length, seen: new Set(seen) }).toEqual({
      count: 12,
      seen: new Set(["!timed-out"]),
    });
  });

  it("reports a pod that cannot reach the KBS", async () => {
    const toml = initdata("pod3", "elsewhere.example", "none").replace(/\[image\]\n.*\n/, "");
    await remove(sandbox, "Pod", "pod3", "default");
    expect(await create(sandbox, pod("pod3", toml))).toBe("");
    await ready(sandbox, ["pod3"]);
    const { pod3 } = await cells(subject());
    expect(pod3).toEqual({
      "fraud-dataset/dataset_key": "!kbs-not-asked",
      "fraud-dataset/missing_key": "!exec-refused",
      "kbsres1/key1": "!kbs-not-asked",
      "p2-secret/secret": "!kbs-not-asked",
    });
    await remove(sandbox, "Pod", "pod3", "default");
    await project.up();
  });

  it("reports pods that do not attest", async () => {
    const name = "trusteeconfig-rvps-reference-values";
    const values = await configMapKey(sandbox, name, "reference-values.json");
    await patchKey(sandbox, name, "reference-values.json", "[{}]");
    await replaceKbsPods(sandbox);
    await all("!attestation-failed");
    expect(await explain(subject(), "pod1", "fraud-dataset/dataset_key")).toMatchObject({
      verdict: "denied",
    });
    await patchKey(sandbox, name, "reference-values.json", values);
    await replaceKbsPods(sandbox);
    expect((await cells(subject()))["pod1"]?.["fraud-dataset/dataset_key"]).toBe("read");
  });

  it("distinguishes pods with an unregistered digest from denials by the policy, but not pods with an expired digest", async () => {
    const name = "trusteeconfig-rvps-reference-values";
    const values = await configMapKey(sandbox, name, "reference-values.json");
    const { pod1 = "" } = (await project.outputs())["initData"] as Readonly<Record<string, string>>;
    for (const entry of ["snp_pcr08", "tdx_pcr08"]) {
      await editReferenceValues(sandbox, "0.18", entry, ({ value, ...rest }) => ({
        ...rest,
        value: value.filter((digest) => digest !== pod1),
      }));
    }
    await replaceKbsPods(sandbox);
    const unregistered = await cells(subject());
    expect(new Set(Object.values(unregistered["pod1"] ?? {}))).toEqual(new Set(["!attestation-failed"]));
    expect(unregistered["pod3"]).toMatchObject({
      "p2-secret/secret": "policy-denied",
      "kbsres1/key1": "read",
    });
    expect((await verify(subject())).stdout).toContain(
      `default/pod1 p2-secret/secret: PCR8 ${pod1}: no reference value holds this digest, so the pod does not attest well`,
    );
    await patchKey(sandbox, name, "reference-values.json", values);
    await editReferenceValues(sandbox, "0.18", "snp_pcr08", (entry) => ({
      ...entry,
      expiration: "2020-01-01T00:00:00Z",
    }));
    await replaceKbsPods(sandbox);
    // Trustee does not check whether an entry has expired.
    expect((await cells(subject()))["pod1"]).toMatchObject({
      "fraud-dataset/dataset_key": "read",
      "p2-secret/secret": "policy-denied",
    });
    await patchKey(sandbox, name, "reference-values.json", values);
    await replaceKbsPods(sandbox);
    expect((await cells(subject()))["pod1"]?.["p2-secret/secret"]).toBe("policy-denied");
  });
});
