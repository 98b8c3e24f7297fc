import { sha256Hex } from "../digest.ts";

/**
 * Resource policies that operators install for a TrusteeConfig, as sha256 of their rules. Each lets every
 * affirming pod read every secret, so replacing one opens nothing. The policy for IBM SE is not included.
 */
const stockPolicies: ReadonlySet<string> = new Set([
  // confidential-containers/trustee-operator v0.17 to v0.21, profile Restricted
  "1305ac6ce22b73422d47cce887ea614eb39db7540415e7ef54d6ffd0c809bd7f",
  // the same up to v0.18, and openshift/trustee-operator v1.0 and v1.1, profile Permissive
  "1fdb22359532e3757b6eae624987cfa9b571691f51fe06aec7eac32fc57d0664",
  // the same from v0.19, and openshift/trustee-operator v1.2, profile Permissive
  "a3d9832e843693303fd5835873b3ee3e0f4a8bb8bc2f050c9db1c70ef09a2088",
  // openshift/trustee-operator v1.0, profile Restricted
  "2084a9d9df77b0c512aeaebde3f9ddf1a5d40570850841d8299f533f2d5956ac",
  // openshift/trustee-operator v1.1 and v1.2, profile Restricted
  "92c150e85d064f4dd85914f54c1b85a49990fccc1f2a1b4dd667853d87c89c88",
]);

/** Whether a policy has an operator's rules. Comments and whitespace do not count. */
export function isStockPolicy(text: string): boolean {
  const lines = text.split("\n").map((line) => line.trim());
  const rules = lines.filter((line) => !line.startsWith("#")).join(" ");
  return stockPolicies.has(
    sha256Hex(
      rules
        .split(/\s+/)
        .filter((word) => word !== "")
        .join(" "),
    ),
  );
}
