import { expect, it } from "vitest";
import { outcomeOf, prove } from "../../../cli/check/prove.ts";
import { proofText } from "../../../cli/check/show.ts";
import { joinPolicy } from "../../../core/policy/share.ts";
import { allKeys, stackGrants } from "../../fixtures/grants.ts";
import { stackOutputs } from "../../fixtures/stack-outputs.ts";
import { toolPath } from "../../support/tools.ts";

const access = { pod1: { "fraud-dataset/dataset_key": "granted" } };
const stack = stackOutputs({ annotations: {}, access });
const rules = (text: string): string => `package policy\nimport rego.v1\ndefault allow := false\n${text}\n`;
const AFFIRMING = 'input.submods.cpu0["ear.status"] == "affirming"';
const CLAIMS = 'input.submods.cpu0["ear.veraison.annotated-evidence"].init_data_claims';

/** The outcome, and the lines behind the table. */
async function checked(text: string): Promise<readonly [string, string]> {
  const proof = await prove({ text, from: "a file", stack, syntax: "v1" }, await toolPath("opa"), false);
  return [outcomeOf(proof), proofText(proof, stack).replace(/^[^]*┘\n/, "")];
}

it("neither agrees nor differs by a foreign policy that reads the initdata's content", async () => {
  const [outcome, text] = await checked(rules(`allow if ${CLAIMS}["cdh.toml"].kbc.url == "https://kbs"`));
  expect(outcome).toBe("unknown");
  expect(text).toContain(
    `The policy could not be fully judged: it uses "init_data_claims", "cdh.toml", "kbc", "url", whose values only a pod's own evidence has. The requests hold examples for them, or nothing.`,
  );
  expect(text).toContain(
    "Whether the policies match the stack's grants is unknown. Review these conditions by hand, and try from a pod: npx trustee-access verify.",
  );
}, 1_200_000);

it("differs by a foreign policy that reads nothing else than the stack's", async () => {
  const [outcome, text] = await checked(rules(`allow if ${AFFIRMING}`));
  expect(outcome).toBe("differs");
  expect(text).not.toContain("judged");
  expect(text).toMatch(/The policies do not match the stack's grants\.$/);
}, 1_200_000);

it("differs by a foreign policy that does not compile, whatever it reads", async () => {
  const [outcome] = await checked(rules(`allow if ${CLAIMS}.a == `));
  expect(outcome).toBe("differs");
}, 1_200_000);

it("differs by a policy that OPA reads, and KBS v0.20 and later do not", async () => {
  const grants = stackGrants(stack.grants.stack, { db: allKeys({ a1: "pod1" }) });
  const whole = { ...stack, access: {}, initData: {}, grants };
  const check = async (text: string, syntax: "v0" | "v1") => {
    const proof = await prove({ text, from: "a file", stack: whole, syntax }, await toolPath("opa"), false);
    return [outcomeOf(proof), proofText(proof, whole).includes("KBS v0.20 and later deny every request")];
  };
  const policy = joinPolicy(null, grants);
  const long = `${policy}${"\n".repeat(20_000)}`;
  expect(await check(policy, "v0")).toEqual(["holds", false]);
  expect(await check(long, "v0")).toEqual(["holds", false]);
  expect(await check(long, "v1")).toEqual(["differs", true]);
  const foreign = rules(`deny := true${"\n".repeat(20_000)}`);
  expect(await check(foreign, "v1")).toEqual(["differs", true]);
}, 1_200_000);
