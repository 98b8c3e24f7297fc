import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { LiveFacts, PolicyAnswer, TrusteeFacts } from "../../../core/audit/facts.ts";
import { isAtLeast, placeText, severities } from "../../../core/audit/finding.ts";
import { lint } from "../../../core/audit/lint.ts";
import { lintText } from "../../../core/audit/lint-report.ts";
import { lintQuestions, questionKey, type PolicyQuestion } from "../../../core/audit/questions.ts";
import { joinPolicy } from "../../../core/policy/share.ts";
import {
  facts,
  healthyTrustee,
  NOW,
  pcr8,
  podFixture,
  referenceValues,
  tutorialGrants,
} from "../../fixtures/live-facts.ts";

/** A finding in a line: what there is to compare in full, without why and how to mend it. */
function lines(given: LiveFacts): readonly string[] {
  return lint(given).map(({ id, severity, where, what }) => `${severity} ${id} ${placeText(where)}: ${what}`);
}

/** Somebody's policy, with what a Rego engine says of it. */
function foreign(
  policy: string,
  says: (question: PolicyQuestion) => PolicyAnswer,
  changes: Partial<TrusteeFacts> = {},
): LiveFacts {
  const given = facts({ ...changes, policy: withPolicy({ "policy.rego": policy }) });
  const asked = lintQuestions(given.trustee);
  return {
    ...given,
    answers: {
      kind: "answers",
      byQuestion: new Map(asked.map((question) => [questionKey(question), says(question)])),
    },
  };
}

function withPolicy(data: Readonly<Record<string, string>>): NonNullable<TrusteeFacts["policy"]> {
  return { name: "trusteeconfig-resource-policy", changedAt: NOW - 8000, resourceVersion: "100", data };
}

function withValues(data: Readonly<Record<string, string>>): NonNullable<TrusteeFacts["referenceValues"]> {
  return { name: "trusteeconfig-rvps-reference-values", changedAt: NOW - 8000, resourceVersion: "1", data };
}

const POLICY = "ConfigMap trustee-operator-system/trusteeconfig-resource-policy";
const VALUES = "ConfigMap trustee-operator-system/trusteeconfig-rvps-reference-values";
const KBS_CONFIG = "KbsConfig trustee-operator-system/trusteeconfig-kbs-config, spec.kbsSecretResources";
const IMAGE_POLICY =
  'note TA005 Secret trustee-operator-system/trustee-image-policy: Every attested pod may read "trustee-image-policy", which is an image policy that pods need to start.';
const STALE = "a".repeat(64);

describe("a healthy Trustee", () => {
  it("has nothing amiss but what is meant to be open", () => {
    expect(lintText(lint(facts()), { namespace: "trustee-operator-system", generation: "0.18", pods: 3 }))
      .toBe(`note    TA005  Secret trustee-operator-system/trustee-image-policy
  Every attested pod may read "trustee-image-policy", which is an image policy that pods need to start.
  why:  Nothing confidential should be in it.
  mend: Keep it free of confidential values; restrict it if that changes.

0 errors, 0 warnings, 1 note (Trustee 0.18 in trustee-operator-system, 3 pods).`);
  });

  it("is healthy whatever is granted to whom, as long as the pods run and their digests are registered", () => {
    const names = ["pod1", "pod2", "pod3"] as const;
    const grants = fc.record({
      "fraud-dataset": fc.subarray([...names]),
      "p2-secret": fc.subarray([...names]),
    });
    fc.assert(
      fc.property(grants, fc.constantFrom("affirming", "deny"), (readers, others) => {
        const secrets = Object.fromEntries(
          Object.entries(readers).map(([secret, pods]) => [
            secret,
            { "*": Object.fromEntries(pods.map((pod) => [pcr8[pod], pod])) },
          ]),
        );
        const policy = joinPolicy("package policy\n", { stack: "o/p/s", others, secrets });
        const findings = lines(facts({ policy: withPolicy({ "policy.rego": policy }) }));
        expect(findings).toEqual(others === "deny" ? [] : [IMAGE_POLICY]);
      }),
    );
  });
});

describe("digests", () => {
  it("are stale where no running pod has them, in the policy and in the reference values of initdata", () => {
    const policy = joinPolicy("package policy\n", {
      stack: "organization/trustee-access/dev",
      others: "deny",
      secrets: { "p2-secret": { secret: { [STALE]: "pod9" } }, "fraud-dataset": {} },
    });
    const values = referenceValues([
      ["snp_pcr03", "2035-01-01T00:00:00Z", ["b".repeat(64)]],
      ["snp_pcr08", "2035-01-01T00:00:00Z", [pcr8.pod1, pcr8.pod2, pcr8.pod3, "c".repeat(64)]],
      ["tdx_pcr08", "2035-01-01T00:00:00Z", ["c".repeat(64), pcr8.pod1.toUpperCase()]],
    ]);
    expect(
      lines(
        facts({
          policy: withPolicy({ "policy.rego": policy }),
          referenceValues: withValues({ "reference-values.json": values }),
        }),
      ),
    ).toEqual([
      `warning TA101 ${POLICY}, policy.rego line 16: No running pod has the digest ${STALE} (pod9 of the stack organization/trustee-access/dev), which the policy names.`,
      `warning TA102 ${VALUES}, reference-values.json: No running pod has the digest ${"c".repeat(64)}, which snp_pcr08 and tdx_pcr08 hold.`,
      `warning TA102 ${VALUES}, reference-values.json: No running pod has the digest ${pcr8.pod1.toUpperCase()} (one has it in another case, which to Trustee is another digest), which tdx_pcr08 holds.`,
    ]);
  });

  it("of pods are missed in the reference values where these have them in another case", () => {
    const values = referenceValues([
      ["snp_pcr08", "2035-01-01T00:00:00Z", [pcr8.pod1, pcr8.pod2, pcr8.pod3.toUpperCase()]],
    ]);
    const given = facts({ referenceValues: withValues({ "reference-values.json": values }) });
    expect(lines(given).filter((line) => line.includes("TA103"))).toEqual([
      `warning TA103 Pod default/pod3: The pod's PCR8 ${pcr8.pod3} is in no reference value; what is there differs in case only.`,
    ]);
  });

  it("are said to be missing from the namespaces looked at, where that is not all", () => {
    const given = { ...facts({}, [podFixture("pod1"), podFixture("pod2")]), namespaces: ["default"] };
    expect(lines(given).filter((line) => line.includes("TA1"))).toEqual([
      `warning TA102 ${VALUES}, reference-values.json: No running pod in the namespaces looked at has the digest ${pcr8.pod3}, which snp_pcr08 and tdx_pcr08 hold.`,
    ]);
  });

  it("are not taken for those of initdata where the policy's line speaks of another measurement", () => {
    const policy = `package policy
allow if input.x["launch_measurement"] == "${"1".repeat(96)}"
allow if input.x["init_data"] == "${"2".repeat(64)}"
allow if input.x in {"${"3".repeat(64)}"}`;
    expect(lines(foreign(policy, () => false)).filter((line) => line.includes("TA101"))).toEqual(
      [
        `note TA101 ${POLICY}, policy.rego line 4: No running pod has the digest ${"3".repeat(64)}, which the policy names, perhaps as something else than a digest of initdata.`,
        `warning TA101 ${POLICY}, policy.rego line 3: No running pod has the digest ${"2".repeat(64)}, which the policy names.`,
      ].sort((a, b) => (a < b ? 1 : -1)),
    );
  });

  it("of a comment decide nothing, those in strings of either kind do", () => {
    const policy = `package policy
# "${"d".repeat(64)}"
a := "${STALE}" # "${"e".repeat(64)}"
b := \`# ${"9".repeat(96)}\``;
    const says = (): PolicyAnswer => false;
    expect(lines(foreign(policy, says))).toEqual([
      `note TA101 ${POLICY}, policy.rego line 3: No running pod has the digest ${STALE}, which the policy names, perhaps as something else than a digest of initdata.`,
      `note TA101 ${POLICY}, policy.rego line 4: No running pod has the digest ${"9".repeat(96)}, which the policy names, perhaps as something else than a digest of initdata.`,
    ]);
  });

  it("of pods are missed in the reference values", () => {
    const values = referenceValues([["snp_pcr08", "2035-01-01T00:00:00Z", [pcr8.pod1, pcr8.pod2]]]);
    const given = facts({ referenceValues: withValues({ "reference-values.json": values }) });
    expect(lines(given)).toEqual([
      `warning TA103 Pod default/pod3: The pod's PCR8 ${pcr8.pod3} is in no reference value.`,
      IMAGE_POLICY,
    ]);
  });

  it("of bare metal count as well as those of a vTPM", () => {
    const hostData = "2f1cf8c2cb0a50aa1ecd4a8cbbb4c1ecfd4a3ee4a2ac1e0d2cb6fb5b3f2c9d11";
    const pods = [podFixture("pod1")];
    const own = lint(facts({}, pods)).filter(({ id }) => id === "TA102").length;
    expect(own).toBe(2);
    const values = referenceValues([["init_data", "2035-01-01T00:00:00Z", [hostData]]]);
    expect(lines(facts({ referenceValues: withValues({ "reference-values.json": values }) }, pods))).toEqual([
      `warning TA101 ${POLICY}, policy.rego line 20: No running pod has the digest ${pcr8.pod2} (pod2 of the stack organization/trustee-access/dev), which the policy names.`,
      `warning TA102 ${VALUES}, reference-values.json: No running pod has the digest ${hostData}, which init_data holds.`,
      `warning TA103 Pod default/pod1: The pod's PCR8 ${pcr8.pod1} is in no reference value.`,
      IMAGE_POLICY,
    ]);
  });

  it("cannot be told of initdata that cannot be read, or that was edited after the start", () => {
    const pods = [
      podFixture("pod1", { annotation: "%" }),
      podFixture("pod2", { annotated: { at: NOW, by: "kubectl-edit" } }),
      podFixture("pod3"),
    ];
    expect(lines(facts({}, pods)).filter((line) => line.includes(" Pod "))).toEqual([
      "warning TA104 Pod default/pod1: The pod's initdata cannot be read: the annotation io.katacontainers.config.hypervisor.cc_init_data is not base64.",
      "warning TA105 Pod default/pod2: kubectl-edit has written the pod 3600 s after its creation, its initdata annotation perhaps too.",
    ]);
  });

  it("are not judged where the pods were not looked at", () => {
    const given = {
      ...facts({ referenceValues: withValues({ "reference-values.json": "[]" }) }),
      pods: undefined,
    };
    expect(lines(given).filter((line) => /TA1\d\d/.test(line))).toEqual([]);
  });
});

describe("somebody else's policy", () => {
  const isStranger = ({ input }: PolicyQuestion): boolean =>
    JSON.stringify(input).includes("affirming") && !JSON.stringify(input).includes("contraindicated");
  const asksFor = ({ data }: PolicyQuestion, secret: string): boolean =>
    JSON.stringify(data["resource-path"] ?? null).includes(secret);

  it("is the stock one if every attested pod may read everything", () => {
    expect(lines(foreign("package policy", isStranger))).toEqual([
      `error TA001 ${POLICY}, policy.rego: The policy lets every attested pod read every secret, as the one that Trustee is installed with does.`,
    ]);
  });

  it("is careless if pods read without attesting, or with one good submod", () => {
    expect(lines(foreign("package policy", (question) => asksFor(question, "fraud-dataset")))).toEqual([
      `error TA003 ${POLICY}, policy.rego: Pods that do not attest well, or not at all, may read "fraud-dataset".`,
      'warning TA005 Secret trustee-operator-system/fraud-dataset: Every attested pod may read "fraud-dataset".',
    ]);
    const cpuOnly = (question: PolicyQuestion): boolean =>
      asksFor(question, "fraud-dataset") && JSON.stringify(question.input).includes("affirming");
    expect(lines(foreign("package policy", cpuOnly))).toEqual([
      'warning TA005 Secret trustee-operator-system/fraud-dataset: Every attested pod may read "fraud-dataset".',
      `warning TA008 ${POLICY}, policy.rego: A pod whose CPU attests well and whose GPU does not may read "fraud-dataset".`,
    ]);
  });

  it("is careless if a pod that it names reads without attesting, or with one good submod", () => {
    const policy = `package policy\nallow if { is_p1; init_data == "${pcr8.pod1}" }\n`;
    const isPod1 = ({ input }: PolicyQuestion): boolean => JSON.stringify(input).includes(pcr8.pod1);
    const asks = (question: PolicyQuestion): boolean =>
      asksFor(question, "fraud-dataset") && isPod1(question);
    expect(lines(foreign(policy, asks))).toEqual([
      `error TA003 ${POLICY}, policy.rego: Pods that do not attest well, or not at all, may read "fraud-dataset".`,
    ]);
    const cpuOnly = (question: PolicyQuestion): boolean =>
      asks(question) && JSON.stringify(question.input).includes("affirming");
    expect(lines(foreign(policy, cpuOnly))).toEqual([
      `warning TA008 ${POLICY}, policy.rego: A pod whose CPU attests well and whose GPU does not may read "fraud-dataset".`,
    ]);
  });

  it("is asked for every key: one that the Secret has, one that it names, and any other", () => {
    const policy = `package policy\nallow if path == "resource/default/p2-secret/named"\n`;
    const opened = (opens: (key: string) => boolean): readonly string[] => {
      const says = (question: PolicyQuestion): boolean =>
        isStranger(question) &&
        asksFor(question, "p2-secret/") &&
        opens(/p2-secret\/([^"/]+)"/.exec(JSON.stringify(question.data))?.[1] ?? "");
      const secrets = [
        ...healthyTrustee.secrets.filter(({ name }) => name !== "p2-secret"),
        { name: "p2-secret", exists: true, keys: ["other", "secret"] },
      ];
      return lines(foreign(policy, says, { secrets })).filter((line) => line.includes("TA005"));
    };
    const found = (what: string): string =>
      `warning TA005 Secret trustee-operator-system/p2-secret: Every attested pod may read ${what}.`;
    expect(opened(() => true)).toEqual([found('"p2-secret"')]);
    expect(opened((key) => key === "secret")).toEqual([found('"p2-secret/secret"')]);
    expect(opened((key) => key === "other")).toEqual([found('"p2-secret/other"')]);
    expect(opened((key) => key === "named")).toEqual([found('"p2-secret/named"')]);
    expect(opened((key) => !["secret", "other", "named"].includes(key))).toEqual([
      found('any further key of "p2-secret"'),
    ]);
  });

  it("that names very many digests is not tried with all of them, which is said", () => {
    const digests = Array.from({ length: 600 }, (_, at) => at.toString(16).padStart(64, "0"));
    const policy = `package policy\nx := [${digests.map((one) => `"${one}"`).join(", ")}]\n`;
    const notes = lines(foreign(policy, () => false)).filter((line) => line.includes("TA007"));
    expect(notes).toEqual([
      `note TA007 ${POLICY}, policy.rego: The policy was not evaluated for all of the digests that it names: 166 of 600 were tried as those of pods that do not attest well.`,
    ]);
  });

  it("that does not compile is an error for the KBS in use, a warning for the one to come", () => {
    const failed = { failed: "policy", message: "`if` keyword is required before rule body" } as const;
    expect(lines(foreign("x", ({ syntax }) => (syntax === "v1" ? failed : false)))).toEqual([
      `warning TA002 ${POLICY}, policy.rego: KBS v0.17 and later cannot compile the policy: ${failed.message}.`,
    ]);
    expect(lines(foreign("x", () => failed))).toEqual([
      `error TA002 ${POLICY}, policy.rego: KBS up to v0.16 cannot compile the policy: ${failed.message}.`,
    ]);
  });

  it("that breaks off on regular requests is an error", () => {
    const failed = {
      failed: "evaluation",
      message: "split: operand 1 must be string but got array",
    } as const;
    expect(
      lines(foreign("x", ({ data }) => (typeof data["resource-path"] === "string" ? failed : false))),
    ).toEqual([
      `error TA006 ${POLICY}, policy.rego: The policy breaks off on a regular request, e.g. for trustee-image-policy/policy: ${failed.message}.`,
    ]);
  });

  it("that opens on a path as the other KBS hands it over is an error, on any other odd path a warning", () => {
    const onArray = (question: PolicyQuestion): boolean =>
      question.syntax === "v0" && Array.isArray(question.data["resource-path"]) && isStranger(question);
    expect(lines(foreign("x", onArray))).toEqual([
      `error TA004 ${POLICY}, policy.rego: With KBS up to v0.16, a pod that is granted nothing is allowed the path as KBS v0.17 and later hand it over, where the policy restricts a secret; and 15 more such paths.`,
    ]);
    const onNothing = ({ data, syntax }: PolicyQuestion): boolean =>
      syntax === "v1" && Object.keys(data).length === 0;
    expect(lines(foreign("x", onNothing))).toEqual([
      `warning TA004 ${POLICY}, policy.rego: With KBS v0.17 and later, a pod that is granted nothing is allowed no path, where the policy restricts a secret.`,
    ]);
  });

  it("is not judged without a Rego engine, except where it is this project's own", () => {
    const answers = { kind: "none", reason: "There is no opa on PATH." } as const;
    const unjudged = `note TA007 ${POLICY}, policy.rego: The policy was not evaluated: There is no opa on PATH.`;
    expect(lines({ ...foreign("package policy", () => true), answers })).toEqual([unjudged]);
    expect(lines({ ...facts(), answers })).toEqual([IMAGE_POLICY, unjudged]);
  });
});

describe("reference values", () => {
  it("that have expired or expire within 30 days", () => {
    const values = referenceValues([
      ["snp_pcr03", "2026-03-01T00:00:00Z", ["b".repeat(64)]],
      ["snp_pcr08", "2026-03-31T00:00:00Z", [pcr8.pod1, pcr8.pod2, pcr8.pod3]],
      ["snp_pcr09", "2026-03-31T00:00:01Z", []],
      ["snp_pcr11", "tomorrow", []],
    ]);
    expect(lines(facts({ referenceValues: withValues({ "reference-values.json": values }) }))).toEqual([
      `error TA201 ${VALUES}, reference-values.json: snp_pcr03 expired on 2026-03-01T00:00:00Z.`,
      `error TA203 ${VALUES}, reference-values.json: The expiration of snp_pcr11 is "tomorrow", which is no time as the RVPS reads it.`,
      `warning TA202 ${VALUES}, reference-values.json: snp_pcr08 expires in 30 days, on 2026-03-31T00:00:00Z.`,
      IMAGE_POLICY,
    ]);
  });

  it("that are of the other generation's format", () => {
    expect(lines(facts({ referenceValues: withValues({ "reference-values.json": "{}" }) }))).toEqual([
      `error TA203 ${VALUES}, reference-values.json: The reference values under the key "reference-values.json" cannot be read: it holds an object, as the other generation of Trustee does. Trustee reads a JSON list of {"name", "expiration", "value": [..]} there.`,
      IMAGE_POLICY,
    ]);
  });
});

describe("secrets", () => {
  it("that are listed and missing block the KBS; restricted ones that are not listed are not served", () => {
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
});

describe("the generation", () => {
  it("is that of what Trustee mounts: another key is not read, its own one has to be there", () => {
    const given = facts({
      mounts: "0.21",
      policy: withPolicy({ "policy.rego": tutorialGrants }),
      referenceValues: withValues({ reference_value: "{}", "reference-values.json": "[]" }),
    });
    expect(lines({ ...given, pods: undefined })).toEqual([
      `error TA401 ${POLICY}: The ConfigMap has no key "resource-policy.rego", which this Trustee (0.21) mounts; it has "policy.rego", which only the other generation reads.`,
      `warning TA402 ${VALUES}, reference-values.json: The ConfigMap holds "reference-values.json" beside "reference_value"; this Trustee (0.21) mounts only "reference_value".`,
    ]);
  });

  it("is that of the keys where the mounts cannot be seen", () => {
    const { mounts: _, policy: __, ...rest } = healthyTrustee;
    expect(lines({ ...facts(), trustee: rest, pods: undefined })).toEqual([
      `error TA401 ${POLICY}: There is no ConfigMap "trusteeconfig-resource-policy".`,
    ]);
  });
});

describe("the rollout", () => {
  it("is amiss where a KBS pod is older than a change, or none is ready", () => {
    const [pod] = healthyTrustee.kbsPods;
    const old = { ...pod, createdAt: NOW - 8000 } as TrusteeFacts["kbsPods"][number];
    expect(lines(facts({ kbsPods: [old] })).filter((line) => line.includes("TA5"))).toEqual([
      `warning TA501 ${POLICY}: trustee-deployment-1 may have started before the last change of ConfigMap "trusteeconfig-resource-policy".`,
      `warning TA501 ${VALUES}: trustee-deployment-1 may have started before the last change of ConfigMap "trusteeconfig-rvps-reference-values".`,
    ]);
    const where = "Deployment trustee-operator-system/trustee-deployment";
    expect(lines(facts({ kbsPods: [{ ...old, ready: false }] }))[0]).toBe(
      `error TA502 ${where}: No pod of the KBS is ready.`,
    );
    expect(lines(facts({ kbsPods: [] }))[0]).toBe(`error TA502 ${where}: The KBS has no pod.`);
  });

  it("is well where the pod was made from a template that names the changed versions", () => {
    const [pod] = healthyTrustee.kbsPods;
    const configMapVersions = {
      "trusteeconfig-resource-policy": "100",
      "trusteeconfig-rvps-reference-values": "101",
    };
    const old = { ...pod, createdAt: NOW - 8000, configMapVersions } as TrusteeFacts["kbsPods"][number];
    expect(lines(facts({ kbsPods: [old] }))).toEqual([IMAGE_POLICY]);
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
