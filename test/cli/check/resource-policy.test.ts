import { beforeAll, describe, expect, it } from "vitest";
import { checkResourcePolicy, type PolicyResult } from "../../../cli/check/resource-policy.ts";
import { accessRequests } from "../../../cli/questions/requests.ts";
import type { AccessRules } from "../../../core/policy/grants.ts";
import { joinPolicy } from "../../../core/policy/share.ts";
import { toolPath } from "../../support/tools.ts";

let opa = "";
beforeAll(async () => {
  opa = await toolPath("opa");
}, 1_200_000);

const rules: AccessRules = {
  others: "affirming",
  secrets: {
    "fraud-dataset": { "*": { "azure-vtpm": { a1: "pod1" } } },
    "p2-secret": { "*": { "azure-vtpm": { b2: "pod2" } } },
  },
};
const requests = accessRequests({
  rules,
  claims: ["a1", "b2", "c3"],
  columns: [
    { secret: "fraud-dataset", key: "dataset_key" },
    { secret: "p2-secret", key: "secret" },
  ],
});

async function check(text: string, syntax: "v0" | "v1"): Promise<PolicyResult> {
  return checkResourcePolicy({ opa, text, syntax }, rules, requests);
}

/** The tutorial's policy, with the `if` that Rego v1 requires. */
const tutorial = `package policy
import future.keywords.if
default allow = false
init_data_pod1 := "a1"
init_data_pod2 := "b2"
path := split(data["resource-path"], "/")
is_p1 if {
count(path) > 2
path[2] == "fraud-dataset"
}
is_p2 if {
count(path) > 2
path[2] == "p2-secret"
}
allow if {
is_p1
input["submods"]["cpu0"]["ear.status"] == "affirming"
input["submods"]["cpu0"]["ear.veraison.annotated-evidence"]["init_data"] == init_data_pod1
}
allow if {
is_p2
input["submods"]["cpu0"]["ear.status"] == "affirming"
input["submods"]["cpu0"]["ear.veraison.annotated-evidence"]["init_data"] == init_data_pod2
}
allow if {
not is_p1
not is_p2
input["submods"]["cpu0"]["ear.status"] == "affirming"
}
`;

const own = joinPolicy(null, { stack: "o/p/s", ...rules });
const affirming = { submods: { cpu0: { "ear.status": "affirming" } } };

describe("checkResourcePolicy", () => {
  it("finds nothing in this project's policy", async () => {
    const { differences, smallest } = await check(own, "v1");
    expect({ differences, smallest }).toEqual({ differences: 0 });
  });

  it("finds that the tutorial's policy allows a request without a path, and reports the smallest one", async () => {
    const { differences, smallest } = await check(tutorial, "v0");
    expect(differences).toBeGreaterThan(1000);
    expect(smallest).toEqual({
      request: { data: {}, token: affirming },
      expected: { allowed: false, why: "no-resource" },
      seen: "allowed",
    });
  });

  it("shows the smallest difference for one secret: its path and a token without a claim", async () => {
    const open = own.replace('reads(restricted[requested.secret]["*"])', 'restricted[requested.secret]["*"]');
    const { smallest } = await check(open, "v1");
    expect(smallest).toEqual({
      request: { data: { "resource-path": "resource/default/p2-secret/secret" }, token: affirming },
      expected: { allowed: false, why: "not-a-reader" },
      seen: "allowed",
    });
  });

  it("finds an evaluation error in Trustee's engine that OPA does not have", async () => {
    const careless = own.replace('  is_string(data["resource-path"])\n', "");
    expect(await check(careless, "v1")).toMatchObject({
      differences: 1,
      smallest: {
        request: { data: { "resource-path": 7 }, token: affirming },
        expected: { allowed: false, why: "no-resource" },
        seen: "aborts",
      },
    });
  });

  it("says why a text is no policy in one of the syntaxes", async () => {
    const old = tutorial.replace("is_p1 if {", "is_p1 {").replace("is_p2 if {", "is_p2 {");
    expect((await check(old, "v0")).noPolicy).toBeUndefined();
    expect(await check(old, "v1")).toEqual({
      syntax: "v1",
      requests: requests.length,
      allowed: (await check(own, "v1")).allowed,
      differences: requests.length,
      noPolicy: "line 7: `if` keyword is required before rule body",
    });
  });
});
