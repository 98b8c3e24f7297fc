import { readFileSync } from "node:fs";
import { beforeAll, describe, expect, it } from "vitest";
import { askPolicy } from "../../../cli/live/ask-policy.ts";
import { explain } from "../../../core/audit/explain.ts";
import { explainQuestions } from "../../../core/audit/explain-policy.ts";
import type { PodFacts, TrusteeFacts } from "../../../core/audit/facts.ts";
import { lint } from "../../../core/audit/lint.ts";
import { readPodClaims, type PodClaims } from "../../../core/audit/pod-claims.ts";
import { lintQuestions } from "../../../core/audit/questions.ts";
import { toolPath } from "../../support/tools.ts";
import { healthyTrustee, NOW, pcr8, podFixture } from "../../fixtures/live-facts.ts";

const fixture = (name: string): string =>
  readFileSync(new URL(`../../fixtures/policies/${name}.rego`, import.meta.url), "utf8");
for (const n of ["policy-path0","policy-vector","policy-wrong-package","redhat-restrictive","ibm","kbs-default"]) {
it(n, async () => {
  process.env["TRUSTEE_ACCESS_OPA"] = await toolPath("opa");
  const trustee: TrusteeFacts = { ...healthyTrustee, mounts: "0.21", policy: { ...healthyTrustee.policy!, data: {"resource-policy.rego": fixture(n)}}};
  const pods = [podFixture("pod1")];
  const t=Date.now();
  const answers = await askPolicy(trustee, lintQuestions(trustee, pods));
  console.log(n, lintQuestions(trustee, pods).length, Date.now()-t);
  console.log(lint({ trustee, pods, answers }).filter(f=>f.id.startsWith("TA0")).map(f=>`${f.severity} ${f.id} ${f.what}`).join("\n"));
  const claims = readPodClaims(pods[0]!) as PodClaims;
  for (const pod of [pods[0]!, (({machineType, ...p})=>p)(pods[0]!) as PodFacts]) {
  const a2 = await askPolicy(trustee, explainQuestions(trustee, claims, "fraud-dataset", "dataset_key"));
  const e = explain({trustee, podName:"default/pod1", pod, secret:"fraud-dataset", key:"dataset_key", answers:a2, log:[]});
  console.log(e.verdict, e.conditions.at(-1));
  }
});
}
