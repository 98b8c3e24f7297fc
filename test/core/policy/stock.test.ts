import { describe, expect, test } from "vitest";
import { isStockPolicy } from "../../../core/policy/stock.ts";

/** confidential-containers/trustee-operator v0.21.0, config/templates/resource-policy-restrictive.rego */
const restrictive = `package policy
import rego.v1

default allow = false

allow if {
    not any_not_affirming
    count(input.submods) > 0

}

any_not_affirming if {
    some _, submod in input.submods
    submod["ear.status"] != "affirming"
}
`;

/** The same, resource-policy-permissive.rego of v0.18.0 and v0.21.0. */
const permissive = [
  "package policy\n\ndefault allow = true\n",
  'package policy\n\nimport rego.v1\n\ndefault allow = false\n\nplugin = data.plugin\n\nallow if {\n  plugin == "resource"\n}\n',
];

describe("the operators' policies", () => {
  test.each([restrictive, ...permissive])("are known, with any blanks and comments: %j", (text) => {
    expect(isStockPolicy(text)).toBe(true);
    expect(isStockPolicy(`# somebody's note\n${text.replaceAll("\n", "\r\n")}\n\n`)).toBe(true);
  });

  test.each([
    ["a condition more", restrictive.replace("not any", 'data.plugin == "resource"\n    not any')],
    ["a rule more", `${restrictive}\nallow if { input.x }\n`],
    ["a rule in a comment", restrictive.replace("    not any", "    # not any")],
    ["another package", restrictive.replace("package policy", "package other")],
    ["nothing", ""],
  ])("are not recognized with %s", (_, text) => {
    expect(isStockPolicy(text)).toBe(false);
  });
});
