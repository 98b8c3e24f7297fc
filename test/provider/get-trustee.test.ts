import { beforeEach, describe, expect, test } from "vitest";
import { generationFacts, generations, trusteeNames } from "../../core/trustee/generation.ts";
import { ownerAnnotations, ownerLabels } from "../../core/trustee/ownership.ts";
import type { PropertyMap } from "../../provider/protocol/property-value.ts";
import { kubeconfigOf } from "../kube/api-server.ts";
import { closedPort } from "../support/closed-port.ts";
import { joinPolicy } from "../../core/policy/share.ts";
import { keepPolicyWords, lossWords } from "../../core/trustee/redhat.ts";
import { TestCluster } from "./cluster.ts";
import { Engine } from "./engine.ts";
import { plainDeployment } from "./rollout-inputs.ts";
import { STACK, trusteeArgs } from "./trustee-args.ts";

/** The metadata of a Secret that a stack created. */
const madeBy = (stack: string) => ({ labels: ownerLabels, annotations: ownerAnnotations(stack) });

const TOKEN = "trustee:index:getTrustee";

describe.each(generations)("the live Trustee %s", (generation) => {
  let cluster: TestCluster;
  let engine: Engine;
  beforeEach(async () => {
    cluster = await TestCluster.withTrustee(generation);
    engine = await Engine.start(cluster);
    return async () => engine.stop();
  });

  test("is read", async () => {
    const { policyKey, referenceValuesKey, route } = generationFacts[generation];
    const { data } = await cluster.get("Secret", trusteeNames.certificate);
    const { spec } = await cluster.get("Route", route);
    const policies = (await cluster.data(trusteeNames.resourcePolicy)) as Record<string, string>;
    const values = (await cluster.data(trusteeNames.referenceValues)) as Record<string, string>;
    const registeredSecrets = (await cluster.entries(trusteeNames.kbsConfig)) as readonly string[];
    const keys = {
      "attestation-status": ["status"],
      "fraud-dataset": ["dataset_key"],
      kbsres1: ["key1", "key2"],
      "trustee-image-policy": ["policy"],
    };
    expect(
      await engine.invoke(
        TOKEN,
        trusteeArgs(cluster.namespace, { existingSecrets: ["fraud-dataset"], createdSecrets: ["p2-secret"] }),
      ),
    ).toStrictEqual({
      url: `https://${(spec as { host: string }).host}`,
      certificate: Buffer.from((data as Record<string, string>)["tls.crt"] ?? "", "base64").toString(),
      certificateSecret: trusteeNames.certificate,
      kbsConfig: trusteeNames.kbsConfig,
      generation,
      policyConfigMap: trusteeNames.resourcePolicy,
      policyKey,
      referenceValuesConfigMap: trusteeNames.referenceValues,
      referenceValuesKey,
      policy: policies[policyKey],
      referenceValues: values[referenceValuesKey],
      policyOtherBytes: 0,
      referenceValuesOtherBytes: 0,
      referenceValuesAnnotations: {},
      vanished: [],
      registeredSecrets,
      missingSecrets: [],
      secretKeys: Object.fromEntries(
        Object.entries(keys).filter(([name]) => registeredSecrets.includes(name)),
      ),
      warnings: [],
    });
  });
});

describe("the preflight", () => {
  let cluster: TestCluster;
  let engine: Engine;
  const certificate = { "tls.crt": "-----BEGIN CERTIFICATE-----\nMII=\n-----END CERTIFICATE-----\n" };

  beforeEach(async () => {
    cluster = await TestCluster.open();
    engine = await Engine.start(cluster);
    return async () => engine.stop();
  });

  /** A hand-made Trustee with everything that a stack needs, except a Route. */
  const trustee = (): void => {
    cluster.kbsConfig(trusteeNames.kbsConfig, ["gone"]);
    // It does not show which key it reads.
    const policy = { name: "policy", configMap: { name: trusteeNames.resourcePolicy } };
    plainDeployment(cluster, trusteeNames.deployment, { app: "kbs" }, 0, [policy]);
    cluster.configMap(trusteeNames.resourcePolicy, { "policy.rego": "p" });
    cluster.configMap(trusteeNames.referenceValues, { "reference-values.json": "[]" });
    cluster.secret(trusteeNames.certificate, certificate);
  };
  const url = { url: "https://kbs.example" };

  const problems = async (more: PropertyMap = {}): Promise<string> => {
    try {
      return JSON.stringify(await engine.invoke(TOKEN, trusteeArgs(cluster.namespace, more)));
    } catch (error) {
      return error instanceof Error ? error.message : String(error);
    }
  };

  test("reports all problems of a namespace without Trustee at once", async () => {
    const given = { existingSecrets: ["fraud-dataset"], createdSecrets: ["p2-secret"] };
    const missing = (kind: string, name: string, path: string, fix: string) =>
      `  - TA804 ${path}: ${kind} "${name}", which does not exist in namespace "${cluster.namespace}"\n` +
      `      allowed: a ${kind} that exists\n      to fix: ${fix}\n`;
    const install = "Install Trustee, or correct the name and the namespace.";
    const message = await problems(given);
    const lines = [
      missing("KbsConfig", trusteeNames.kbsConfig, "trustee.kbsConfig", install),
      missing("Deployment", trusteeNames.deployment, "trustee.deployment", install),
      missing(
        "Secret",
        trusteeNames.certificate,
        "trustee.certificateSecret",
        "Install Trustee, or name the Secret that holds the KBS's certificate. If a router or an Ingress serves TLS, set trustee.certificateAuthority. If the KBS serves http, set trustee.url to its http URL.",
      ),
      missing("ConfigMap", trusteeNames.resourcePolicy, "trustee.namespace", install),
      missing("ConfigMap", trusteeNames.referenceValues, "trustee.namespace", install),
      missing(
        "Secret",
        "fraud-dataset",
        'secrets "fraud-dataset"',
        "Create it, correct its name, or let this stack create it.",
      ),
      `  - TA810 trustee.url: nothing, and there is no Route "kbs-route" or "kbs-service" in namespace "${cluster.namespace}"\n` +
        "      allowed: the URL at which the pods reach the KBS\n      to fix: Set trustee.url, or expose the KBS by a Route.\n",
    ];
    const count = `7 problems in the Trustee in namespace "${cluster.namespace}"; nothing was changed.\n`;
    expect(message).toContain(count);
    for (const line of lines) expect(`${message}\n`).toContain(line);
    const length = lines.reduce((sum, line) => sum + line.length, count.length);
    expect(message.slice(message.indexOf("7 problems")).length + 1).toBe(length);
  });

  test("reports objects that exist but cannot be used", async () => {
    trustee();
    cluster.configMap(trusteeNames.referenceValues, { "reference-values.json": "{}" });
    cluster.delete("Secret", trusteeNames.certificate);
    cluster.secret(trusteeNames.certificate, { "tls.key": "hidden" });
    cluster.secret("taken");
    cluster.secret("other-stack", {}, madeBy("org/project/prod"));
    cluster.secret("own", {}, madeBy(STACK));
    const message = await problems({
      ...url,
      createdSecrets: ["taken", "other-stack", "own"],
      existingSecrets: ["own"],
    });
    expect(message).toContain("5 problems");
    expect(message).toContain(
      'secrets "own": an existing secret, but this stack created it: it would be deleted with its values',
    );
    expect(message).toContain(`Secret "${trusteeNames.certificate}" without the key tls.crt`);
    expect(message).toContain(
      'The reference values under the key "reference-values.json" cannot be read: it holds an object',
    );
    expect(message).toContain(
      `secrets "taken": a Secret to be created, which exists already in namespace "${cluster.namespace}"\n`,
    );
    expect(message).toContain('secrets "other-stack": a Secret to be created, which exists already');
    expect(message).toContain("belongs to the stack org/project/prod");
    expect(message).not.toContain("hidden");
  });

  test("accepts its own Secret as one to create, and warns about a listed Secret that does not exist", async () => {
    trustee();
    cluster.secret("own", {}, madeBy(STACK));
    expect(JSON.parse(await problems({ ...url, createdSecrets: ["own"] }))).toMatchObject({
      ...url,
      generation: "0.18",
      registeredSecrets: ["gone"],
      warnings: [expect.stringContaining('lists Secret "gone", which does not exist')],
    });
    expect(engine.messages("WARNING")).toStrictEqual([
      `KbsConfig "${trusteeNames.kbsConfig}" lists Secret "gone", which does not exist: the Trustee operator cannot ` +
        "reconcile until it is created, or removed from the list.",
    ]);
  });

  test("names the keys of an existing Secret that lacks a required one", async () => {
    trustee();
    cluster.secret("db", { user: "hidden", password: "hidden" });
    cluster.secret("whole", { k: "hidden" });
    const needed = { existingSecrets: ["db", "whole"], keys: { db: ["user", "pasword"], whole: ["k"] } };
    expect(JSON.parse(await problems({ ...url, ...needed }))).toMatchObject({
      secretKeys: { db: ["password", "user"] },
    });
  });

  test("refuses Trustee's own secrets, as named in the KbsConfig, and counts the other bytes of the ConfigMaps", async () => {
    trustee();
    cluster.secret("taken");
    cluster.configMap(trusteeNames.resourcePolicy, { "policy.rego": "p", other: "éé", more: "x" });
    await cluster.edit(trusteeNames.referenceValues, { "reference-values.json": "[]", other: "12345" });
    const spec = { kbsAuthSecretName: "own", kbsHttpsKeySecretName: "key", kbsConfigMapName: "taken" };
    await cluster.patch("KbsConfig", trusteeNames.kbsConfig, { spec });
    const message = await problems({ ...url, createdSecrets: ["own", "key"], existingSecrets: ["taken"] });
    expect(message).toContain("2 problems");
    expect(message).toContain('secrets "own": the Secret that the KbsConfig names as kbsAuthSecretName');
    expect(message).toContain('secrets "key": the Secret that the KbsConfig names as kbsHttpsKeySecretName');
    expect(JSON.parse(await problems(url))).toMatchObject({
      policyOtherBytes: 5,
      referenceValuesOtherBytes: 5,
    });
  });

  test("accepts certificates only, and refuses a Secret that also holds a key", async () => {
    trustee();
    const key = "-----BEGIN PRIVATE KEY-----\nhidden==\n-----END PRIVATE KEY-----\n";
    const tls = certificate["tls.crt"];
    for (const text of [tls + key, key + tls]) {
      cluster.delete("Secret", trusteeNames.certificate);
      cluster.secret(trusteeNames.certificate, { "tls.crt": text });
      const message = await problems(url);
      expect(message).toContain("1 problem");
      expect(message).toContain(
        `Secret "${trusteeNames.certificate}" whose tls.crt holds more than certificates: PRIVATE KEY`,
      );
      expect(message).not.toContain("hidden");
    }
    cluster.delete("Secret", trusteeNames.certificate);
    cluster.secret(trusteeNames.certificate, { "tls.crt": `Bag Attributes\n${tls}` });
    expect(JSON.parse(await problems(url))).toMatchObject({ certificate: tls });
  });

  test("accepts an immutable certificate, and refuses an immutable policy", async () => {
    trustee();
    await cluster.patch("Secret", trusteeNames.certificate, { immutable: true });
    expect(JSON.parse(await problems(url))).toMatchObject({ certificate: certificate["tls.crt"] });
    await cluster.patch("ConfigMap", trusteeNames.resourcePolicy, { immutable: true });
    const message = await problems(url);
    expect(message).toContain("1 problem");
    expect(message).toContain(`ConfigMap "${trusteeNames.resourcePolicy}", which is immutable`);
  });

  test("refuses a KbsConfig whose kbsSecretResources is not a list of names", async () => {
    trustee();
    const { kbsConfig } = trusteeNames;
    for (const kbsSecretResources of ["kbsres1", [7]]) {
      await cluster.patch("KbsConfig", kbsConfig, { spec: { kbsSecretResources } });
      expect(await problems(url)).toBe(
        `2 UNKNOWN: 1 problem in the Trustee in namespace "${cluster.namespace}"; nothing was changed.\n` +
          `  - TA811 trustee.kbsConfig: KbsConfig "${kbsConfig}", whose spec.kbsSecretResources is not a list of names\n` +
          "      allowed: a list of names of Secrets\n" +
          `      to fix: Correct it: kubectl edit kbsconfig ${kbsConfig} -n ${cluster.namespace}`,
      );
    }
  });

  test("returns the live keys, and that of a setting if there is none", async () => {
    trustee();
    cluster.configMap(trusteeNames.referenceValues, { reference_value: "{}" });
    expect(JSON.parse(await problems(url))).toMatchObject({
      policyKey: "policy.rego",
      referenceValuesKey: "reference_value",
    });
    await cluster.edit(trusteeNames.referenceValues, { reference_value: null });
    await cluster.edit(trusteeNames.resourcePolicy, { "policy.rego": null });
    const unseen = (path: string, name: string, keys: string): string =>
      `  - TA810 ${path}: nothing, and it is unknown which key of ConfigMap "${name}" Trustee reads: the Deployment does not show it, and it has none of the known keys\n` +
      `      allowed: ${keys}, or another key that the KBS reads\n` +
      "      to fix: Set it, or let the Trustee operator recreate the ConfigMap and the Deployment.";
    expect(await problems(url)).toBe(
      `2 UNKNOWN: 2 problems in the Trustee in namespace "${cluster.namespace}"; nothing was changed.\n` +
        `${unseen("trustee.policyKey", trusteeNames.resourcePolicy, '"resource-policy.rego", "policy.rego"')}\n` +
        unseen(
          "trustee.referenceValuesKey",
          trusteeNames.referenceValues,
          '"reference_value", "reference-values.json"',
        ),
    );
    const keys = { policyKey: "resource-policy.rego", referenceValuesKey: "reference_value" };
    for (const setting of [keys, { generation: "0.21" }])
      expect(JSON.parse(await problems({ ...url, ...setting }))).toMatchObject({ ...keys, policy: null });
    await cluster.edit(trusteeNames.resourcePolicy, { "policy.rego": "old", "resource-policy.rego": "new" });
    await cluster.edit(trusteeNames.referenceValues, { reference_value: "{}" });
    expect(JSON.parse(await problems(url))).toMatchObject({ ...keys, policy: "new" });
  });

  test("reports a cluster that does not answer as one problem", async () => {
    const server = `https://127.0.0.1:${await closedPort()}`;
    const nowhere = await Engine.start(cluster, { kubeconfig: kubeconfigOf({ server }) });
    const start = cluster.clock.now().getTime();
    await expect(nowhere.invoke(TOKEN, trusteeArgs("x"))).rejects.toThrow(
      'UNKNOWN: 1 problem in the Trustee in namespace "x"; nothing was changed.\n' +
        `  - TA801 trustee.kubeconfig: the API server ${server} does not answer: connect ECONNREFUSED ${server.slice(8)}\n` +
        "      allowed: a cluster that answers\n" +
        "      to fix: Check trustee.kubeconfig and trustee.context: kubectl get namespace",
    );
    // Four requests at the same time, each with its retries, and none after them.
    expect(cluster.clock.now().getTime() - start).toBe(4 * 11_600);
    await nowhere.stop();
  });
});

test("warns at every preview that Red Hat's next operator deletes the policy on Trustee 1.1", async () => {
  const cluster = await TestCluster.withTrustee("0.18");
  const engine = await Engine.start(cluster);
  try {
    const route = { spec: { host: "kbs.example.com" } };
    const owner = {
      apiVersion: "confidentialcontainers.org/v1alpha1",
      kind: "TrusteeConfig",
      name: "trusteeconfig",
      uid: "1",
    };
    cluster.apply({ kind: "Route", metadata: { name: "kbs-route", ownerReferences: [owner] }, ...route });
    await engine.invoke(TOKEN, trusteeArgs(cluster.namespace));
    expect(engine.messages("WARNING")).toEqual([]);
    const policy = joinPolicy("package policy\n", { stack: STACK, others: "affirming", secrets: {} });
    await cluster.edit(trusteeNames.resourcePolicy, { "policy.rego": policy });
    await engine.invoke(TOKEN, trusteeArgs(cluster.namespace));
    expect(engine.messages("WARNING")).toEqual([
      `${lossWords.what} ${lossWords.why} ${keepPolicyWords(cluster.namespace, trusteeNames.resourcePolicy)}`,
    ]);
  } finally {
    await engine.stop();
    cluster.stop();
  }
});
