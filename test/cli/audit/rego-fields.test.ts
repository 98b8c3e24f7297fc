import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { inputFields, mayHold } from "../../../cli/audit/rego-fields.ts";

const REDHAT = readFileSync(
  new URL("../../fixtures/policies/redhat-restrictive.rego", import.meta.url),
  "utf8",
);

describe("the fields that a policy looks at", () => {
  it.each<[string, string, readonly string[]]>([
    ["a chain of either kind", 'allow if input.a["b-c"].d == "e"', ["a", "b-c", "d"]],
    ["an index that is computed", "allow if input.a[i].b", ["a", "b"]],
    ["a variable between", "allow if { x := input.a\n y := x.b\n y.c }", ["a", "b", "c"]],
    ["every and some", "allow if { every _, s in input.subs { s.x > 1 } }", ["subs", "x"]],
    ["object.get", 'allow if object.get(input.a, "b", "") == "c"', ["b", "a"]],
    ["object.get with a path", 'allow if object.get(input, ["a", "b"], "") == "c"', ["a", "b"]],
    ["a rule that allow needs", "good if input.x\nallow if good", ["x"]],
    ["a rule that nothing needs", "other if input.y\nallow if input.x", ["x"]],
    ["an import", "import input.subs as s\nallow if s.cpu", ["subs", "cpu"]],
    ["a function's argument", "f(s) if s.a == 1\nallow if f(input.b)", ["b", "a"]],
    ["what a comment says", "# input.a\nallow if input.b # input.c", ["b"]],
    ["what a string says", 'allow if input.b == "input.c"', ["b"]],
    ["data", 'allow if { path := data["resource-path"]\n data.query.q == path[0].z }', []],
    ["a builtin", 'allow if strings.any_prefix_match(input.a, ["b"])', ["a"]],
    ["an object of its own", 'readers := {"p1": {"d": 1}}\nallow if readers.p1.d == input.a', ["a"]],
    ["a rule for each key", 'readers["p1"] := "d"\nallow if readers["p1"] == input.a', ["a"]],
    ["an else", "allow if input.a else := true if input.b", ["a", "b"]],
  ])("%s", (_what, rules, expected) => {
    expect(inputFields(`package policy\nimport rego.v1\n${rules}\n`, "allow").toSorted()).toEqual(
      expected.toSorted(),
    );
  });

  it("of the policy that Red Hat's operator installs", () => {
    expect(inputFields(REDHAT, "allow")).toEqual([
      ...["submods", "ear.trustworthiness-vector", "executables", "configuration", "hardware"],
    ]);
  });
});

it.each<[string, boolean]>([
  ["package policy\ndefault allow := false\nallow if true", true],
  ["package policy\ndefault allow = true", true],
  ["package policy\nallow { true }", true],
  ["package policy\ndefault allow := false\nalow if true", false],
  ["package policy\ndefault allow := false", false],
  ["package resource_policy\nallow if true", false],
  ["package policy.kbs\nallow if true", false],
  ["# package policy\npackage other\nallow if true", false],
])("whether allow may hold in %j", (text, expected) => {
  expect(mayHold(text, "policy", "allow")).toBe(expected);
});
