import { readFileSync } from "node:fs";
import * as pulumi from "@pulumi/pulumi";

/** Runs programs as one stack, without an engine. */
export const mockPulumi = async (mocks: pulumi.runtime.Mocks) =>
  pulumi.runtime.setMocks(mocks, "project", "stack", false, "organization");

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
