import Table from "cli-table3";

/** A table of each pod's PCR8. */
export function initDataTable(initData: Readonly<Record<string, string>>): string {
  const table = new Table({ head: ["pod", "PCR8"], style: { head: [], border: [] } });
  for (const [pod, pcr8] of Object.entries(initData)) table.push([pod, pcr8]);
  return table.toString();
}

function lookAround(name: string): string {
  return `
The sandbox "${name}" still runs. Look around:
  eval "$(npm run -s sandbox -- env --name ${name})"
  pulumi stack output --stack dev
  kubectl exec pod1 -- curl -s http://127.0.0.1:8006/cdh/resource/default/fraud-dataset/dataset_key
  kubectl logs -n trustee-operator-system -l app=kbs
  npx trustee-access verify --stack dev
Restrict a secret: add the line "- { pod: pod1, secret: kbsres1 }" below "trustee-access:grants:" in Pulumi.dev.yaml, then
  pulumi preview --stack dev
End it:
  pulumi destroy --yes --stack dev; npm run sandbox -- down --name ${name}`;
}

/**
 * The next steps after the demo.
 * @param runs whether the sandbox is still running
 * @param right whether the demo succeeded
 */
export function nextSteps(name: string, runs: boolean, right: boolean): string {
  if (runs) return lookAround(name);
  return right
    ? `
Next:
  npm run demo -- --keep          keep the sandbox and look around
  npm run demo -- --trustee 0.21  the newer generation of Trustee`
    : `
The sandbox has been removed. To find the problem, keep it:
  npm run demo -- --keep`;
}
