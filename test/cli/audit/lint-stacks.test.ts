import { expect, test } from "vitest";
import { lint } from "../../../cli/lint/lint.ts";
import type { TrusteeFacts } from "../../../cli/audit/facts.ts";
import { recordOf } from "../../../core/policy/stack-records.ts";
import { NOTHING_BEHIND } from "../../../core/policy/vanished.ts";
import { MIGRATED_ANNOTATION } from "../../../core/trustee/redhat.ts";
import { healthyTrustee, tutorialGrants } from "../../fixtures/live-facts.ts";
import { stackGrants } from "../../fixtures/grants.ts";

const other = stackGrants("org/p/other", {
  "p2-secret": { "*": { "azure-vtpm": { ["ab".repeat(32)]: "pod2" } } },
});

function found(changes: Partial<TrusteeFacts>) {
  const trustee = { ...healthyTrustee, ...changes };
  const answers = { kind: "none", reason: "nobody asked" } as const;
  return lint({ trustee, pods: undefined, answers }).filter(({ id }) => ["TA012", "TA403"].includes(id));
}

const where = {
  kind: "ConfigMap",
  namespace: "trustee-operator-system",
  name: "trusteeconfig-resource-policy",
  part: "policy.rego",
};

test("a recorded stack without a line in the policy is an error, with the place of its backup", () => {
  const backups = [
    { where: 'ConfigMap "trusteeconfig-resource-policy.v1.1"', text: JSON.stringify(other) },
  ].map(({ where, text }) => ({ where, text: `# trustee-access: stack ${text}` }));
  expect(found({ behind: { ...NOTHING_BEHIND, records: [recordOf(other)], backups } })).toEqual([
    {
      id: "TA012",
      severity: "error",
      where,
      about: ["org/p/other"],
      what:
        "The policy has lost the grants of the stack org/p/other, which restrict p2-secret. They are in ConfigMap " +
        '"trusteeconfig-resource-policy.v1.1".',
      why: "Every pod that the policy accepts can now read the secrets which that stack restricts.",
      fix:
        "Run pulumi up of org/p/other to restore them. pulumi up of any other stack also restricts the secrets again. If the stack no longer exists: " +
        "kubectl annotate kbsconfig trusteeconfig-kbs-config -n trustee-operator-system trustee-access/policy-stacks-, and remove " +
        'ConfigMap "trusteeconfig-resource-policy.v1.1"',
    },
  ]);
  expect(found({ behind: { ...NOTHING_BEHIND, records: [recordOf(other)] } })[0]?.what).toContain(
    "There is no backup of them.",
  );
});

test("this project's policy on Red Hat's Trustee 1.1 is a warning until it is marked as migrated", () => {
  const [finding, ...more] = found({ routeOwners: ["TrusteeConfig"] });
  expect(more).toEqual([]);
  expect(finding).toMatchObject({ id: "TA403", severity: "warning", where });
  expect(finding?.fix).toContain(
    "kubectl get configmap trusteeconfig-resource-policy -n trustee-operator-system -o json | " +
      `jq '.metadata.annotations["${MIGRATED_ANNOTATION}"]="v1.2.0" | .data["resource-policy.rego"]=.data["policy.rego"]' | ` +
      "kubectl replace -f -",
  );
  const policy = { ...healthyTrustee.policy, name: where.name, changedAt: 0, resourceVersion: "1" };
  const data = { "policy.rego": tutorialGrants };
  const marked = { ...policy, data, annotations: { [MIGRATED_ANNOTATION]: "v1.2.0" } };
  expect(found({ routeOwners: ["TrusteeConfig"], policy: marked })).toEqual([]);
  expect(found({ routeOwners: [] })).toEqual([]);
  expect(
    found({
      routeOwners: ["TrusteeConfig"],
      policy: { ...policy, data: { "policy.rego": "package policy\n" } },
    }),
  ).toEqual([]);
});
