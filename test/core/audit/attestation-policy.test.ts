import { readFileSync } from "node:fs";
import { it } from "vitest";
import { liveAppraisal } from "../../../core/audit/attestation-policy.ts";
import { healthyTrustee } from "../../fixtures/live-facts.ts";
for (const n of ["trustee-operator-v0.18.0","trustee-operator-v0.19.0","trustee-operator-v0.21.0","redhat-v1.1.0"]) it(n, () => {
  const text = readFileSync(new URL(`../../fixtures/attestation/${n}.rego`, import.meta.url), "utf8");
  for (const tee of ["az-snp-vtpm","az-tdx-vtpm","snp","tdx","se","sample","cca"])
  console.log(n, tee, JSON.stringify(liveAppraisal({...healthyTrustee, attestationPolicy: {name:"x",changedAt:0,resourceVersion:"",data:{"default_cpu.rego":text}}}, tee)));
});
