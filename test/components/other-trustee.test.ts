import { beforeAll, describe, expect, it } from "vitest";
import type { DeclaredTrusteeAccess } from "../../components/declare.ts";
import { LIVE, mockPulumi } from "./live-trustee.ts";

const { certificate: _, certificateSecret: __, ...live } = LIVE;

/** A Trustee of a permissive profile, with a KbsConfig by hand. */
const FOUND = {
  ...live,
  url: "http://kbs.example.svc:8080",
  kbsConfig: "kbsconfig",
  policyConfigMap: "resource-policy",
  policyKey: "mine.rego",
  referenceValuesConfigMap: "rvps-reference-values",
  referenceValuesKey: "values.json",
};

describe("on a Trustee whose objects have other names", () => {
  const inputs = new Map<string, Readonly<Record<string, unknown>>>();
  const calls: unknown[] = [];
  let declared: DeclaredTrusteeAccess;

  beforeAll(async () => {
    await mockPulumi({
      call: ({ token, inputs: args }) => {
        if (token !== "trustee:index:getTrustee") return { found: {} };
        calls.push(args);
        return FOUND;
      },
      newResource: ({ type, name, inputs: given }) => {
        inputs.set(`${type} ${name}`, given as Readonly<Record<string, unknown>>);
        const computed = { value: "v", revision: "1", liveContent: "", expiries: {}, owner: "o" };
        return { id: name, state: { ...(given as object), ...computed } };
      },
    });
    const { declareTrusteeAccess } = await import("../../components/declare.ts");
    declared = await declareTrusteeAccess("access", {
      settings: {
        trustee: { url: FOUND.url },
        secrets: [{ name: "there", keys: ["k"] }],
        readers: [{ name: "gpu", initdata: "ab".repeat(32) }],
        grants: [{ reader: "gpu", secret: "there" }],
      },
    });
    await new Promise((resolve) => {
      declared.access.rotation.rollout.id.apply(resolve);
    });
  }, 60_000);

  it("needs no certificate if no initdata is generated", () => {
    expect(calls).toMatchObject([{ url: FOUND.url, generatesInitdata: false }]);
  });

  it("writes the objects that this Trustee reads, and outputs their names", () => {
    const of = (name: string, ...fields: readonly string[]): unknown =>
      fields.map((field) => inputs.get(`trustee:index:${name}`)?.[field]);
    expect(of("ResourcePolicy resource-policy", "configMap", "candidateKeys", "kbsConfig")).toEqual([
      "resource-policy",
      ["mine.rego"],
      "kbsconfig",
    ]);
    expect(of("ReferenceValues reference-values", "configMap", "candidateKeys")).toEqual([
      "rvps-reference-values",
      ["values.json"],
    ]);
    expect(of("KbsSecretEntry there", "kbsConfig")).toEqual(["kbsconfig"]);
    expect(of("Retirement rotation", "policy", "referenceValues")).toMatchObject([
      { configMap: "resource-policy", candidateKeys: ["mine.rego"] },
      { configMap: "rvps-reference-values", candidateKeys: ["values.json"] },
    ]);
    const after = ["resource-policy", "rvps-reference-values"].map((name) => ({ kind: "ConfigMap", name }));
    expect(of("Rollout rotation", "after")).toEqual([after]);
    expect(declared.outputs.trustee).toMatchObject({
      url: FOUND.url,
      kbsConfig: "kbsconfig",
      policyKey: "mine.rego",
      referenceValuesKey: "values.json",
    });
  });
});
