# The sandbox's KBS stand-in decides about an attestation by the reference values snp_pcr08 and tdx_pcr08 alone;
# this text stands where the operator installs its own attestation policy. Its errors name the lines below.
package policy

import rego.v1

default hardware := 97

default executables := 33

executables := 3 if input["az-snp-vtpm"].tpm.pcr08 in query_reference_value("snp_pcr08")

executables := 3 if input["az-tdx-vtpm"].tpm.pcr08 in query_reference_value("tdx_pcr08")
