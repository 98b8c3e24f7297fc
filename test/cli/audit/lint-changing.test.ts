import { expect, it } from "vitest";
import { lint } from "../../../cli/lint/lint.ts";
import type { StackGrants } from "../../../core/policy/grants.ts";
import { joinPolicy } from "../../../core/policy/share.ts";
import { facts, NOW, pcr8 } from "../../fixtures/live-facts.ts";

const FORMER = "a".repeat(64);

it("former initdata that is still accepted: the change to another has not been ended", () => {
  const grants = (initData: string): StackGrants => ({
    stack: "organization/trustee-access/dev",
    others: "affirming",
    secrets: { "p2-secret": { "*": { "azure-vtpm": { [initData]: "pod2" } } } },
  });
  const before = joinPolicy("package policy\n", grants(FORMER));
  const during = joinPolicy(before, grants(pcr8.pod2), null, {
    rotation: { current: { [pcr8.pod2]: "pod2" }, overlapping: ["pod2"] },
    declared: grants(FORMER).secrets,
  });
  const [found] = lint(
    facts({
      policy: {
        name: "trusteeconfig-resource-policy",
        changedAt: NOW - 8000,
        resourceVersion: "100",
        data: { "policy.rego": during },
      },
    }),
  ).filter(({ id }) => id === "TA101");
  expect([found?.what, found?.fix]).toStrictEqual([
    `No running pod has the digest ${FORMER} (pod2 (former initdata) of the stack organization/trustee-access/dev), which the policy names.`,
    "A change of initdata is in progress or was interrupted. Run pulumi up of the stack organization/trustee-access/dev to finish it.",
  ]);
});
