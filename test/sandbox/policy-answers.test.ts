import { beforeAll, describe, expect, it } from "vitest";
import { joinPolicy } from "../../core/policy/share.ts";
import { tokenClaims } from "../../sandbox/trustee/standin/token.ts";
import { askPolicy, type PolicyQuestion } from "../../sandbox/trustee/standin/resource-policy.ts";
import { toolPath } from "../support/tools.ts";
import { stackGrants } from "../fixtures/grants.ts";

const ours = joinPolicy(null, stackGrants("o/p/s", { s: { "*": { "azure-vtpm": { aa: "pod1" } } } }));
const foreign = "package policy\nimport rego.v1\ndefault allow := false\nallow if input.iat > 5\n";

let opa = "";
beforeAll(async () => {
  opa = await toolPath("opa");
}, 1_200_000);

const question = (policy: string, pcr8: string, now: number): Omit<PolicyQuestion, "opa"> => ({
  version: "v0.21",
  policy: Buffer.from(policy),
  claims: tokenClaims("v0.21", { tee: "snp", pcr8 }, { executables: 3, hardware: 2 }, now),
  path: ["default", "s", "k"],
});
const allows = async (...args: Parameters<typeof question>): Promise<boolean> =>
  (await askPolicy({ ...question(...args), opa })).problem === undefined;
/** Without OPA, only what is known can be answered. */
const known = async (...args: Parameters<typeof question>): Promise<boolean> =>
  askPolicy({ ...question(...args), opa: "/nonexistent" }).then(
    ({ problem }) => problem === undefined,
    () => false,
  );

describe("the answer to a pod's request", () => {
  it("is that of OPA the first time, and known for the pod's next token", async () => {
    expect([await known(ours, "aa", 1), await allows(ours, "aa", 1), await allows(ours, "bb", 1)]).toEqual([
      ...[false, true, false],
    ]);
    expect([await known(ours, "aa", 2), await known(ours, "cc", 2)]).toEqual([true, false]);
  });

  it("is asked again for another policy", async () => {
    expect(await allows(joinPolicy(null, stackGrants("o/p/s", { s: {} })), "aa", 1)).toBe(false);
    expect(await allows(ours, "aa", 1)).toBe(true);
  });

  it("is asked again for each token if the policy is foreign, which may read its times", async () => {
    expect([await allows(foreign, "aa", 5), await allows(foreign, "aa", 6)]).toEqual([false, true]);
    expect([await known(foreign, "aa", 6), await known(foreign, "aa", 7)]).toEqual([true, false]);
  });
});
