import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeEach, describe, expect, test, vi } from "vitest";
import { generationFacts, trusteeNames } from "../../core/trustee/generation.ts";
import { unknown, type PropertyMap } from "../../provider/protocol/property-value.ts";
import { closedPort } from "../support/closed-port.ts";
import { temporaryFolder } from "../support/folders.ts";
import { FaultProxy } from "../support/fault-proxy.ts";
import { TestCluster } from "./cluster.ts";
import { Engine, type TestResource } from "./engine.ts";
import { STACK } from "./trustee-args.ts";

const { policyKey, referenceValuesKey } = generationFacts["0.18"];
const serverOf = ({ kube }: TestCluster): string => kube.server;
const THEIRS = "package policy\n\ndefault allow = false\n";

describe("a stack whose settings or kubeconfig lead to another cluster", () => {
  let here: TestCluster;
  let there: TestCluster;
  let engine: Engine;
  let folder: string;
  let before: readonly unknown[];
  let parts: readonly [TestResource, () => PropertyMap][];

  const both = async (): Promise<readonly unknown[]> =>
    Promise.all([here, there].map(async (one) => one.sharedContent()));

  beforeEach(async () => {
    here = await TestCluster.withTrustee("0.18");
    there = await TestCluster.withTrustee("0.18");
    await there.edit(trusteeNames.resourcePolicy, { [policyKey]: THEIRS });
    for (const cluster of [here, there]) cluster.secret("made", { key: "value" });
    folder = temporaryFolder();
    before = await both();
    engine = await Engine.start(here);
    const resource = (type: string, inputs: PropertyMap): [TestResource, () => PropertyMap] => [
      engine.resource(type),
      () => ({ namespace: here.namespace, ...engine.cluster, ...inputs }),
    ];
    parts = [
      resource("ResourcePolicy", {
        configMap: trusteeNames.resourcePolicy,
        candidateKeys: [policyKey],
        policy: { stack: STACK, others: "affirming", secrets: { made: {} } },
      }),
      resource("ReferenceValues", {
        configMap: trusteeNames.referenceValues,
        candidateKeys: [referenceValuesKey],
        digests: { snp_pcr08: ["ab".repeat(32)] },
        validityDays: 365,
      }),
      resource("KbsSecretEntry", {
        kbsConfig: trusteeNames.kbsConfig,
        secret: "made",
        secretIsCreated: true,
      }),
    ];
    return async () => engine.stop();
  });

  /** @returns the operation of each step */
  async function up(): Promise<readonly string[]> {
    const ops: string[] = [];
    for (const [resource, inputs] of parts) ops.push((await resource.up(inputs())).op);
    return ops;
  }
  async function destroy(): Promise<void> {
    for (const [resource] of parts.toReversed()) await resource.destroy();
  }

  test("moves by its settings: it is created there and removed here, and both clusters get back their content", async () => {
    await engine.configure({ kubeconfig: here.kubeconfig });
    expect(await up()).toEqual(["create", "create", "create"]);
    expect(await there.sharedContent()).toEqual(before[1]);
    await engine.configure({ kubeconfig: there.kubeconfig });
    expect(await up()).toEqual(["replace", "replace", "replace"]);
    expect(await here.sharedContent()).toEqual(before[0]);
    expect(await there.sharedContent()).not.toEqual(before[1]);
    expect(await up()).toEqual(["same", "same", "same"]);
    await destroy();
    expect(await both()).toEqual(before);
  });

  test("is refused if only the kubeconfig changed: nothing is changed on either cluster", async () => {
    const file = join(folder, "kubeconfig");
    writeFileSync(file, here.kubeconfig);
    await engine.configure({ kubeconfig: file });
    await up();
    const deployed = await both();
    writeFileSync(file, there.kubeconfig);
    const elsewhere =
      `TA834 This stack is on the cluster at ${serverOf(here)}, but the kubeconfig now leads to the one at ${serverOf(there)}. ` +
      "Nothing was changed on either. To stay there, restore the kubeconfig or its current context: kubectl config use-context. " +
      "To move the stack, set trustee.kubeconfig or trustee.context to the other cluster, and keep access to the first one as it was. " +
      "If both are the same cluster, let this account get its namespace: deploy/rbac/trustee-side.yaml.";
    await expect(engine.configure({ kubeconfig: file })).rejects.toThrow(elsewhere);
    // A destroy does not check the settings again.
    await engine.reconfigure();
    await expect(destroy()).rejects.toThrow(elsewhere);
    expect(await both()).toEqual(deployed);
    writeFileSync(file, here.kubeconfig);
    await engine.configure({ kubeconfig: file });
    expect(await up()).toEqual(["same", "same", "same"]);
    await destroy();
    expect(await both()).toEqual(before);
  });

  test("its pods' cluster is checked before a destroy deletes a pod there, also without a refresh", async () => {
    const file = join(folder, "kubeconfig");
    writeFileSync(file, here.kubeconfig);
    await engine.configure({ kubeconfig: file });
    const check = engine.resource("ClusterCheck");
    expect((await check.up(engine.cluster)).op).toBe("create");
    expect((await check.up(engine.cluster)).op).toBe("same");
    writeFileSync(file, there.kubeconfig);
    // A destroy does not check the settings again.
    await engine.reconfigure();
    await expect(check.refresh()).rejects.toThrow(/TA834 This stack is on the cluster at /);
    await expect(check.destroy()).rejects.toThrow(/TA834 This stack is on the cluster at /);
    writeFileSync(file, here.kubeconfig);
    await engine.reconfigure();
    await check.destroy();
    expect(await both()).toEqual(before);
  });

  test("that was never known by a uid stays after its CA has changed, if the user says that it is the same", async () => {
    const file = join(folder, "kubeconfig");
    const settings = { kubeconfig: file, namespace: "unreadable", section: "podCluster" };
    const SAME = "TRUSTEE_ACCESS_SAME_CLUSTER";
    writeFileSync(file, here.kubeconfig);
    await engine.configure(settings);
    await up();
    const deployed = await both();
    const ca = `"certificate-authority-data":"${Buffer.from("another").toString("base64")}"`;
    writeFileSync(file, here.kubeconfig.replace('"server":', `${ca},"server":`));
    const refused =
      `TA834 This stack is on the cluster at ${serverOf(here)}, but the kubeconfig now leads to one with another CA at that URL. ` +
      "Nothing was changed on either. To stay there, restore the kubeconfig or its current context: kubectl config use-context. " +
      "To move the stack, set podCluster.kubeconfig or podCluster.context to the other cluster, and keep access to the first one as it was. " +
      `If both are the same cluster, say so for one run: ${SAME}=${serverOf(here)} pulumi up`;
    try {
      for (const word of ["", "true", serverOf(there)]) {
        vi.stubEnv(SAME, word);
        await expect(engine.configure(settings)).rejects.toThrow(refused);
        await engine.reconfigure();
        await expect(up()).rejects.toThrow(refused);
        await expect(destroy()).rejects.toThrow(refused);
      }
      vi.stubEnv(SAME, serverOf(here));
      // The engine reads everything with the settings in the state, before it checks those of the run.
      await engine.reconfigure();
      expect(await parts[0]?.[0].drift()).toBe("none");
      await engine.configure(settings);
    } finally {
      vi.unstubAllEnvs();
    }
    await engine.configure(settings);
    expect(await up()).toEqual(["same", "same", "same"]);
    expect(await both()).toEqual(deployed);
    await destroy();
    expect(await both()).toEqual(before);
  });

  test("is refused if the uid of a namespace tells that it is another one, whatever the user says", async () => {
    const file = join(folder, "kubeconfig");
    writeFileSync(file, here.kubeconfig);
    await engine.configure({ kubeconfig: file });
    await up();
    writeFileSync(file, there.kubeconfig);
    vi.stubEnv("TRUSTEE_ACCESS_SAME_CLUSTER", serverOf(there));
    try {
      await engine.reconfigure();
      await expect(engine.configure({ kubeconfig: file })).rejects.toThrow(
        /TA834 .* let this account get its namespace/,
      );
      await expect(destroy()).rejects.toThrow(/TA834/);
    } finally {
      vi.unstubAllEnvs();
    }
  });

  test("is refused if its state has lost the way to a resource's cluster", async () => {
    await engine.configure({ kubeconfig: here.kubeconfig });
    await up();
    const other = await Engine.start(there);
    try {
      await other.configure({ kubeconfig: there.kubeconfig });
      const entry = other.resource("ResourcePolicy");
      entry.state = parts[0]?.[0].state;
      await expect(entry.destroy()).rejects.toThrow(
        "2 UNKNOWN: TA834 This resource is on a cluster that neither the settings nor the state of this stack lead to. " +
          "Nothing was changed. Set trustee.kubeconfig and trustee.context to that cluster. If it is gone, remove the " +
          "resource from the state: pulumi state delete",
      );
    } finally {
      await other.stop();
    }
  });

  test("is refused by the first call if a certificate of the kubeconfig is missing, and the next run goes on", async () => {
    const file = join(folder, "kubeconfig");
    writeFileSync(file, here.kubeconfig);
    await engine.configure({ kubeconfig: file });
    await up();
    writeFileSync(
      file,
      here.kubeconfig.replace('"server":', '"certificate-authority":"/none/ca.crt","server":'),
    );
    await engine.configure({ kubeconfig: file });
    await expect(destroy()).rejects.toThrow(
      /^2 UNKNOWN: TA831 The kubeconfig's cluster "\w+" names a file that cannot be read: ENOENT: no such file or directory, access '\/none\/ca\.crt'\. Correct its path, or restore the file\. Check it with: kubectl config view$/,
    );
    writeFileSync(file, here.kubeconfig);
    await engine.configure({ kubeconfig: file });
    expect(await up()).toEqual(["same", "same", "same"]);
    await destroy();
    expect(await both()).toEqual(before);
  });

  test.each(["kubeconfig", "context"])(
    "stays where it is while a preview does not know its %s: that is not kubectl's own",
    async (name) => {
      const file = join(folder, "kubeconfig");
      writeFileSync(file, there.kubeconfig);
      vi.stubEnv("KUBECONFIG", file);
      try {
        await engine.configure({ ...(name === "context" ? { kubeconfig: file } : {}), [name]: unknown });
        expect(engine.cluster).toEqual({});
        await engine.configure({ kubeconfig: here.kubeconfig });
        expect(await up()).toEqual(["create", "create", "create"]);
        const { cluster } = engine;
        await engine.configure({ [name]: unknown });
        expect(engine.cluster).toEqual(cluster);
      } finally {
        vi.unstubAllEnvs();
      }
    },
  );

  test("knows the content here after moving there and back", async () => {
    await engine.configure({ kubeconfig: here.kubeconfig });
    await up();
    const deployed = await both();
    await engine.configure({ kubeconfig: there.kubeconfig });
    await engine.configure({ kubeconfig: here.kubeconfig });
    expect(await up()).toEqual(["same", "same", "same"]);
    expect(await both()).toEqual(deployed);
  });

  test("a run with an unreachable kubeconfig or a missing context does not affect the next one", async () => {
    const nowhere = here.kubeconfig.replace(
      /"server":"[^"]+"/,
      `"server":"https://127.0.0.1:${await closedPort()}"`,
    );
    expect(nowhere).not.toBe(here.kubeconfig);
    const wrong = async (): Promise<void> => {
      await engine.configure({ kubeconfig: nowhere });
      await engine.configure({ kubeconfig: here.kubeconfig, context: "elsewhere" });
    };
    await wrong();
    await engine.configure({ kubeconfig: here.kubeconfig });
    expect(await up()).toEqual(["create", "create", "create"]);
    const deployed = await both();
    await wrong();
    await engine.configure({ kubeconfig: here.kubeconfig });
    expect(await up()).toEqual(["same", "same", "same"]);
    await engine.configure({ kubeconfig: nowhere });
    await wrong();
    await engine.configure({ kubeconfig: there.kubeconfig });
    expect(await up()).toEqual(["replace", "replace", "replace"]);
    expect(await here.sharedContent()).toEqual(before[0]);
    expect(deployed[1]).toEqual(before[1]);
    await destroy();
    expect(await both()).toEqual(before);
  });

  test("a cluster that answers late, or not for a while, keeps the stack", async () => {
    const proxy = await FaultProxy.start(here.kubeconfig);
    try {
      const settings = { kubeconfig: proxy.kubeconfig };
      proxy.fault = () => "cut";
      await engine.configure(settings);
      proxy.heal();
      expect(await up()).toEqual(["create", "create", "create"]);
      await engine.configure(settings);
      expect(await up()).toEqual(["same", "same", "same"]);
      proxy.fault = () => "cut";
      await engine.configure({ ...settings, namespace: "elsewhere" });
      proxy.heal();
      await engine.configure({ kubeconfig: there.kubeconfig });
      expect(await up()).toEqual(["replace", "replace", "replace"]);
      expect(await here.sharedContent()).toEqual(before[0]);
    } finally {
      proxy.stop();
    }
  });

  test("stays where it is if its state names no cluster, or the cluster has another URL", async () => {
    expect(await up()).toEqual(["create", "create", "create"]);
    const deployed = await both();
    await engine.configure({ kubeconfig: here.kubeconfig });
    expect(await up()).toEqual(["update", "update", "update"]);
    const file = join(folder, "kubeconfig");
    writeFileSync(file, here.kubeconfig);
    await engine.configure({ kubeconfig: file });
    expect(await up()).toEqual(["same", "same", "same"]);
    expect(await both()).toEqual(deployed);
  });
});
