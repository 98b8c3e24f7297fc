import { beforeAll, describe, expect, it } from "vitest";
import { IssuesError } from "../../core/issues.ts";
import { allKeys, stackGrants } from "../fixtures/grants.ts";
import { mockPulumi } from "./live-trustee.ts";

const STACK = "organization/project/stack";
const CLAIM = "ab".repeat(32);

describe("the single components", () => {
  const inputs = new Map<string, Readonly<Record<string, unknown>>>();

  beforeAll(async () => {
    await mockPulumi({
      call: () => ({}),
      newResource: ({ type, name, inputs: given }) => {
        inputs.set(`${type} ${name}`, given as Readonly<Record<string, unknown>>);
        const computed = { cluster: "c1", revision: "1", liveContent: "", owner: "o" };
        return { id: name, state: { ...computed, ...(given as object) } };
      },
    });
  }, 60_000);

  const resources = () => import("../../components/index.ts");

  it("name this stack, unless another one is given", async () => {
    const { InitdataRotation, ReferenceValues, ResourcePolicy } = await resources();
    const { stack: _, ...grants } = stackGrants(STACK, { db: allKeys({ [CLAIM]: "web" }) });
    const rotation = { current: {}, overlapping: [] };
    const referenceValues = new ReferenceValues("values", { key: "k", digests: {} });
    for (const [name, stack] of [["its"], ["other", "organization/project/other"]] as const) {
      const policy = new ResourcePolicy(name, {
        key: "policy.rego",
        grants: { ...grants, ...(stack === undefined ? {} : { stack }) },
      });
      const end = new InitdataRotation(name, {
        ...{ rotation, stack, referenceValues },
        ...{ pods: [], keys: { policyKey: "policy.rego", referenceValuesKey: "k" } },
      });
      await new Promise((resolve) => policy.revision.apply(resolve));
      await new Promise((resolve) => end.rollout.id.apply(resolve));
      expect([
        inputs.get(`trustee:index:ResourcePolicy ${name}`)?.["policy"],
        inputs.get(`trustee:index:Retirement ${name}`)?.["policy"],
      ]).toMatchObject([{ stack: stack ?? STACK }, { stack: stack ?? STACK }]);
    }
  });

  it("name the cluster of their provider, so that a move reverts them on the previous one", async () => {
    const all = await resources();
    const { stack: _, ...grants } = stackGrants(STACK, {});
    const opts = { provider: new all.TrusteeProvider("trustee") };
    const policy = new all.ResourcePolicy("on", { key: "k", grants }, opts);
    const referenceValues = new all.ReferenceValues("on", { key: "k", digests: {} }, opts);
    const secret = new all.KbsSecret("on", {}, { providers: [opts.provider] });
    const restoration = new all.TrusteeRestoration("on-restoration", {}, opts);
    new all.TrusteeRollout("on-rollout", { policy, referenceValues, secrets: [secret] }, opts);
    const rotation = new all.InitdataRotation(
      "on",
      {
        ...{ rotation: { current: {}, overlapping: [] }, referenceValues },
        ...{ pods: [], keys: { policyKey: "k", referenceValuesKey: "k" } },
      },
      opts,
    );
    await new Promise((resolve) => restoration.rollout.id.apply(resolve));
    await new Promise((resolve) => rotation.rollout.id.apply(resolve));
    const kinds = ["KbsSecretEntry", "ReferenceValues", "ResourcePolicy", "Retirement", "Rollout"];
    const edits = [...kinds.map((kind) => `${kind} on`), "Rollout on-restoration", "Rollout on-rollout"];
    expect(edits.map((edit) => inputs.get(`trustee:index:${edit}`)?.["cluster"])).toEqual(
      edits.map(() => "c1"),
    );
  });

  it("refuse to go on if a preview does not know the kubeconfig: the engine answers with nothing", async () => {
    const { getTrustee } = await resources();
    await expect(getTrustee()).rejects.toThrow(
      "TA831 This preview does not know the kubeconfig or context of the provider trustee yet, so the live Trustee cannot be read. " +
        "Create the cluster in a stack of its own first, then preview again.",
    );
  });

  it.each([
    ["without a binding", { db: { "*": { [CLAIM]: "web" } } }, {}],
    ["with the binding of an older release", { db: { "*": { any: { [CLAIM]: "web" } } } }, {}],
    ["without a binding, among former ones", {}, { db: { "*": { [CLAIM]: "web" } } }],
  ])("refuse a grant %s: any TEE could use it", async (_, secrets, retiring) => {
    const { ResourcePolicy } = await resources();
    const field = Object.keys(secrets).length > 0 ? "secrets" : "retiring";
    const declare = (): unknown =>
      new ResourcePolicy("refused", {
        key: "policy.rego",
        // As a program in JavaScript, or a computed key, passes it.
        grants: { others: "affirming", secrets, retiring } as never,
      });
    expect(declare).toThrow(IssuesError);
    expect(declare).toThrow(`1 problem in the resource policy refused; nothing was changed.
  - TA615 grants.${field}["db"]["*"]: "web" of any TEE
      allowed: a reader by its binding: azure-vtpm, snp, tdx, sample
      to fix: Write secret -> key -> binding -> init_data -> reader, or let planGrants write it.`);
    expect([...inputs.keys()].filter((name) => name.endsWith(" refused"))).toEqual([]);
  });

  it("plan the grants and the rotation of pods, in every spelling of their claims", async () => {
    const { EVERY_KEY, planConfidentialPod, planGrants } = await resources();
    const [cloud, metal, other] = [
      ["cloud", "azure-vtpm"] as const,
      ["metal", "snp"] as const,
      ["other", "tdx"] as const,
    ].map(([name, binding]) =>
      planConfidentialPod(name, {
        binding,
        image: "registry.example/app:1",
        trustee: { url: "https://kbs.example.com" },
        claims: { name },
      }),
    );
    if (cloud === undefined || metal === undefined || other === undefined) throw new Error("not planned");
    const base64 = Buffer.from(metal.initData, "hex").toString("base64");
    expect(
      planGrants(
        [cloud, metal, other],
        [
          { secret: "db", pod: cloud },
          { secret: "db", key: "user", pod: metal },
        ],
        ["spare"],
      ),
    ).toEqual({
      secrets: {
        db: {
          [EVERY_KEY]: { "azure-vtpm": { [cloud.initData]: "cloud" } },
          user: { snp: { [base64]: "metal", [metal.initData]: "metal" } },
        },
        spare: {},
      },
      current: {
        [cloud.initData]: "cloud",
        [metal.initData]: "metal",
        [base64]: "metal",
        [other.initData]: "other",
      },
    });
  });
});
