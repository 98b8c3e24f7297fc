import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { execa } from "execa";
import { beforeAll, describe, expect, it } from "vitest";
import { checkResourcePolicy } from "../../../cli/check/resource-policy.ts";
import { askResourcePolicy } from "../../../cli/opa/batch.ts";
import { affirmingToken } from "../../../core/access/token.ts";
import { decide } from "../../../core/access/model.ts";
import { accessRequests, type AccessRequest } from "../../../cli/questions/requests.ts";
import { otherSecretsModes, type AccessRules } from "../../../core/policy/grants.ts";
import { joinPolicy } from "../../../core/policy/share.ts";
import { toolPath } from "../../support/tools.ts";
import * as support from "./support.ts";
import { claims, pod1, pod2 } from "./support.ts";
import { sharedFolder } from "../../support/folders.ts";

const folder = sharedFolder();
let opa = "";
beforeAll(async () => {
  opa = await toolPath("opa");
}, 1_200_000);

const secrets = { ...support.secrets, "p2-secret": { secret: { "azure-vtpm": { [pod2]: "pod2" } } } };
const columns = [...support.columns, { secret: "p2-secret", key: "secret" }];
const before = "package before\n";

const requestsFor = (rules: AccessRules): readonly AccessRequest[] =>
  accessRequests({ rules, claims, columns });

function write(name: string, text: string): string {
  const file = join(folder, name);
  writeFileSync(file, text);
  return file;
}

describe.each(["v1", "v0"] as const)("the generated policy in OPA, Rego %s", (syntax) => {
  it.each(otherSecretsModes)(
    "answers every request, of whatever shape, as the model does (others: %s)",
    async (others) => {
      const rules: AccessRules = { others, secrets };
      const requests = requestsFor(rules);
      const text = joinPolicy(before, { stack: "o/p/s", ...rules });
      const { differences, smallest, noPolicy, ...counts } = await checkResourcePolicy(
        { opa, text, syntax },
        rules,
        requests,
      );
      expect({ differences, smallest, noPolicy }).toEqual({ differences: 0 });
      expect(counts.requests).toBe(requests.length);
    },
    120_000,
  );
});

/** OPA infers the table's type, and would reject a rule that looks up a key which no secret in the table has. */
it.each([
  ["a grant of one key alone", { "p2-secret": { secret: { "azure-vtpm": { [pod2]: "pod2" } } } }],
  ["a secret without readers alone", { lonely: {} }],
  [
    "a secret without readers and a grant of one key",
    { lonely: {}, "p2-secret": { secret: { "azure-vtpm": { [pod2]: "pod2" } } } },
  ],
  ["no secret", {}],
])(
  "the policy compiles and answers as the model does with a table of %s",
  async (_, table) => {
    const rules: AccessRules = { others: "affirming", secrets: table };
    const text = joinPolicy(before, { stack: "o/p/s", ...rules });
    const proof = await checkResourcePolicy({ opa, text, syntax: "v1" }, rules, requestsFor(rules));
    expect({ differences: proof.differences, noPolicy: proof.noPolicy }).toEqual({ differences: 0 });
  },
  120_000,
);

it("many requests in one run are answered as each is with documents of its own", async () => {
  const rules: AccessRules = { others: "affirming", secrets };
  const text = joinPolicy(before, { stack: "o/p/s", ...rules });
  const file = write("policy.rego", text);
  const tokens = [affirmingToken(pod1), affirmingToken(pod2), {}];
  const path = ["default", "fraud-dataset", "dataset_key"];
  const documents: readonly AccessRequest["data"][] = [
    {},
    { plugin: "resource" },
    { "resource-path": path },
    { "resource-path": path, plugin: "resource" },
    { "resource-path": path, plugin: null },
    { "resource-path": null, plugin: "resource" },
    { "resource-path": "resource/default/p2-secret/secret" },
    { "resource-path": "resource/default/p2-secret/secret", plugin: "resource" },
  ];
  const requests = documents.flatMap((data) => tokens.map((token) => ({ data, token })));
  const alone = async ({ data, token }: AccessRequest): Promise<boolean> => {
    const files = ["-d", file, "-d", write("data.json", JSON.stringify(data))];
    const input = ["-i", write("input.json", JSON.stringify(token))];
    const flags = ["--v1-compatible", "--format=raw", ...files, ...input];
    const run = await execa(opa, ["eval", ...flags, "data.policy.allow"]);
    return run.stdout.trim() === "true";
  };
  const seen: boolean[] = [];
  for (const request of requests) seen.push(await alone(request));
  const together = await askResourcePolicy({ opa, text, syntax: "v1" }, requests, false);
  expect(together).toEqual({ kind: "answered", allowed: seen });
  expect(seen.filter(Boolean)).toHaveLength(3);
});

describe("the requests", () => {
  it("are allowed and denied for every reason there is, so that the comparison says something", () => {
    const why = otherSecretsModes.map((others) => {
      const rules = { others, secrets };
      const all = requestsFor(rules).map(({ data, token }) => decide(rules, data, token).why);
      return Object.fromEntries(
        [...Map.groupBy(all, (one) => one)].map(([one, those]) => [one, those.length]),
      );
    });
    expect(why).toMatchInlineSnapshot(`
      [
        {
          "granted": 266,
          "no-resource": 7560,
          "not-a-reader": 10750,
          "not-affirming": 9646,
          "not-restricted": 4789,
        },
        {
          "granted": 266,
          "no-resource": 7560,
          "not-a-reader": 10750,
          "not-affirming": 9646,
          "others-denied": 4789,
        },
      ]
    `);
  });

  it("ask of every pod and every key, however many there are", () => {
    const many = Array.from({ length: 60 }, (_, index) => index.toString(16).padStart(64, "0"));
    const table = Object.fromEntries(
      many.map((claim, index) => [`s${index}`, { "*": { "azure-vtpm": { [claim]: `pod${index}` } } }]),
    );
    const rules: AccessRules = { others: "affirming", secrets: table };
    const keys = Object.keys(table).map((secret) => ({ secret, key: "k" }));
    const requests = accessRequests({ rules, claims: many, columns: keys });
    const granted = requests.filter(({ data, token }) => decide(rules, data, token).why === "granted");
    const cells = new Set(granted.map(({ data, token }) => JSON.stringify([data["resource-path"], token])));
    for (const [index, claim] of many.entries()) {
      const token = affirmingToken(claim);
      expect(cells).toContain(JSON.stringify([["default", `s${index}`, "k"], token]));
      expect(cells).toContain(JSON.stringify([`resource/default/s${index}/k`, token]));
    }
    expect(requests.length).toBeLessThan(100_000);
  });
});
