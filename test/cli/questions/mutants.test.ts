import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { isDeepStrictEqual } from "node:util";
import { execa } from "execa";
import { beforeAll, describe, expect, it } from "vitest";
import { askResourcePolicy } from "../../../cli/opa/batch.ts";
import { affirmingToken } from "../../../core/access/token.ts";
import { decide } from "../../../core/access/model.ts";
import type { AccessRules } from "../../../core/policy/grants.ts";
import { accessRequests, type RequestSubject } from "../../../cli/questions/requests.ts";
import { joinPolicy } from "../../../core/policy/share.ts";
import { mutantsOf } from "../../support/policy-mutants.ts";
import { sharedFolder } from "../../support/folders.ts";
import { toolPath } from "../../support/tools.ts";
import { bare, claims, columns, developed, old, pod1, pod2, secrets, trusted } from "./support.ts";

const shared = sharedFolder();
const pods = new Set(
  [
    affirmingToken(pod1),
    affirmingToken(pod2),
    affirmingToken(bare, "snp"),
    affirmingToken(trusted, "tdx"),
    affirmingToken(developed, "sample"),
    affirmingToken(old, "any"),
  ].map((token) => JSON.stringify(token)),
);

let opa = "";
beforeAll(async () => {
  opa = await toolPath("opa");
}, 1_200_000);

/** Asks each policy until an answer is not the expected one. */
const asking = `package ask
caught contains name if {
  some name in input.names
  differs(name)
}
differs(name) if {
  some [path, plugin, token, allowed] in input.asked
  data.mutants[name].allow != allowed with data["resource-path"] as path with data.plugin as plugin with input as token
}
`;

/** Asks all policies in one run of OPA, each in a package of its own. @returns those whose answers are as expected */
async function askTogether(texts: readonly string[], asked: readonly unknown[]): Promise<readonly string[]> {
  const folder = mkdtempSync(join(shared, "mutants-"));
  const fileOf = (name: string): string => join(folder, `${name}.rego`);
  writeFileSync(fileOf("ask"), asking);
  const left = new Map(texts.map((text, index) => [`m${index}`, text]));
  for (const [name, text] of left)
    writeFileSync(fileOf(name), text.replace("package policy", `package mutants.${name}`));
  for (;;) {
    const input = JSON.stringify({ names: [...left.keys()], asked });
    const flags = ["--format=json", "-I", "-d", folder];
    const { stdout } = await execa(opa, ["eval", ...flags, "data.ask.caught"], { input, reject: false });
    const named = new Set([...stdout.matchAll(/\bm\d+(?=\.rego|")/g)].map(([name]) => name));
    for (const name of named) {
      left.delete(name);
      rmSync(fileOf(name));
    }
    // A policy that does not compile ends the run. OPA names the first ones.
    if (!stdout.includes('"errors"')) return [...left.values()];
    if (named.size === 0) throw new Error(stdout);
  }
}

/**
 * Finds the policies that no request of `trustee-access check` distinguishes from the model. Few requests catch most
 * mutants: those of the readers, and those of a column with any token. Only the remaining mutants get all requests,
 * and strictly.
 */
function catcher(subject: RequestSubject): (texts: readonly string[]) => Promise<readonly string[]> {
  const requests = accessRequests(subject);
  const expected = requests.map(({ data, token }) => decide(subject.rules, data, token).allowed);
  const paths = new Set(
    [...subject.columns, { secret: "shared", key: "one" }].map(({ secret, key }) =>
      JSON.stringify({ "resource-path": ["default", secret, key], plugin: "resource" }),
    ),
  );
  const first = requests.flatMap(({ data, token }, index) => {
    const { "resource-path": path, plugin } = data;
    if (path === undefined || plugin === undefined) return [];
    const isAsked = pods.has(JSON.stringify(token)) || paths.has(JSON.stringify(data));
    return isAsked ? [[path, plugin, token, expected[index]]] : [];
  });
  // Similar requests, which are next to each other, catch the same mutants.
  const mixed = first.map((_, index) => first[(index * 997) % first.length]);
  return async (texts) => {
    const remaining: string[] = [];
    for (const text of await askTogether(texts, mixed)) {
      const answers = await askResourcePolicy({ opa, text, syntax: "v1" }, requests, true);
      if (answers.kind === "answered" && isDeepStrictEqual(answers.allowed, expected)) remaining.push(text);
    }
    return remaining;
  };
}

async function survivors(rules: AccessRules, wanted: (change: string) => boolean) {
  const policy = joinPolicy(null, { stack: "o/p/s", ...rules });
  const mutants = mutantsOf(policy).filter(({ change }) => wanted(change));
  const alive = await catcher({ rules, claims, columns })(mutants.map(({ text }) => text));
  return {
    count: mutants.length,
    alive: mutants.filter(({ text }) => alive.includes(text)).map(({ change }) => change),
  };
}

/** Mutants that behave like the policy, each with the reason. */
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
  'count([claims | some name; claims := input.submods[name]["ear.veraison.annotated-evidence"].sample]) == 0 -> count([claims | some name; claims := input.submods[name]["ear.veraison.annotated-evidence"].sample]) <= 0':
    "there are never fewer than none",
  'count([claims | some name; claims := input.submods[name]["ear.veraison.annotated-evidence"].sampledevice]) == 0 -> count([claims | some name; claims := input.submods[name]["ear.veraison.annotated-evidence"].sampledevice]) <= 0':
    "the same",
  "some tee -> dropped": "a variable that is declared nowhere stands for the same in OPA",
  'object.get(restricted, requested.secret, "anybody") == "anybody" -> object.get(restricted, requested.secret, "anybody") <= "anybody"':
    "what a restricted secret has in the table is an object, and these sort after strings",
  "table: shared/one with azure-vtpm 1111": "this pod may read every key of the secret already",
  "table: shared/one with sample 6666": "the same",
  "table: shared/one with snp 4444": "the same",
};

/** With all other secrets denied, a secret without readers is one like all others. */
const equivalentWhereDenied: readonly string[] = ["table: lonely dropped", "table: lonely renamed"];

describe("what trustee-access check asks", () => {
  it("distinguishes every mutant from the policy, except those that behave the same", async () => {
    const { count, alive } = await survivors({ others: "affirming", secrets }, () => true);
    expect(alive).toEqual(Object.keys(equivalent));
    expect(count).toBe(385);
  }, 600_000);

  it("distinguishes the mutants that concern denied other secrets", async () => {
    const { alive } = await survivors({ others: "deny", secrets }, (change) =>
      /^(table|added|default)|rule dropped$/.test(change),
    );
    expect(alive).toEqual([
      ...equivalentWhereDenied,
      ...Object.keys(equivalent).filter((change) => change.startsWith("table")),
    ]);
  }, 600_000);
});

/** Rules that open one of many secrets, or open it to one of many readers, for a malformed token or path. */
const apart: Readonly<Record<string, string>> = {
  "a status":
    'input.submods.cpu0["ear.status"] == "warning"\n  requested.secret == "s6"\n  restricted.s6["*"]["azure-vtpm"][init_data]',
  "no submod": 'input.submods == {}\n  requested.secret == "s6"',
  "another submod that is not affirming":
    'input.submods.cpu0["ear.status"] == "affirming"\n  requested.secret == "s6"\n  restricted.s6["*"]["azure-vtpm"][init_data]',
  "init_data in upper case":
    'affirming\n  requested.secret == "s6"\n  is_string(init_data)\n  restricted.s6["*"]["azure-vtpm"][lower(init_data)]',
  "no init_data":
    'affirming\n  requested.secret == "s6"\n  not input.submods.cpu0["ear.veraison.annotated-evidence"].init_data',
  "init_data null":
    'affirming\n  requested.secret == "s6"\n  input.submods.cpu0["ear.veraison.annotated-evidence"].init_data == null',
  "foreign init_data": 'affirming\n  requested.secret == "s6"',
  "evidence of a TEE that binds initdata otherwise":
    'affirming\n  hardware\n  requested.secret == "s6"\n  restricted.s6["*"]["azure-vtpm"][init_data]',
  "evidence of the sample TEE":
    'affirming\n  requested.secret == "s6"\n  evidence.sample\n  restricted.s6["*"]["azure-vtpm"][init_data]',
  "a sample device beside the TEE":
    'affirming\n  requested.secret == "s6"\n  evidence["az-snp-vtpm"]\n  restricted.s6["*"]["azure-vtpm"][init_data]',
  "a path that is too long":
    'affirming\n  is_array(data["resource-path"])\n  data["resource-path"][1] == "s6"\n  restricted.s6["*"]["azure-vtpm"][init_data]',
  "a secret without readers": 'input.submods.cpu0["ear.status"] == "none"\n  requested.secret == "s7"',
  "a status of the last reader of the first secret": `input.submods.cpu0["ear.status"] == "none"\n  requested.secret == "s0"\n  init_data == "${"f".repeat(63)}6"`,
};

describe("what trustee-access check asks of many secrets", () => {
  const claimOf = (index: number): string => `${"f".repeat(63)}${index}`;
  const names = Array.from({ length: 7 }, (_, index) => index);
  const readersOf = (index: number): Readonly<Record<string, string>> =>
    Object.fromEntries((index === 0 ? names : [index]).map((pod) => [claimOf(pod), `pod${pod}`]));
  const many: AccessRules = {
    others: "affirming",
    secrets: {
      ...Object.fromEntries(names.map((index) => [`s${index}`, { "*": { "azure-vtpm": readersOf(index) } }])),
      s7: {},
    },
  };
  const subject = {
    rules: many,
    claims: names.map(claimOf),
    columns: names.map((index) => ({ secret: `s${index}`, key: "k" })),
  };
  const policy = joinPolicy(null, { stack: "o/p/s", ...many });
  const notCaught = catcher(subject);

  it.each(Object.entries(apart))("finds a rule that treats one of them differently: %s", async (_, body) => {
    expect(await notCaught([`${policy}\nallow if {\n  ${body}\n}\n`])).toEqual([]);
  });

  it("finds no error in the policy itself", async () => {
    expect(await notCaught([policy])).toEqual([policy]);
  }, 120_000);

  it("grows with the sum of secrets and readers, not with their product", () => {
    const of = (count: number): number => {
      const claims = Array.from({ length: count }, (_, index) => index.toString(16).padStart(64, "a"));
      const table = Object.fromEntries(
        claims.map((claim, index) => [`s${index}`, { "*": { "azure-vtpm": { [claim]: "p" } } }]),
      );
      const asked = accessRequests({ rules: { others: "deny", secrets: table }, claims: [], columns: [] });
      return asked.filter(
        ({ data, token }) => decide({ others: "deny", secrets: table }, data, token).why !== "not-a-reader",
      ).length;
    };
    const [one, two, three] = [of(20), of(40), of(60)];
    expect(three - two).toBe(two - one);
  });
});
