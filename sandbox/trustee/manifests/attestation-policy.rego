# The sandbox's KBS stand-in decides about an attestation by the reference values snp_pcr08 and tdx_pcr08 alone;
# this text stands where the operator installs its own attestation policy.
package policy

import rego.v1

default hardware := 97
