import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { execa } from "execa";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { decide, type AccessRules, type PolicyData } from "../../../core/access/model.ts";
import { otherSecretsModes } from "../../../core/policy/grants.ts";
import { joinPolicy } from "../../../core/policy/share.ts";
import { toolPath } from "../../support/tools.ts";
import { policyData, tokens, pcr } from "../../fixtures/requests.ts";

let opa = "";
let folder = "";
beforeAll(async () => {
  opa = await toolPath("opa");
  folder = mkdtempSync(join(tmpdir(), "trustee-access-opa-"));
}, 1_200_000);
afterAll(() => {
  rmSync(folder, { recursive: true });
});

const secrets = {
  "fraud-dataset": { "*": { [pcr.pod1]: "pod1" } },
  "p2-secret": { secret: { [pcr.pod2]: "pod2" } },
  shared: { "*": { [pcr.pod1]: "pod1" }, one: { [pcr.pod2]: "pod2" } },
  lonely: {},
};

/** What OPA says of one request for every token: one run, `input` replaced for each. Strict: a builtin's error fails it. */
async function evaluate(
  policy: string,
  data: PolicyData,
  syntax: readonly string[],
): Promise<readonly unknown[]> {
  const files = {
    "policy.rego": policy,
    "data.json": JSON.stringify(data),
    "input.json": JSON.stringify({ tokens }),
  };
  for (const [name, content] of Object.entries(files)) writeFileSync(join(folder, name), content);
  const query = "{i: allowed | token := input.tokens[i]; allowed := data.policy.allow with input as token}";
  const { stdout } = await execa(
    opa,
    [
      "eval",
      ...syntax,
      "--strict-builtin-errors",
      "--format=raw",
      "-d",
      "policy.rego",
      "-d",
      "data.json",
      "-i",
      "input.json",
      query,
    ],
    { cwd: folder },
  );
  const allowed = JSON.parse(stdout) as Readonly<Record<string, unknown>>;
  return tokens.map((_, index) => allowed[index]);
}

describe.each([
  ["Rego v1", ["--v1-compatible"]],
  ["Rego v0", ["--v0-compatible"]],
] as const)("the generated policy in OPA, %s", (_, syntax) => {
  it.each(otherSecretsModes)(
    "answers every request, of whatever shape, as the model does (others: %s)",
    async (others) => {
      const rules: AccessRules = { others, secrets };
      const policy = joinPolicy("package before\n", { stack: "o/p/s", ...rules });
      for (const data of policyData) {
        const seen = await evaluate(policy, data, syntax);
        const expected = tokens.map((token) => decide(rules, data, token).allowed);
        expect({ data, seen }).toEqual({ data, seen: expected });
      }
    },
    120_000,
  );
});

describe("the model", () => {
  it("allows some of these requests and denies others, so that the comparison says something", () => {
    const rules: AccessRules = { others: "affirming", secrets };
    const why = policyData.flatMap((data) => tokens.map((token) => decide(rules, data, token).why));
    expect(Object.fromEntries([...Map.groupBy(why, (one) => one)].map(([one, all]) => [one, all.length])))
      .toMatchInlineSnapshot(`
      {
        "granted": 16,
        "no-resource": 2450,
        "not-a-reader": 208,
        "not-affirming": 418,
        "not-restricted": 128,
      }
    `);
  });
});
