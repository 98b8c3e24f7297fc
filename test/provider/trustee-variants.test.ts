import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { keysOf } from "../../cli/audit/trustee-view.ts";
import { trusteeNames } from "../../core/trustee/generation.ts";
import { readTrustee } from "../../cli/live/read-trustee.ts";
import type { PropertyMap } from "../../provider/protocol/property-value.ts";
import { clientOf } from "../kube/api-server.ts";
import { FaultProxy } from "../support/fault-proxy.ts";
import { certificateRows } from "./certificate-rows.ts";
import { TestCluster } from "./cluster.ts";
import { Engine } from "./engine.ts";
import { refused } from "./refused-rows.ts";
import { HOST, older, rows, TLS, usual, type Expected } from "./variant-rows.ts";
import { install, LEAF } from "./variants.ts";

const routes = { "kbs-service": HOST };

describe("the facts of a Trustee are read from the live objects", () => {
  let cluster: TestCluster;
  let proxy: FaultProxy;
  let engine: Engine;

  beforeEach(async () => {
    cluster = await TestCluster.open();
    proxy = await FaultProxy.start(cluster.kubeconfig);
    engine = await Engine.start(cluster, { kubeconfig: proxy.kubeconfig });
  });
  afterEach(async () => {
    await engine.stop();
    proxy.stop();
    cluster.stop();
  });

  async function program(settings: PropertyMap): Promise<unknown> {
    const { kbsConfig, deployment } = trusteeNames;
    const args = { kbsConfig, deployment, existingSecrets: [], createdSecrets: [], stack: "o/p/s" };
    const given = { namespace: cluster.namespace, ...args, ...settings };
    const found = await engine.invoke("trustee:index:getTrustee", given);
    const facts = Object.keys({ ...usual, servedCertificate: "" });
    return Object.fromEntries(facts.map((fact) => [fact, found[fact]]));
  }

  async function audit(kbsConfig: string = trusteeNames.kbsConfig): Promise<unknown> {
    const { deployment } = trusteeNames;
    const names = { namespace: cluster.namespace, kbsConfig, deployment };
    const trustee = await readTrustee(clientOf({ kubeconfig: proxy.kubeconfig }), names);
    const { policyKey, referenceValuesKey } = keysOf(trustee);
    return {
      kbsConfig: trustee.kbsConfig.name,
      policyConfigMap: trustee.policy?.name,
      policyKey,
      referenceValuesConfigMap: trustee.referenceValues?.name,
      referenceValuesKey,
    };
  }

  /** What {@link audit} reads of these facts. */
  const audited = (facts: Expected): unknown => {
    const { kbsConfig, policyConfigMap, policyKey, referenceValuesConfigMap, referenceValuesKey } = facts;
    return { kbsConfig, policyConfigMap, policyKey, referenceValuesConfigMap, referenceValuesKey };
  };

  const all = Object.entries({ ...rows, ...certificateRows });
  test.each(all)("%s", async (_, { tls = TLS, settings = {}, expected, ...variant }) => {
    await install(cluster, { routes, ...variant });
    if (tls !== "") cluster.secret(tls, { "tls.crt": LEAF, "tls.key": "hidden" });
    const all: Expected = { ...usual, servedCertificate: undefined, ...expected };
    expect(await program(settings)).toEqual(all);
    expect(await audit()).toEqual(audited(all));
  });

  test.each(Object.entries(refused))(
    "%s is refused",
    async (_, { tls = TLS, problem, settings = {}, ...variant }) => {
      await install(cluster, { routes, ...variant });
      if (tls !== "") cluster.secret(tls, { "tls.crt": LEAF });
      await expect(program(settings)).rejects.toThrow(
        `2 UNKNOWN: 1 problem in the Trustee in namespace "test"; nothing was changed.\n${problem}`,
      );
    },
  );

  describe("a KbsConfig of another name", () => {
    beforeEach(async () => {
      await install(cluster, { keys: "0.21", rename: { trusteeconfig: "edge" }, routes });
      cluster.secret(TLS, { "tls.crt": LEAF });
    });

    test("next to a second one: the error names both", async () => {
      const { metadata, ...rest } = await cluster.get("KbsConfig", "edge-kbs-config");
      cluster.apply({ ...rest, kind: "KbsConfig", metadata: { ...metadata, name: "spare" } });
      const said = /KbsConfig "trusteeconfig-kbs-config".*there are: edge-kbs-config, spare/;
      await expect(program({})).rejects.toThrow(said);
      await expect(audit()).rejects.toThrow(said);
    });

    test("is not used in place of one that a setting names", async () => {
      const said = /KbsConfig "mine".*there are: edge-kbs-config/;
      await expect(program({ kbsConfig: "mine" })).rejects.toThrow(said);
      await expect(audit("mine")).rejects.toThrow(said);
    });

    test.each([
      [403, 'Grant the verb "list" on kbsconfigs'],
      [405, "no luck"],
    ])("and a list that fails with %d: the error names verb and resource", async (status, next) => {
      proxy.fault = ({ path }) => (path.endsWith("/kbsconfigs") ? { status, message: "no luck" } : undefined);
      const said =
        'cannot list kbsconfigs.confidentialcontainers.org in namespace "test": there is no KbsConfig "trusteeconfig-kbs-config"';
      for (const words of [said, next]) {
        await expect(program({})).rejects.toThrow(words);
        await expect(audit()).rejects.toThrow(words);
      }
    });
  });

  test("the Secret that the certificate is copied from cannot be given to pods", async () => {
    await install(cluster, { keys: "0.21", routes });
    cluster.secret("my-tls", { "tls.crt": LEAF, "tls.key": "hidden" });
    const spec = { httpsSpec: { tlsSecretName: "my-tls" } };
    await cluster.patch("TrusteeConfig", "trusteeconfig", { spec });
    await expect(program({ existingSecrets: ["my-tls"] })).rejects.toThrow(
      'secrets "my-tls": the Secret with the certificate and the private key of the KBS',
    );
  });

  test.each(["0.18", "0.21"] as const)(
    "an account that may not read the TrusteeConfig uses the default name: %s",
    async (keys) => {
      await install(cluster, { keys, routes });
      cluster.secret(TLS, { "tls.crt": LEAF });
      proxy.fault = ({ path }) =>
        path.includes("/trusteeconfigs/") ? { status: 403, message: "forbidden" } : undefined;
      const all = keys === "0.18" ? { ...usual, ...older } : usual;
      expect(await program({})).toEqual({ ...all, servedCertificate: undefined });
    },
  );

  test.each(["0.18", "0.21"] as const)(
    "an account that may read neither the KBS's configuration nor lists uses the mounts: %s",
    async (keys) => {
      await install(cluster, { keys, routes });
      cluster.secret(TLS, { "tls.crt": LEAF });
      proxy.fault = ({ path }) =>
        /\/(routes|kbsconfigs)$|\/configmaps\/trusteeconfig-kbs-config$/.test(path)
          ? { status: 403, message: "forbidden" }
          : undefined;
      const all = keys === "0.18" ? { ...usual, ...older } : usual;
      expect(await program({})).toEqual({ ...all, servedCertificate: undefined });
      expect(await audit()).toEqual(audited(all));
    },
  );
});
