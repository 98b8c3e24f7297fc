import { readFileSync } from "node:fs";

/** The result of `getTrustee` for a Trustee as its operator installs it. */
export const LIVE = {
  url: "https://kbs.example.com",
  certificate: readFileSync("test/fixtures/certificates/leaf.pem", "utf8"),
  certificateSecret: "trustee-tls-cert",
  kbsConfig: "trusteeconfig-kbs-config",
  generation: "0.18",
  policyConfigMap: "trusteeconfig-resource-policy",
  referenceValuesConfigMap: "trusteeconfig-rvps-reference-values",
  policyKey: "policy.rego",
  referenceValuesKey: "reference-values.json",
  policy: null,
  referenceValues: "[]",
  registeredSecrets: ["trustee-image-policy"],
};
