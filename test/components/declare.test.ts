import * as pulumi from "@pulumi/pulumi";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import type { DeclaredTrusteeAccess } from "../../components/declare.ts";
import { LIVE, mockPulumi } from "./live-trustee.ts";

interface Registered {
  readonly type: string;
  readonly name: string;
  readonly inputs: Readonly<Record<string, unknown>>;
}

const registered: Registered[] = [];
const invoked: unknown[] = [];

/** Resolves an output; secrets stay secret. */
async function valueOf<T>(output: pulumi.Output<T>): Promise<T> {
  return new Promise((resolve) => {
    output.apply((value) => {
      resolve(value);
    });
  });
}

describe("a declaration", () => {
  let declared: DeclaredTrusteeAccess;

  beforeAll(async () => {
    // A time at which the fixtures' certificate is valid.
    vi.useFakeTimers({ toFake: ["Date"], now: new Date("2026-01-10T00:00:00Z") });
    await mockPulumi({
      call: ({ token, inputs }) => {
        invoked.push({ token, inputs: inputs as unknown });
        return token === "trustee:index:getTrustee" ? LIVE : { found: { nobody: { annotation: "" } } };
      },
      newResource: ({ type, name, inputs }) => {
        registered.push({ type, name, inputs: inputs as Registered["inputs"] });
        const computed =
          type === "trustee:index:GeneratedValue"
            ? { value: "generated" }
            : {
                cluster: `cluster of ${name}`,
                revision: `revision of ${name}`,
                overlapRevision: name === "resource-policy" ? "7" : "",
                liveContent: `text of ${name}`,
                expiries: { snp_pcr08: "2030" },
              };
        return { id: `${name}-id`, state: { ...(inputs as object), ...computed } };
      },
    });
    // Import after the mocks: the resources' base class reads them when it loads.
    const { declareTrusteeAccess } = await import("../../components/declare.ts");
    declared = await declareTrusteeAccess("access", {
      settings: {
        trustee: {
          url: "https://kbs.example.com",
          certificateAuthorityFile: "test/fixtures/certificates/leaf.pem",
        },
        podCluster: { kubeconfig: "/elsewhere" },
        secrets: [
          { name: "made", from: "generate", keys: ["a", "b"], length: 20 },
          { name: "given", from: "setting", keys: ["k"] },
          { name: "there", keys: ["k"] },
        ],
        podDefaults: { image: "registry.example/app:1" },
        pods: [
          { name: "web", kind: "Deployment", replicas: 2 },
          { name: "web", namespace: "b", deploy: false },
          { name: "store", kind: "StatefulSet" },
          { name: "once", kind: "Job" },
          { name: "alone" },
        ],
        grants: [{ pod: "b/web", secret: "made", key: "a" }],
      },
      secretValues: { given: { k: pulumi.secret("text") } },
    });
    await valueOf(declared.access.policy.text);
    await Promise.all(declared.access.pods.map(async ({ resource }) => valueOf(resource.id)));
    await valueOf(declared.access.rotation.rollout.id);
  }, 60_000);

  afterAll(() => {
    vi.useRealTimers();
  });

  it("has one component per concept, in this order, with pods after Trustee and without pods that others deploy", () => {
    expect(registered.map(({ type, name }) => `${type} ${name}`).sort()).toEqual(
      [
        "pulumi:providers:kubernetes trustee-cluster",
        "pulumi:providers:kubernetes pod-cluster",
        "pulumi:providers:trustee trustee",
        "pulumi:providers:trustee pod-reader",
        "trustee-access:index:TrusteeAccess access",
        "trustee-access:index:TrusteeRestoration restoration",
        "trustee:index:Rollout restoration",
        "trustee-access:index:KbsSecret made",
        "trustee:index:GeneratedValue identity",
        "trustee:index:GeneratedValue made/a",
        "trustee:index:GeneratedValue made/b",
        "kubernetes:core/v1:Secret made",
        "trustee:index:KbsSecretEntry made",
        "trustee-access:index:KbsSecret given",
        "kubernetes:core/v1:Secret given",
        "trustee:index:KbsSecretEntry given",
        "trustee-access:index:KbsSecret there",
        "trustee:index:KbsSecretEntry there",
        "trustee-access:index:ResourcePolicy resource-policy",
        "trustee:index:ResourcePolicy resource-policy",
        "trustee-access:index:ReferenceValues reference-values",
        "trustee:index:ReferenceValues reference-values",
        "trustee-access:index:TrusteeRollout rollout",
        "trustee:index:Rollout rollout",
        ...["web", "store", "once", "alone"].map((name) => `trustee-access:index:ConfidentialPod ${name}`),
        "kubernetes:apps/v1:Deployment web",
        "kubernetes:apps/v1:StatefulSet store",
        "kubernetes:batch/v1:Job once",
        "kubernetes:core/v1:Pod alone",
        "trustee-access:index:InitdataRotation rotation",
        "trustee:index:Retirement rotation",
        "trustee:index:Rollout rotation",
        "trustee:index:ClusterCheck pod-cluster",
      ].sort(),
    );
    const order = [
      "kubernetes:core/v1:Secret",
      "trustee:index:KbsSecretEntry",
      "trustee:index:Rollout rollout",
      "kubernetes:core/v1:Pod",
      "trustee:index:Retirement",
      "trustee:index:Rollout rotation",
    ];
    const places = order.map((start) =>
      registered.findLastIndex(({ type, name }) => `${type} ${name}`.startsWith(start)),
    );
    expect(places).toEqual([...places].sort((a, b) => a - b));
  });

  it("checks the cluster of each edit: the pods' one for the pods, Trustee's for everything else", () => {
    const clusters = registered
      .filter(({ type }) => type.startsWith("trustee:index:") && type !== "trustee:index:GeneratedValue")
      .map(({ type, inputs }) => [type === "trustee:index:ClusterCheck", inputs["cluster"]]);
    expect(new Set(clusters.map(String))).toEqual(
      new Set(["true,cluster of pod-reader", "false,cluster of trustee"]),
    );
  });

  it("ends a grace period after each write that kept previous initdata", () => {
    const retirement = registered.find(({ type }) => type === "trustee:index:Retirement");
    expect(retirement?.inputs["overlaps"]).toEqual(["7"]);
  });

  it("puts values into Secrets as base64, the generated ones too, and as Pulumi secrets", () => {
    const { specialSigKey, specialSecretSig } = pulumi.runtime;
    const secret = (value: unknown): unknown => ({ [specialSigKey]: specialSecretSig, value });
    const data = registered
      .filter(({ type }) => type === "kubernetes:core/v1:Secret")
      .map(({ name, inputs }) => [name, inputs["data"]]);
    expect(Object.fromEntries(data)).toEqual({
      made: secret({ a: "Z2VuZXJhdGVk", b: "Z2VuZXJhdGVk" }),
      given: secret({ k: "dGV4dA==" }),
    });
  });

  it("passes on the CA from the file unchanged", () => {
    const certificateAuthority: string = LIVE.certificate;
    expect(invoked).toContainEqual({
      token: "trustee:index:getTrustee",
      inputs: expect.objectContaining({ certificateAuthority }) as unknown,
    });
  });

  it("reads live objects with its pods' names before anything is written", () => {
    expect(invoked).toContainEqual({
      token: "trustee:index:getInitdata",
      inputs: {
        pods: [
          { id: "web", kind: "Deployment", namespace: "default", name: "web" },
          { id: "store", kind: "StatefulSet", namespace: "default", name: "store" },
          { id: "once", kind: "Job", namespace: "default", name: "once" },
          { id: "alone", kind: "Pod", namespace: "default", name: "alone" },
        ],
      },
    });
  });

  it("gives a generated value to the program as a Pulumi secret", async () => {
    const values = declared.access.secrets.map((secret) => secret.values);
    const [made, given, there] = values;
    expect(there).toBeUndefined();
    expect(await Promise.all([made, given].map(async (one) => one && pulumi.isSecret(one)))).toEqual([
      true,
      true,
    ]);
    expect(await Promise.all([made, given].map(async (one) => one && valueOf(one)))).toEqual([
      { a: "Z2VuZXJhdGVk", b: "Z2VuZXJhdGVk" },
      { k: "dGV4dA==" },
    ]);
  });

  it("outputs what people and pipelines need", () => {
    const { initData, annotations, pods, matrix } = declared.outputs;
    const ids = ["web", "b/web", "store", "once", "alone"];
    expect([initData, annotations, pods].map((output) => Object.keys(output))).toEqual([ids, ids, ids]);
    expect(pods["b/web"]).toMatchObject({
      name: "web",
      namespace: "b",
      kind: "Pod",
      deployed: false,
      binding: "azure-vtpm",
    });
    expect(matrix).toEqual([
      "       made/a      made/b    given/k   there/k",
      "web    ✗ denied    ✗ denied  ✗ denied  ✓ may read",
      "b/web  ✓ may read  ✗ denied  ✗ denied  ✓ may read",
      "store  ✗ denied    ✗ denied  ✗ denied  ✓ may read",
      "once   ✗ denied    ✗ denied  ✗ denied  ✓ may read",
      "alone  ✗ denied    ✗ denied  ✗ denied  ✓ may read",
    ]);
  });
});
