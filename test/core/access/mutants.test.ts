import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { askResourcePolicy } from "../../../cli/rego/batch.ts";
import { affirmingToken } from "../../../core/access/matrix.ts";
import { decide, type AccessRules } from "../../../core/access/model.ts";
import { accessRequests, type AccessRequest } from "../../../core/access/requests.ts";
import { joinPolicy } from "../../../core/policy/share.ts";
import { mutantsOf, type Mutant } from "../../support/policy-mutants.ts";
import { toolPath } from "../../support/tools.ts";

const claims = ["1".repeat(63) + "a", "2".repeat(63) + "b", "3".repeat(63) + "c"] as const;
const [pod1, pod2] = claims;
const secrets = {
  "fraud-dataset": { "*": { [pod1]: "pod1" } },
  shared: { "*": { [pod1]: "pod1" }, one: { [pod2]: "pod2" } },
  lonely: {},
};
const columns = [
  { secret: "fraud-dataset", key: "dataset_key" },
  { secret: "kbsres1", key: "key1" },
];

const pods = new Set([pod1, pod2].map((claim) => JSON.stringify(affirmingToken(claim))));
const paths = new Set(
  columns.map(({ secret, key }) =>
    JSON.stringify({ "resource-path": ["default", secret, key], plugin: "resource" }),
  ),
);

let opa = "";
let folder = "";
beforeAll(async () => {
  opa = await toolPath("opa");
  folder = mkdtempSync(join(tmpdir(), "trustee-access-mutants-"));
}, 1_200_000);
afterAll(() => {
  rmSync(folder, { recursive: true });
});

/** Whether what `access check` asks tells the policy from the model. */
async function isCaught(
  mutant: string,
  file: string,
  rules: AccessRules,
  requests: readonly AccessRequest[],
): Promise<boolean> {
  writeFileSync(join(folder, file), mutant);
  const policy = { opa, file: join(folder, file), syntax: "v1" } as const;
  // Most mutants give themselves away by requests of two pods, or by any token with a path of either kind; only what is left is asked
  // everything, and strictly.
  const first = requests.filter(
    ({ data, token }) => pods.has(JSON.stringify(token)) || paths.has(JSON.stringify(data)),
  );
  for (const [asked, strict] of [
    [first, false],
    [requests, true],
  ] as const) {
    const answers = await askResourcePolicy(policy, asked, strict);
    if (answers.kind !== "answered") return true;
    if (asked.some(({ data, token }, index) => decide(rules, data, token).allowed !== answers.allowed[index]))
      return true;
  }
  return false;
}

async function survivors(
  rules: AccessRules,
  wanted: (change: string) => boolean,
): Promise<{ readonly count: number; readonly alive: readonly string[] }> {
  const policy = joinPolicy(null, { stack: "o/p/s", ...rules });
  const mutants = mutantsOf(policy).filter(({ change }) => wanted(change));
  const requests = accessRequests({ rules, claims, columns });
  const queue = [...mutants.entries()];
  const alive: [number, Mutant][] = [];
  const work = async (worker: number): Promise<void> => {
    for (let next = queue.shift(); next !== undefined; next = queue.shift()) {
      const [index, mutant] = next;
      if (!(await isCaught(mutant.text, `${worker}.rego`, rules, requests))) alive.push([index, mutant]);
    }
  };
  await Promise.all([0, 1, 2].map(work));
  return { count: mutants.length, alive: alive.sort(([a], [b]) => a - b).map(([, { change }]) => change) };
}

/** Mutants that do what the policy does, with the reason. */
const equivalent: Readonly<Record<string, string>> = {
  "is_array(path) -> dropped":
    "nothing else has a path[0]; the test keeps count() from other types, which ends the evaluation in Trustee's engine",
  "count(path) == 3 -> count(path) <= 3": "a shorter array has no path[2]",
  "count(path) == 4 -> count(path) <= 4": "a shorter array has no path[3]",
  "is_object(input.submods) -> dropped":
    "only an object has a submods.cpu0; the test keeps count() from other types",
  'input.submods.cpu0["ear.status"] == "affirming" -> input.submods.cpu0["ear.status"] >= "affirming"':
    "the next line asks the same of every submod; this one, that there is a cpu0",
  'input.submods.cpu0["ear.status"] == "affirming" -> input.submods.cpu0["ear.status"] <= "affirming"':
    "the same",
  'count([name | some name; input.submods[name]["ear.status"] == "affirming"]) == count(input.submods) -> count([name | some name; input.submods[name]["ear.status"] == "affirming"]) >= count(input.submods)':
    "there are never more affirming submods than submods",
  "is_string(measured) -> dropped":
    "the table has strings alone for keys, so that nothing else is found in it",
  'object.get(restricted, requested.secret, "anybody") == "anybody" -> object.get(restricted, requested.secret, "anybody") <= "anybody"':
    "what a restricted secret has in the table is an object, and these sort after strings",
  [`table: shared/one with ${pod1.slice(0, 4)}`]: "this pod may read every key of the secret already",
};

/** With all other secrets denied, a secret without readers is one like all others. */
const equivalentWhereDenied: readonly string[] = ["table: lonely dropped", "table: lonely renamed"];

describe("what access check asks", () => {
  it("tells every mutant of the policy from the policy, but those that do the same", async () => {
    const { count, alive } = await survivors({ others: "affirming", secrets }, () => true);
    expect(alive).toEqual(Object.keys(equivalent));
    expect(count).toBe(258);
  }, 600_000);

  it("tells the mutants of what is different where all other secrets are denied", async () => {
    const { alive } = await survivors({ others: "deny", secrets }, (change) =>
      /^(table|added|default)|rule dropped$/.test(change),
    );
    expect(alive).toEqual([
      ...equivalentWhereDenied,
      ...Object.keys(equivalent).filter((change) => change.startsWith("table")),
    ]);
  }, 600_000);
});
