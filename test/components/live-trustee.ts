import { readFileSync } from "node:fs";

/** What the program hears of a Trustee as its operator installs it. */
export const LIVE = {
  url: "https://kbs.example.com",
  certificate: readFileSync("test/fixtures/certificates/leaf.pem", "utf8"),
  generation: "0.18",
  policyKey: "policy.rego",
  referenceValuesKey: "reference-values.json",
  policy: null,
  referenceValues: "[]",
  registeredSecrets: ["trustee-image-policy"],
};
