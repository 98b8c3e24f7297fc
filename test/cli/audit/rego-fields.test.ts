import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { regoStatements } from "../../../core/rego/rules.ts";
import { inputFields, mayHold, neededRules } from "../../../cli/audit/rego-fields.ts";
import { unjudgedFields } from "../../../cli/audit/unjudged.ts";

const REDHAT = readFileSync(
  new URL("../../fixtures/policies/redhat-restrictive.rego", import.meta.url),
  "utf8",
);

describe("the fields that a policy reads", () => {
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
    expect(
      inputFields(
        neededRules(regoStatements(`package policy\nimport rego.v1\n${rules}\n`), "allow"),
      ).toSorted(),
    ).toEqual(expected.toSorted());
  });

  it("of the policy that Red Hat's operator installs", () => {
    expect(inputFields(neededRules(regoStatements(REDHAT), "allow"))).toEqual([
      ...["submods", "ear.trustworthiness-vector", "executables", "configuration", "hardware"],
    ]);
  });
});

const EVIDENCE = 'input.submods.cpu0["ear.veraison.annotated-evidence"]';
const CLAIMS = "init_data_claims";

// No question holds a pod's initdata: a policy that reads it is not judged, whatever the form.
it.each<[string, string]>([
  ["a direct path", `allow if ${EVIDENCE}.${CLAIMS}["cdh.toml"].image.image_security_policy_uri == "x"`],
  ["indices alone", `allow if input["submods"]["cpu0"]["x"]["${CLAIMS}"]["policy.rego"] == "x"`],
  ["an index that is computed", `allow if { some k\n input.submods[k]["x"].${CLAIMS}["aa.toml"] == 1 }`],
  ["any submod and any member", `allow if input.submods[_][_]["${CLAIMS}"]["aa.toml"] == 1`],
  ["the whole object", `allow if ${EVIDENCE}.${CLAIMS} != {}`],
  ["a negation", `allow if not ${EVIDENCE}.${CLAIMS}["aa.toml"]`],
  ["object.get", `allow if object.get(${EVIDENCE}, "${CLAIMS}", {}) != {}`],
  ["object.get with a path", `allow if object.get(input, ["submods", "cpu0", "x", "${CLAIMS}"], 1) == 1`],
  ["object.get with a name", `name := "${CLAIMS}"\nallow if object.get(${EVIDENCE}, name, {}) != {}`],
  ["object.keys", `allow if "aa.toml" in object.keys(${EVIDENCE}.${CLAIMS})`],
  ["an index by a name", `name := "${CLAIMS}"\nallow if ${EVIDENCE}[name] != {}`],
  ["a member by its key", `allow if { some k, v in ${EVIDENCE}\n k == "${CLAIMS}"\n v != {} }`],
  ["a pattern", `allow if { {"init_data": _, "${CLAIMS}": c} = ${EVIDENCE}\n c != {} }`],
  [
    "an object of the policy's own with such a key",
    `known := {"${CLAIMS}": 1}\nallow if ${EVIDENCE}.${CLAIMS} == known.${CLAIMS}`,
  ],
  ["a comprehension", `all := [c | c := input.submods[_].x.${CLAIMS}]\nallow if all[0].a == 1`],
  ["an import", `import input.submods.cpu0.x.${CLAIMS} as c\nallow if c["aa.toml"] == 1`],
  ["an else", `allow := false if input.a else := true if ${EVIDENCE}.${CLAIMS}.b == 1`],
  ["with", `good if input.x == 1\nallow if good with input as {"x": ${EVIDENCE}.${CLAIMS}["aa.toml"].y}`],
  ["a rule by data", `ok if ${EVIDENCE}.${CLAIMS}.a == 1\nallow if data.policy.ok`],
  ["a rule by data's index", `ok if ${EVIDENCE}.${CLAIMS}.a == 1\nallow if data["policy"]["ok"]`],
  ["a function", `f(e) if e.${CLAIMS}.a == 1\nallow if f(${EVIDENCE})`],
  ["a walk", 'allow if { walk(input, [_, value])\n value == "kbs:///default/a/b" }'],
  ["the token as text", 'allow if contains(json.marshal(input), "kbs:///default/a/b")'],
  ["json.filter", `allow if json.filter(input, ["submods/cpu0/x/${CLAIMS}"]) != {}`],
])("a policy that reads initdata by %s is not judged", (_what, rules) => {
  expect(unjudgedFields(`package policy\nimport rego.v1\n${rules}\n`)).not.toEqual([]);
});

it.each<[string, string]>([
  ["by init_data", `allow if ${EVIDENCE}.init_data == "ab"`],
  ["by a table", `rows := {"ab": {"tag": 1, "x": 2}}\nallow if rows[${EVIDENCE}.init_data].x == 2`],
  ["for a key that is named alike", 'allow if data["resource-path"] == ["default", "version", "tag"]'],
  ["by a rule that nothing needs", `other if ${EVIDENCE}.${CLAIMS}.a\nallow if input.submods`],
])("a policy that decides %s is judged", (_what, rules) => {
  expect(unjudgedFields(`package policy\nimport rego.v1\n${rules}\n`)).toEqual([]);
});

const SNP = `${EVIDENCE}.snp`;
const isMeasured = (value: string): string => `${value} == "00ff"`;

// Questions have example values for measurements and versions, whose names are plain words.
it.each(
  Object.entries<string>({
    "an index by a name": `allow if { f := "measurement"\n ${isMeasured(`${SNP}[f]`)} }`,
    "an index by a rule": `f := "measurement"\nallow if ${isMeasured(`${SNP}[f]`)}`,
    "an index that is compared later": `allow if { ${isMeasured(`${SNP}[k]`)}\n k == "measurement" }`,
    "an index that is compared first": `allow if { "measurement" == k\n ${isMeasured(`${SNP}[k]`)} }`,
    "an index of a list": `names := ["version",\n "measurement"]\nallow if { some n in names\n ${SNP}[n] == 1 }`,
    "an index of a set": `allow if { some n in {"measurement"}\n ${isMeasured(`${SNP}[n]`)} }`,
    "an index that is computed": `allow if ${isMeasured(`${SNP}[concat("", ["measure", "ment"])]`)}`,
    "an index that a function gets": `at(o, k) := o[k]\nallow if ${isMeasured(`at(${SNP}, "measurement")`)}`,
    "any index": `allow if ${isMeasured(`${SNP}[_]`)}`,
    "any index of any TEE": `allow if ${isMeasured(`${EVIDENCE}[_][_]`)}`,
    "any index of any submod": `allow if ${isMeasured("input.submods[_][_][_][_]")}`,
    "any index of a name": `allow if { e := ${EVIDENCE}\n s := e.snp\n ${isMeasured("s[k]")} }`,
    "a member by its key": `allow if { some k, v in ${SNP}\n k == "measurement"\n ${isMeasured("v")} }`,
    "any member": `allow if { some v in ${SNP}\n ${isMeasured("v")} }`,
    "every member": `allow if { every v in ${SNP} { v != "00ff" } }`,
    "its values": `allow if "00ff" in ${SNP}`,
    "the values of a rule": `snp := ${SNP}\nallow if "00ff" in snp`,
    "the values of a submod": `allow if { some s in input.submods\n some e in s\n "00ff" in e.snp }`,
    "a set of its values": `all := {v | some v in ${SNP}}\nallow if "00ff" in all`,
    "a pattern": `allow if { {"measurement": m} = ${SNP}\n ${isMeasured("m")} }`,
    "a pattern that is assigned": `allow if { {"measurement": m, "version": _} := ${SNP}\n ${isMeasured("m")} }`,
    "the whole object": `allow if ${SNP} == {"measurement": "00ff"}`,
    "the whole object by a name": `allow if { s := ${SNP}\n data.known[_] == s }`,
    "the whole object in a set": `known := {{"measurement": "00ff"}}\nallow if ${SNP} in known`,
    "the whole object as an index": `known := {{"measurement": "00ff"}: 1}\nallow if known[${SNP}]`,
    "a builtin": `allow if object.subset(${SNP}, {"measurement": "00ff"})`,
    "a builtin with a name": `allow if { e := ${EVIDENCE}\n contains(sprintf("%v", [e]), "00ff") }`,
    "object.get by a name": `f := "measurement"\nallow if object.get(${SNP}, f, "") == "00ff"`,
    "the result of a function": `of(s) := s["ear.veraison.annotated-evidence"]\nallow if ${isMeasured("of(input.submods.cpu0).snp.measurement")}`,
    "any member of a function's result": `of(s) := s["x"]\nallow if "00ff" in of(input.submods.cpu0)`,
    "a comparison of a function's result": `of(s) := s["ear.veraison.annotated-evidence"]\nallow if of(input.submods.cpu0) == data.known`,
    "the result of object.get": `allow if ${isMeasured(`object.get(${EVIDENCE}, "snp", {}).measurement`)}`,
    "any member of object.get's result": `allow if "00ff" in object.get(${EVIDENCE}, "snp", {})`,
    "any index of object.get's result": `allow if ${isMeasured(`object.get(${EVIDENCE}, "snp", {})[_]`)}`,
    "a comparison of object.get's result": `allow if object.get(${EVIDENCE}, "snp", {}) == {"measurement": "00ff"}`,
    "a name with two meanings": `one if { x := ${SNP}\n x == data.known }\nallow if { x := ${EVIDENCE}.init_data\n x == "ab"\n one }`,
    "a walk over its TEE": `allow if { walk(${SNP}, [_, value])\n ${isMeasured("value")} }`,
    "a with": `ok if "00ff" in input\nallow if ok with input as ${SNP}`,
    "a rule that collects": `seen contains v if some v in ${SNP}\nallow if "00ff" in seen`,
    "a table of its values": `seen[k] := v if some k, v in ${SNP}\nallow if ${isMeasured("seen.measurement")}`,
  }),
)("a policy that reads a measurement by %s is not judged", (_what, rules) => {
  expect(unjudgedFields(`package policy\nimport rego.v1\n${rules}\n`)).not.toEqual([]);
});

it.each(
  Object.entries<string>({
    "by any submod":
      'allow if { some name, s in input.submods\n name == "cpu0"\n s["ear.status"] == "affirming" }',
    "by any submod's index":
      'allow if { input.submods[k]["ear.status"] == "affirming"\n startswith(k, "cpu") }',
    "by its submods alone":
      'allow if { count(input.submods) == 1\n not "gpu0" in object.keys(input.submods) }',
    "by every member of the trust vector": `allow if {
    every s in input.submods {
      every _, v in s["ear.trustworthiness-vector"] { v <= 32 }
    }
  }`,
    "by a name of the trust vector": `allow if { t := input.submods.cpu0["ear.trustworthiness-vector"]\n t[_] < 33 }`,
    "by its TEE": `allow if { some tee in {"snp", "tdx"}\n ${EVIDENCE}[tee]\n ${EVIDENCE} != {} }`,
    "by a field of any TEE": `allow if { some tee\n ${EVIDENCE}[tee].tpm.pcr08 == "ab" }`,
    "by a path in a table": `rows := {"ab": ["default", "version", "tag"]}\nallow if rows[${EVIDENCE}.init_data] == data["resource-path"]`,
    "by a set of digests": `digests contains "ab"\nallow if ${EVIDENCE}.init_data in digests`,
    "by a list of digests": `allow if { some d in ["ab", "cd"]\n ${EVIDENCE}.init_data == d }`,
    "by a part of the path":
      'allow if { path := split(data["resource-path"], "/")\n path[count(path) - 1] == "version"\n input.submods }',
    "by a part of a list": 'allow if { data["resource-path"][i] == "version"\n i > 0\n input.submods }',
    "in a function": `isP1(e) if e.init_data == "ab"\nallow if isP1(${EVIDENCE})`,
    "by evidence that is a rule": `evidence := ${EVIDENCE}\nallow if evidence.init_data == "ab"`,
    "by evidence that is imported": `import input.submods.cpu0 as cpu\nallow if cpu["ear.status"] == "affirming"`,
    "by evidence with a default": `evidence := object.get(input, ["submods", "cpu0", "ear.veraison.annotated-evidence"], {})\nallow if evidence.init_data == "ab"`,
    "by a list of claims": `claims := [c | c := input.submods[_]["ear.veraison.annotated-evidence"].init_data]\nallow if claims[0] == "ab"`,
    "by a table that a function reads": `rows := {"ab": ["x"]}\ntable(d) := rows[d]\nallow if data["resource-path"][1] in table(${EVIDENCE}.init_data)`,
    "by a table that object.get reads": `rows := {"ab": ["x"]}\nallow if data["resource-path"][1] in object.get(rows, ${EVIDENCE}.init_data, [])`,
    "by a row of a table": `rows := {"ab": ["x"]}\nallow if { row := rows[${EVIDENCE}.init_data]\n data["resource-path"][1] in row }`,
    "by a name of two claims": `one if { d := ${EVIDENCE}.init_data\n d == "ab" }\nallow if { d := ${EVIDENCE}.tpm.pcr08\n d == "cd"\n one }`,
    "by a part of its claim": `allow if startswith(lower(${EVIDENCE}.init_data), "ab")`,
  }),
)("a policy that decides %s is judged", (_what, rules) => {
  expect(unjudgedFields(`package policy\nimport rego.v1\n${rules}\n`)).toEqual([]);
});

it("a policy with an expected measurement of its own is not judged", () => {
  const rules = `good := {"measurement": "00"}\nallow if ${EVIDENCE}.snp.measurement == good.measurement`;
  expect(unjudgedFields(`package policy\n${rules}\n`)).toEqual(["measurement"]);
});

describe("the fields that a policy reads for one secret", () => {
  const PATH = 'data["resource-path"]';
  const here = ["default", "p2-secret", "secret"];
  const other = '["default", "fraud-dataset", "dataset_key"]';
  const fields = (rules: string, path: unknown = here): readonly string[] =>
    inputFields(
      neededRules(
        regoStatements(`package policy\nimport rego.v1\n${rules}\nallow if input.b\n`),
        "allow",
        path,
      ),
    );

  it.each<[string, string, unknown?]>([
    ["the path", `allow if { ${PATH} == ${other}\n input.a }`],
    ["the path, behind what it guards", `allow if { input.a\n ${other} == ${PATH} }`],
    ["the path as text", `allow if { ${PATH} == "resource/default/x/y"; input.a }`, "resource/default/p/q"],
    ["the path by another name", `path := ${PATH}\nallow if { path == ${other}\n input.a }`],
    ["a part of the path", `path := ${PATH}\nallow if { path[1] == "fraud-dataset"\n input.a }`],
    ["a part, named in the body", `allow if { p := ${PATH}\n p[2] == "dataset_key"\n input.a }`],
    [
      "a part of the path as text",
      `path := split(${PATH}, "/")\nallow if { path[2] == "x"\n input.a }`,
      "resource/default/p/q",
    ],
  ])("are none behind a comparison of %s with another one's", (_what, rules, path) => {
    expect(fields(rules, path)).toEqual(["b"]);
    expect(
      inputFields(neededRules(regoStatements(`package policy\nimport rego.v1\n${rules}\n`), "allow")),
    ).toEqual(["a"]);
  });

  it.each<[string, string, unknown?]>([
    ["with its own path", `allow if { ${PATH} == ["default", "p2-secret", "secret"]\n input.a }`],
    ["of another rule", `other if { ${PATH} == ${other}\n input.a }\nallow if other`],
    ["that is negated", `allow if { not ${PATH} == ${other}\n input.a }`],
    ["with a variable", `allow if { ${PATH} == ["default", name, "x"]\n input.a }`],
    ["by another operator", `allow if { ${PATH} != ${other}\n input.a }`],
    ["in a bracket", `allow if { count([1 | ${PATH} == ${other}]) == 0\n input.a }`],
    ["with other data", `allow if { ${PATH} == ${other} with data.x as 1\n input.a }`],
    ["as one half", `allow if { x := ${PATH} == ${other}\n input.a }`],
    ["in a sum", `allow if { 1 + ${PATH}[0] == "x"\n input.a }`],
    ["of a name with two rules", `p := ${PATH}\np := "x" if input.c\nallow if { p == ${other}\n input.a }`],
    [
      "of a name with another meaning here",
      `p := ${PATH}\nallow if { some p in input.c\n p == "x"\n input.a }`,
    ],
    [
      "of a name with another value here",
      `p := ${PATH}\nallow if { p := input.c\n p == ${other}\n input.a }`,
    ],
    ["of a default", `default p := ${PATH}\nallow if { p == ${other}\n input.a }`],
    ["of a part that there is not", `allow if { ${PATH}[7] == "x"\n input.a }`],
    ["of a part of a text", `allow if { ${PATH}[0] == "x"\n input.a }`, "resource/default/p/q"],
    ["where data is a name", `f(data) if true\nallow if { ${PATH} == ${other}\n input.a }`],
    ["behind an else", `allow := false if { ${PATH} == ${other} } else := true if input.a`],
  ])("are all behind a comparison %s", (_what, rules, path) => {
    expect(fields(rules, path)).toContain("a");
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
