import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { digestEntries, liveAppraisal, otherEntries } from "../../../cli/audit/attestation-policy.ts";
import { explain } from "../../../cli/explain/explain.ts";
import { explanationText } from "../../../cli/explain/explanation.ts";
import type { TrusteeFacts } from "../../../cli/audit/facts.ts";
import { facts, healthyTrustee, pcr8, podFixture } from "../../fixtures/live-facts.ts";
import { base, lines, logOf, unseen, withAttestationPolicy, withValues } from "./support.ts";

/**
 * What operators install, without comments: of v0.19.0 all, of the others Azure's part. Red Hat's v1.2.1 is
 * v0.21.0's. https://github.com/confidential-containers/trustee-operator and
 * https://github.com/openshift/trustee-operator, config/templates/ear_default_attestation_policy_cpu.rego
 */
const stock = (name: string): string =>
  readFileSync(new URL(`../../fixtures/attestation/${name}.rego`, import.meta.url), "utf8");

const newer = { policyKey: "resource-policy.rego", referenceValuesKey: "reference_value" };

/** The entries that must hold the digest, and the other entries, by trust claim and its alternatives. */
function asked(
  text: string,
  tee: string,
  trustee: TrusteeFacts = { ...healthyTrustee, seen: newer },
): unknown {
  const appraisal = liveAppraisal(withAttestationPolicy(text, trustee), tee);
  if (appraisal?.kind !== "asks") return appraisal;
  return asks(digestEntries(appraisal), ...otherEntries(appraisal).filter((one) => one.flat().length > 0));
}

/** @param others each with its alternatives */
const asks = (digest: readonly string[], ...others: readonly (readonly (readonly string[])[])[]) => ({
  digest,
  others,
});

const never = { kind: "never", claim: "executables" };

describe("what an attestation policy asks for", () => {
  it.each(
    Object.entries({
      "trustee-operator-v0.18.0 on az-snp-vtpm": { ...never, like: "az_snp_vtpm" },
      "trustee-operator-v0.18.0 on az-tdx-vtpm": { ...never, like: "az_tdx_vtpm" },
      "redhat-v1.1.0 on az-snp-vtpm": { ...never, like: "az_snp_vtpm" },
      "trustee-operator-v0.19.0 on az-snp-vtpm": asks(
        [],
        [["measurement", "snp_pcr11"]],
        [["tcb_bootloader", "tcb_microcode", "tcb_snp", "tcb_tee"]],
        [["smt_enabled", "tsme_enabled", "abi_major", "abi_minor", "single_socket", "smt_allowed"]],
      ),
      "trustee-operator-v0.19.0 on az-tdx-vtpm": asks([], [["tdx_pcr11"]], [["mr_td"]], [["xfam"]]),
      "trustee-operator-v0.19.0 on snp": asks(
        [],
        [["snp_launch_measurement"]],
        [["snp_bootloader", "snp_microcode", "snp_snp_svn", "snp_tee_svn"]],
        [
          [
            "smt_enabled",
            "tsme_enabled",
            "guest_abi_major",
            "guest_abi_minor",
            "single_socket",
            "smt_allowed",
          ].map((one) => `snp_${one}`),
          [],
        ],
      ),
      "trustee-operator-v0.19.0 on tdx": asks(
        [],
        [
          ["rtmr_1", "rtmr_2", "tdvfkernel", "tdvfkernelparams"],
          ["rtmr_1", "rtmr_2"],
        ],
        [["mr_td"]],
        [["xfam"]],
      ),
      "trustee-operator-v0.19.0 on se": asks([]),
      "trustee-operator-v0.19.0 on cca": never,
      "trustee-operator-v0.21.0 on az-snp-vtpm": asks(
        ["snp_pcr08"],
        [["03", "09", "11", "12"].map((one) => `snp_pcr${one}`)],
      ),
      "trustee-operator-v0.21.0 on az-tdx-vtpm": asks(
        ["tdx_pcr08"],
        [["03", "09", "11", "12"].map((one) => `tdx_pcr${one}`)],
      ),
    }),
  )("%s", (title, expected) => {
    const [name = "", tee = ""] = title.split(" on ");
    expect(asked(stock(name), tee)).toEqual(expected);
  });

  it.each(
    Object.entries<readonly [string, unknown]>({
      "a variable between, and whatever the entry is called": [
        'executables := 3 if { t := input["az-snp-vtpm"].tpm\n t.pcr08 in query_reference_value("mine") }',
        asks(["mine"]),
      ],
      "the claim init_data of any TEE": [
        'executables := 3 if input.init_data in query_reference_value("digests")',
        asks(["digests"]),
      ],
      "data.reference, as up to KBS v0.15": [
        'executables := 3 if { input["az-snp-vtpm"].tpm.pcr08 in data.reference.snp_pcr08 }',
        asks(["snp_pcr08"]),
      ],
      "a default that is good": ["default executables := 3", asks([])],
      "a value that is not": ['default executables := 33\nexecutables := 35 if input["az-snp-vtpm"]', never],
      comments: ['# query_reference_value("a")\nexecutables := 3 if input["az-snp-vtpm"]', asks([])],
    }),
  )("%s", (_what, [rules, expected]) => {
    expect(asked(`package policy\nimport rego.v1\n${rules}\n`, "az-snp-vtpm")).toEqual(expected);
  });

  it("the name in KBS v0.15 counts if such a KBS may run", () => {
    const text =
      "package policy\nimport rego.v1\ndefault executables := 33\nexecutables := 3 if input.azsnpvtpm\n";
    expect(asked(text, "az-snp-vtpm", healthyTrustee)).toEqual(asks([]));
    expect(asked(text, "az-snp-vtpm")).toEqual({ ...never, like: "azsnpvtpm" });
  });
});

const STOCK_21 = stock("trustee-operator-v0.21.0");
const MEASURED = ["a5".repeat(32)];
const pcrs = { snp_pcr03: MEASURED, snp_pcr09: MEASURED, snp_pcr11: MEASURED };
const boot = { ...pcrs, snp_pcr12: MEASURED };

const GIVEN = `2026-03-01T00:00:00.1Z  INFO actix_web::middleware::logger: 10.0.0.1 "GET /kbs/v0/resource/default/p2-secret/secret HTTP/1.1" 200 600 "-" "a" 0.1`;

/** The lines of explain for pod2, which is granted p2-secret, that the attestation policy affects. */
function explained(trustee: TrusteeFacts, log = ""): string {
  const facts = { ...base, podName: "default/pod2", pod: podFixture("pod2"), trustee };
  const text = explanationText(explain({ ...facts, log: log === "" ? [] : [logOf(log)] }));
  const [title = "", because = "", ...lines] = text.split("\n");
  const kept = lines.filter((line) => /^ {2}[✓✗?] (?:reference|other values|policy)|^ {24}|^Next/.test(line));
  return [title, because, ...kept].join("\n");
}

describe("explain, of a pod that the policy grants the secret to", () => {
  it("does not ask for a digest that the attestation policy does not require, but for the other values", () => {
    const trustee = withAttestationPolicy(stock("trustee-operator-v0.19.0"), withValues("[]"));
    expect(explained(trustee)).toBe(`default/pod2 -> p2-secret/secret: DENIED
Because the attestation policy asks for measurement, snp_pcr11, tcb_bootloader, tcb_microcode, tcb_snp, tcb_tee, smt_enabled, tsme_enabled, abi_major, abi_minor, single_socket, smt_allowed too, which the reference values do not have, so no pod on az-snp-vtpm attests well.
  ✓ reference value     the attestation policy asks for no reference value for PCR8 on az-snp-vtpm
  ✗ other values        the attestation policy asks for measurement, snp_pcr11, tcb_bootloader, tcb_microcode, tcb_snp, tcb_tee, smt_enabled, tsme_enabled, abi_major, abi_minor, single_socket, smt_allowed too, which the reference values do not have, so no pod on az-snp-vtpm attests well
                        expected: measurement
                                  snp_pcr11
                                  tcb_bootloader
                                  tcb_microcode
                                  tcb_snp
                                  tcb_tee
                                  smt_enabled
                                  tsme_enabled
                                  abi_major
                                  abi_minor
                                  single_socket
                                  smt_allowed
                        seen:     none
  ✓ policy              the policy grants the secret to this digest (pod2)
Next: Register the measurements of such a pod under measurement, snp_pcr11, tcb_bootloader, tcb_microcode, tcb_snp, tcb_tee, smt_enabled, tsme_enabled, abi_major, abi_minor, single_socket, smt_allowed.`);
  });

  it("says that no pod on Azure attests well if the attestation policy uses another name for the TEE", () => {
    expect(explained(withAttestationPolicy(stock("redhat-v1.1.0"))))
      .toBe(`default/pod2 -> p2-secret/secret: DENIED
Because the attestation policy has no rule that accepts executables on az-snp-vtpm, only one for az_snp_vtpm, a name that the KBS does not use, so no such pod attests well.
  ✗ reference value     the attestation policy has no rule that accepts executables on az-snp-vtpm, only one for az_snp_vtpm, a name that the KBS does not use, so no such pod attests well
  ✓ policy              the policy grants the secret to this digest (pod2)
Next: Correct the attestation policy in ConfigMap "trusteeconfig-attestation-policy-cpu": write input["az-snp-vtpm"].`);
  });

  it("needs PCR 3, 9, 11 and 12 too if the attestation policy requires them", () => {
    const digest = { snp_pcr08: [pcr8.pod2] };
    const lacks = withAttestationPolicy(STOCK_21, withValues({ ...digest, ...pcrs }));
    expect(explained(lacks)).toBe(`default/pod2 -> p2-secret/secret: DENIED
Because the attestation policy asks for snp_pcr12 too, which the reference values do not have, so no pod on az-snp-vtpm attests well.
  ✓ reference value     snp_pcr08 holds this digest
  ✗ other values        the attestation policy asks for snp_pcr12 too, which the reference values do not have, so no pod on az-snp-vtpm attests well
                        expected: snp_pcr03
                                  snp_pcr09
                                  snp_pcr11
                                  snp_pcr12
                        seen:     snp_pcr08, snp_pcr03, snp_pcr09, snp_pcr11
  ✓ policy              the policy grants the secret to this digest (pod2)
Next: Register the measurements of such a pod under snp_pcr12.`);
    const has = withAttestationPolicy(STOCK_21, withValues({ ...digest, ...boot }));
    expect(explained(has)).toBe(`default/pod2 -> p2-secret/secret: UNCERTAIN
Nothing is known to deny it, but the attestation policy asks for snp_pcr03, snp_pcr09, snp_pcr11, snp_pcr12 too; whether they match this pod's measurements is unknown.
  ✓ reference value     snp_pcr08 holds this digest
  ? other values        the attestation policy asks for snp_pcr03, snp_pcr09, snp_pcr11, snp_pcr12 too; whether they match this pod's measurements is unknown
  ✓ policy              the policy grants the secret to this digest (pod2)
Next: Try from the pod, which only attests well if all of them match: npx trustee-access verify.`);
    expect(explained(has, GIVEN)).toBe(`default/pod2 -> p2-secret/secret: ALLOWED
Because the pod attests well, and the policy grants the secret to this digest (pod2).
  ✓ reference value     snp_pcr08 holds this digest
  ✓ other values        the KBS has given this pod the secret, so snp_pcr03, snp_pcr09, snp_pcr11, snp_pcr12 match
  ✓ policy              the policy grants the secret to this digest (pod2)`);
  });

  it("asks for the digest where the attestation policy does", () => {
    const other = { snp_pcr08: [pcr8.pod1], other: [pcr8.pod2], ...boot };
    expect(explained(withAttestationPolicy(STOCK_21, withValues(other))))
      .toBe(`default/pod2 -> p2-secret/secret: DENIED
Because no reference value holds this digest, so the pod does not attest well.
  ✗ reference value     no reference value holds this digest, so the pod does not attest well
                        expected: ${pcr8.pod2} in snp_pcr08
                        seen:     1 other digests
  ? other values        the attestation policy asks for snp_pcr03, snp_pcr09, snp_pcr11, snp_pcr12 too; whether they match this pod's measurements is unknown
  ✓ policy              the policy grants the secret to this digest (pod2)
Next: Register the pod's digest: declare the pod in a stack, then run pulumi up.
Next: Try from the pod, which only attests well if all of them match: npx trustee-access verify.`);
  });

  it("does not deny a pod if the attestation policy is unknown", () => {
    expect(explained(unseen(withValues({ snp_pcr08: [pcr8.pod1] }))))
      .toBe(`default/pod2 -> p2-secret/secret: UNCERTAIN
Nothing is known to deny it, but no reference value holds this digest; whether the attestation policy asks for it is unknown.
  ? reference value     no reference value holds this digest; whether the attestation policy asks for it is unknown
                        expected: ${pcr8.pod2} in snp_pcr08
                        seen:     1 other digests
  ✓ other values        Trustee can read the other reference values of the pod's TEE
  ✓ policy              the policy grants the secret to this digest (pod2)
Next: Register the pod's digest: declare the pod in a stack, then run pulumi up.`);
  });
});

describe("lint of a pod with an unregistered digest", () => {
  const found = (text: string): readonly string[] =>
    lines(facts(withAttestationPolicy(text, withValues("[]")), [podFixture("pod2")]), "TA103");

  it("reports it only if the attestation policy requires the digest", () => {
    expect(found(STOCK_21)).toEqual([
      `warning TA103 Pod default/pod2: The pod's PCR8 ${pcr8.pod2} is in no reference value.`,
    ]);
    expect(found(stock("trustee-operator-v0.19.0"))).toEqual([]);
    expect(found(stock("trustee-operator-v0.18.0"))).toEqual([]);
  });
});
