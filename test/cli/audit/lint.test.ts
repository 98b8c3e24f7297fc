import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { isAtLeast, severities } from "../../../cli/lint/finding.ts";
import { lint } from "../../../cli/lint/lint.ts";
import { lintText } from "../../../cli/lint/report.ts";
import type { StackGrants } from "../../../core/policy/grants.ts";
import { joinPolicy } from "../../../core/policy/share.ts";
import { facts, healthyTrustee, NOW, pcr8, podFixture } from "../../fixtures/live-facts.ts";
import {
  foreign,
  IMAGE_POLICY,
  lines,
  POLICY,
  VALUES,
  withOldKbs,
  withPolicy,
  withValues,
} from "./support.ts";
import { forAll } from "../../support/for-all.ts";
import { stackGrants } from "../../fixtures/grants.ts";

const MAP = `${VALUES}, reference-values.json`;
const KBS_CONFIG = "KbsConfig trustee-operator-system/trusteeconfig-kbs-config, spec.kbsSecretResources";
const STALE = "a".repeat(64);

describe("a healthy Trustee", () => {
  it("has no finding but the note on the image policy, which every attested pod may read", () => {
    expect(lintText(lint(facts()), { namespace: "trustee-operator-system", generation: "0.18", pods: 3 }))
      .toBe(`note    TA005  Secret trustee-operator-system/trustee-image-policy
  Every attested pod may read "trustee-image-policy", an image policy that pods need to start.
  why: It must not contain anything confidential.
  fix: Keep confidential values out of it, or restrict it.

0 errors, 0 warnings, 1 note (Trustee 0.18 in trustee-operator-system, 3 pods).`);
  });

  it("stays healthy with any grants, if the pods run and their digests are registered", () => {
    const names = ["pod1", "pod2", "pod3"] as const;
    const grants = fc.record({
      "fraud-dataset": fc.subarray([...names]),
      "p2-secret": fc.subarray([...names]),
    });
    forAll(grants, fc.constantFrom("affirming", "deny"), (readers, others) => {
      const granted = others === "deny" ? { ...readers, "trustee-image-policy": names } : readers;
      const secrets = Object.fromEntries(
        Object.entries(granted).map(([secret, pods]) => [
          secret,
          { "*": { "azure-vtpm": Object.fromEntries(pods.map((pod) => [pcr8[pod], pod])) } },
        ]),
      );
      const policy = joinPolicy("package policy\n", { stack: "o/p/s", others, secrets });
      const findings = lines(facts(withPolicy(policy)));
      expect(findings).toEqual(others === "deny" ? [] : [IMAGE_POLICY]);
    });
  });
});

describe("digests", () => {
  it("are reported in the policy and in the reference values of initdata if no running pod has them", () => {
    const policy = joinPolicy("package policy\n", {
      stack: "organization/trustee-access/dev",
      others: "affirming",
      secrets: { "p2-secret": { secret: { "azure-vtpm": { [STALE]: "pod9" } } }, "fraud-dataset": {} },
    });
    const { referenceValues } = withValues({
      snp_pcr03: ["b".repeat(64)],
      snp_pcr08: [pcr8.pod1, pcr8.pod2, pcr8.pod3, "c".repeat(64)],
      tdx_pcr08: ["c".repeat(64), pcr8.pod1.toUpperCase()],
    });
    expect(lines(facts({ ...withPolicy(policy), referenceValues }))).toEqual([
      `warning TA101 ${POLICY}, policy.rego line 20: No running pod has the digest ${STALE} (pod9 of the stack organization/trustee-access/dev), which the policy names.`,
      `warning TA102 ${MAP}: No running pod has the digest ${"c".repeat(64)}, which snp_pcr08 and tdx_pcr08 hold.`,
      `warning TA102 ${MAP}: No running pod has the digest ${pcr8.pod1.toUpperCase()} (one has it in another case; Trustee compares exactly), which tdx_pcr08 holds.`,
      IMAGE_POLICY,
    ]);
  });

  it("of pods are reported as missing if the reference values have them in another case", () => {
    const given = facts(withValues({ snp_pcr08: [pcr8.pod1, pcr8.pod2, pcr8.pod3.toUpperCase()] }));
    expect(lines(given, "TA103")).toEqual([
      `warning TA103 Pod default/pod3: The pod's PCR8 ${pcr8.pod3} is in no reference value; one there differs only in case.`,
    ]);
  });

  it("are reported as missing from the checked namespaces, if these are not all", () => {
    const given = { ...facts({}, [podFixture("pod1"), podFixture("pod2")]), namespaces: ["default"] };
    expect(lines(given, "TA1")).toEqual([
      `warning TA102 ${MAP}: No running pod in the checked namespaces has the digest ${pcr8.pod3}, which snp_pcr08 and tdx_pcr08 hold.`,
    ]);
  });

  it("are ignored if the policy's line names another measurement, and doubtful if it names none", () => {
    const policy = `package policy
allow if input.x["launch_measurement"] == "${"1".repeat(96)}"
allow if input.x["init_data"] == "${"2".repeat(64)}"
allow if input.x in {"${"3".repeat(64)}"}`;
    expect(lines(foreign(policy), "TA101")).toEqual([
      `warning TA101 ${POLICY}, policy.rego line 3: No running pod has the digest ${"2".repeat(64)}, which the policy names.`,
      `note TA101 ${POLICY}, policy.rego line 4: No running pod has the digest ${"3".repeat(64)}, which the policy names; it may be a digest of something other than initdata.`,
    ]);
  });

  it("in comments are ignored; in strings of both kinds they count", () => {
    const policy = `package policy
# "${"d".repeat(64)}"
a := "${STALE}" # "${"e".repeat(64)}"
b := \`# ${"9".repeat(96)}\``;
    expect(lines(foreign(policy), "TA101")).toEqual([
      `note TA101 ${POLICY}, policy.rego line 3: No running pod has the digest ${STALE}, which the policy names; it may be a digest of something other than initdata.`,
      `note TA101 ${POLICY}, policy.rego line 4: No running pod has the digest ${"9".repeat(96)}, which the policy names; it may be a digest of something other than initdata.`,
    ]);
  });

  it("of pods are reported if no reference value has them", () => {
    expect(lines(facts(withValues({ snp_pcr08: [pcr8.pod1, pcr8.pod2] })))).toEqual([
      `warning TA103 Pod default/pod3: The pod's PCR8 ${pcr8.pod3} is in no reference value.`,
      IMAGE_POLICY,
    ]);
  });

  it("of previous initdata that are still accepted: the change of initdata is unfinished", () => {
    const grants = (initData: string): StackGrants =>
      stackGrants("organization/trustee-access/dev", {
        "p2-secret": { "*": { "azure-vtpm": { [initData]: "pod2" } } },
      });
    const before = joinPolicy("package policy\n", grants(STALE));
    const during = joinPolicy(before, grants(pcr8.pod2), null, {
      rotation: { current: { [pcr8.pod2]: "pod2" }, overlapping: ["pod2"] },
      declared: grants(STALE).secrets,
    });
    const [found] = lint(facts(withPolicy(during))).filter(({ id }) => id === "TA101");
    expect([found?.what, found?.fix]).toStrictEqual([
      `No running pod has the digest ${STALE} (pod2 (former initdata) of the stack organization/trustee-access/dev), which the policy names.`,
      "A change of initdata is in progress or was interrupted. Run pulumi up of the stack organization/trustee-access/dev to finish it.",
    ]);
  });

  it("of bare metal count as well as those of a vTPM", () => {
    const hostData = "2f1cf8c2cb0a50aa1ecd4a8cbbb4c1ecfd4a3ee4a2ac1e0d2cb6fb5b3f2c9d11";
    const pods = [podFixture("pod1")];
    expect(lines(facts({}, pods), "TA102")).toHaveLength(2);
    expect(lines(facts(withValues({ init_data: [hostData] }), pods))).toEqual([
      `warning TA101 ${POLICY}, policy.rego line 23: No running pod has the digest ${pcr8.pod2} (pod2 of the stack organization/trustee-access/dev), which the policy names.`,
      `warning TA102 ${MAP}: No running pod has the digest ${hostData}, which init_data holds.`,
      `warning TA103 Pod default/pod1: The pod's PCR8 ${pcr8.pod1} is in no reference value.`,
      IMAGE_POLICY,
    ]);
  });

  it("are unknown if initdata cannot be read or was edited after the start", () => {
    const pods = [
      podFixture("pod1", { annotation: "%" }),
      podFixture("pod2", { annotated: { at: NOW, by: "kubectl-edit" } }),
      podFixture("pod3"),
    ];
    expect(lines(facts({}, pods), " Pod ")).toEqual([
      "warning TA104 Pod default/pod1: The pod's initdata cannot be read: the annotation io.katacontainers.config.hypervisor.cc_init_data is not base64.",
      "warning TA105 Pod default/pod2: kubectl-edit wrote the pod 3600 s after its creation and may have changed its initdata annotation.",
    ]);
  });

  it("are not judged where pods were not checked", () => {
    expect(lines({ ...facts(withValues("[]")), pods: undefined }, /TA1\d\d/)).toEqual([]);
  });
});

it("secrets that are listed but missing are errors; restricted but not listed ones are warnings", () => {
  const given = facts({
    kbsConfig: { name: "trusteeconfig-kbs-config", secrets: ["trustee-image-policy", "fraud-dataset"] },
    secrets: [
      { name: "trustee-image-policy", exists: true, changedAt: NOW - 9000 },
      { name: "fraud-dataset", exists: false },
    ],
  });
  expect(lines(given)).toEqual([
    `error TA301 ${KBS_CONFIG}: The KbsConfig lists Secret "fraud-dataset", which does not exist.`,
    `warning TA302 ${KBS_CONFIG}: The policy restricts Secret "p2-secret", which the KbsConfig does not list.`,
    IMAGE_POLICY,
  ]);
});

describe("the keys", () => {
  it("are those that Trustee mounts: another key is not read, and its own key must exist", () => {
    const given = facts({
      seen: { policyKey: "resource-policy.rego", referenceValuesKey: "reference_value" },
      referenceValues: {
        name: "trusteeconfig-rvps-reference-values",
        changedAt: NOW - 8000,
        resourceVersion: "1",
        data: { reference_value: "{}", "reference-values.json": "[]" },
      },
    });
    expect(lines({ ...given, pods: undefined })).toEqual([
      `error TA401 ${POLICY}: The ConfigMap has no key "resource-policy.rego", which this Trustee (0.21) mounts; it has "policy.rego", which only the other generation reads.`,
      `warning TA402 ${MAP}: The ConfigMap holds "reference-values.json" in addition to "reference_value"; this Trustee (0.21) mounts only "reference_value".`,
    ]);
  });

  it("are an error if the KBS reads no policy from the ConfigMap", () => {
    const given = facts();
    const seen = { ...given.trustee.seen, isPolicyUnread: true };
    expect(lines({ ...given, trustee: { ...given.trustee, seen }, pods: undefined })).toContain(
      `error TA404 ${POLICY}: Deployment "trustee-deployment" does not mount the ConfigMap where the KBS reads its policy.`,
    );
    expect(lines({ ...given, pods: undefined }, "TA404")).toEqual([]);
  });

  it("are found from the ConfigMaps if the mounts are not visible", () => {
    const { seen: _, policy: __, ...rest } = healthyTrustee;
    expect(lines({ ...facts(), trustee: rest, pods: undefined })).toEqual([
      `error TA401 ${POLICY}: There is no ConfigMap "trusteeconfig-resource-policy".`,
    ]);
  });
});

describe("the rollout", () => {
  it("has a problem if a KBS pod is older than a change, or none is ready", () => {
    const old = { createdAt: NOW - 8000 };
    expect(lines(facts(withOldKbs(old)), "TA5")).toEqual([
      `warning TA501 ${POLICY}: trustee-deployment-1 may have started before the last change of ConfigMap "trusteeconfig-resource-policy".`,
      `warning TA501 ${VALUES}: trustee-deployment-1 may have started before the last change of ConfigMap "trusteeconfig-rvps-reference-values".`,
    ]);
    const where = "Deployment trustee-operator-system/trustee-deployment";
    expect(lines(facts(withOldKbs({ ...old, ready: false })))[0]).toBe(
      `error TA502 ${where}: No pod of the KBS is ready.`,
    );
    expect(lines(facts({ kbsPods: [] }))[0]).toBe(`error TA502 ${where}: The KBS has no pod.`);
  });

  it("is fixed by a restart, or by deleting the pods if the operator records versions, because it removes the restart annotation", () => {
    const restarts = [{}, { configMapVersions: {} }].map((noted) => {
      const found = lint(facts(withOldKbs({ createdAt: NOW - 8000, ...noted }))).filter(
        ({ id }) => id === "TA501",
      );
      return [...new Set(found.map(({ fix }) => fix))];
    });
    expect(restarts).toEqual([
      ["Restart it: kubectl rollout restart deployment/trustee-deployment -n trustee-operator-system"],
      ["Restart it: kubectl delete pod -n trustee-operator-system -l app=kbs"],
    ]);
  });

  it("is fine if the pod's template names the changed versions", () => {
    const configMapVersions = {
      "trusteeconfig-resource-policy": "100",
      "trusteeconfig-rvps-reference-values": "101",
    };
    expect(lines(facts(withOldKbs({ createdAt: NOW - 8000, configMapVersions })))).toEqual([IMAGE_POLICY]);
  });
});

describe("severities", () => {
  it("are ordered, the worst first", () => {
    expect(severities.map((limit) => severities.filter((one) => isAtLeast(one, limit)))).toEqual([
      ["error"],
      ["error", "warning"],
      ["error", "warning", "note"],
    ]);
  });

  it("are the same for the same facts, whatever order the facts come in", () => {
    const given = facts({ kbsPods: [] }, [podFixture("pod1", { annotation: "%" }), podFixture("pod3")]);
    const turned = { ...given, pods: [...(given.pods ?? [])].reverse() };
    expect(lines(turned)).toEqual(lines(given));
  });
});
