# The sandbox's stand-in for the operator's own attestation policy. The KBS stand-in reads of it which PCRs of an Azure pod are compared
# with which reference values; its errors name the lines below.
package policy

import rego.v1

default hardware := 97

default executables := 33

executables := 3 if input["az-snp-vtpm"].tpm.pcr08 in query_reference_value("snp_pcr08")

executables := 3 if input["az-tdx-vtpm"].tpm.pcr08 in query_reference_value("tdx_pcr08")

executables := 3 if input.sample.launch_digest in query_reference_value("launch_digest")

hardware := 2 if input["az-snp-vtpm"]

hardware := 2 if input["az-tdx-vtpm"]

hardware := 2 if {
  input.sample.svn in query_reference_value("svn")
  input.sample.platform_version.major == query_reference_value("major_version")
  input.sample.platform_version.minor >= query_reference_value("minimum_minor_version")
}
