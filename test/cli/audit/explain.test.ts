import { describe, expect, it } from "vitest";
import { explain, type CellFacts } from "../../../cli/explain/explain.ts";
import { explanationText } from "../../../cli/explain/explanation.ts";
import { readPodClaims, type PodClaims } from "../../../cli/audit/pod-claims.ts";
import { encodeAnnotation } from "../../../core/initdata/annotation.ts";
import { healthyTrustee, NOW, pcr8, podFixture, toml } from "../../fixtures/live-facts.ts";
import { base, explained, logOf, withOldKbs, withPolicy, withValues } from "./support.ts";

const pod2 = podFixture("pod2");
const LOG = `[2026-02-28T23:59:01Z ERROR kbs::error] PolicyDeny
[2026-02-28T23:59:01Z INFO actix_web::middleware::logger] 10.0.0.1 "GET /kbs/v0/resource/default/p2-secret/secret HTTP/1.1" 401 110 "-" "attestation-agent-kbs-client/0.1.0" 0.000695`;

describe("a denied cell", () => {
  it("is explained with the grants of the policy and the pod's own digest", () => {
    const explanation = explain({ ...base, log: [logOf(LOG)], declared: podFixture("pod3").annotation });
    expect(explanationText(explanation)).toBe(`default/pod3 -> p2-secret/secret: DENIED
Because the policy does not grant the secret to this pod's digest.

  ✓ pod                 Running since 2026-02-28T23:00:00Z
  ✓ initdata            PCR8 ${pcr8.pod3}, from the running pod's annotation
  ✓ as declared         the pod has the initdata that its stack declares
  ✓ unedited            the annotation is that of the pod's creation
  ✓ registered          KbsConfig "trusteeconfig-kbs-config" lists "p2-secret"
  ✓ exists              Secret "p2-secret" exists and has the key "secret"
  ✓ Trustee runs        trustee-deployment-1, since 2026-02-28T22:03:20Z
  ✓ Trustee up to date  every KBS pod is younger than the last change of policy, reference values and secret
  ✓ reference value     snp_pcr08 holds this digest
  ✓ other values        the attestation policy asks for no other reference value on az-snp-vtpm
  ✗ policy              the policy does not grant the secret to this pod's digest
                        expected: ${pcr8.pod2} (pod2)
                        seen:     ${pcr8.pod3}

KBS log: last answer, to this pod's address: denied by the policy
  ${LOG.split("\n").join("\n  ")}

Next: If this pod should read the secret, add a grant to the stack's settings, then run pulumi up.`);
  });

  it.each(
    Object.entries<readonly [Partial<CellFacts>, ...string[]]>({
      "a missing pod": [
        { pod: undefined },
        "denied: Because there is no such pod.",
        "pod fails",
        "Create the pod with pulumi up, or correct its name and namespace.",
      ],
      "an unregistered digest, which prevents the pod's start": [
        {
          pod: podFixture("pod2", { phase: "Pending", ready: false }),
          trustee: withValues({ snp_pcr08: ["a".repeat(64)] }),
        },
        "denied: Because no reference value holds this digest, so the pod does not attest well (and 1 more, below).",
        "pod fails",
        "reference fails",
        "Find out why: kubectl describe pod pod2 -n default. A guest does not start without its image policy from the KBS; the conditions below say whether it would get it.",
        "Register the pod's digest: declare the pod in a stack, then run pulumi up.",
      ],
      "a reference value in another case": [
        { pod: pod2, trustee: withValues({ snp_pcr08: [pcr8.pod2.toUpperCase()] }) },
        "denied: Because snp_pcr08 holds this digest only in another case: Trustee compares exactly, so the pod does not attest well.",
        "reference fails",
        "Write the digest in lower case in snp_pcr08.",
      ],
      "a reference value for another TEE": [
        {
          pod: podFixture("pod2", { machineType: "Standard_DC2es_v6" }),
          trustee: withValues({ snp_pcr08: [pcr8.pod2] }),
        },
        "denied: Because no reference value holds this digest, so the pod does not attest well.",
        "reference fails",
        "Register the pod's digest: declare the pod in a stack, then run pulumi up.",
      ],
      "an unregistered secret": [
        {
          pod: pod2,
          trustee: { ...healthyTrustee, kbsConfig: { name: "trusteeconfig-kbs-config", secrets: [] } },
        },
        'denied: Because KbsConfig "trusteeconfig-kbs-config" does not list "p2-secret", so the KBS does not serve it.',
        "startup fails",
        "registered fails",
        'Register it: declare "trustee-image-policy" in a stack, then run pulumi up.',
        "Declare the secret in a stack, then run pulumi up.",
      ],
      "a missing key": [
        { pod: pod2, key: "other" },
        'denied: Because Secret "p2-secret" has no key "other".',
        "exists fails",
        "Use a key that it has, or add the key.",
      ],
      "unreadable initdata": [
        { pod: podFixture("pod2", { annotation: "AAAA" }) },
        "denied: Because it cannot be read: the annotation io.katacontainers.config.hypervisor.cc_init_data is base64, but of no gzip data.",
        "initdata fails",
        "Recreate the annotation: compress the initdata document with gzip and encode it as base64. Then recreate the pod.",
      ],
      "a missing KBS": [
        { pod: pod2, trustee: { ...healthyTrustee, kbsPods: [] } },
        "denied: Because no pod of the KBS is ready.",
        "trustee fails",
        "Find out why: kubectl describe pods -n trustee-operator-system -l app=kbs",
      ],
    }),
  )("is explained by %s", (_, [changes, ...expected]) => {
    expect(explained(changes)).toEqual(expected);
  });
});

describe("an allowed cell", () => {
  const because = "allowed: Because the pod attests well, and";
  const granted = `${because} the policy grants the secret to this digest (pod2).`;

  it("is explained by the grant", () => {
    expect(explained({ pod: pod2 })).toEqual([granted]);
  });

  it("is explained by a secret that no stack restricts", () => {
    expect(explained({ secret: "trustee-image-policy", key: "policy" })).toEqual([
      `${because} no stack restricts this secret, so every pod that attests well may read it.`,
    ]);
  });

  it("has a note if the KBS's last answer to the pod was a denial", () => {
    expect(explained({ pod: pod2, log: [logOf(LOG)] })).toEqual([
      granted,
      "The KBS's log shows another answer, which may be older. Try again: npx trustee-access verify.",
    ]);
    const elsewhere = [logOf(LOG.replaceAll("10.0.0.1", "10.9.9.9"))];
    expect(explained({ pod: pod2, log: elsewhere })).toEqual([granted]);
  });
});

describe("an uncertain cell", () => {
  const changed =
    'uncertain: Nothing is known to deny it, but the KBS may not have read the last change of ConfigMap "trusteeconfig-resource-policy" (2026-02-28T21:46:40Z) and ConfigMap "trusteeconfig-rvps-reference-values" (2026-02-28T21:46:40Z): it has run since 2026-02-28T21:38:20Z.';
  const old = withOldKbs();
  const { kbsConfig, secrets } = old;

  it.each(
    Object.entries<readonly [Partial<CellFacts>, ...string[]]>({
      "the KBS may not have read the last change": [
        { trustee: old },
        changed,
        "current unknown",
        "Restart the KBS. pulumi up does this after its own changes; otherwise run: kubectl rollout restart deployment/trustee-deployment -n trustee-operator-system",
      ],
      "a missing Secret prevents all changes of the operator": [
        {
          trustee: {
            ...old,
            secrets: [...secrets, { name: "gone", exists: false }],
            kbsConfig: { ...kbsConfig, secrets: [...kbsConfig.secrets, "gone"] },
          },
        },
        changed,
        "current unknown",
        'Create Secret "gone", or remove it from the KbsConfig: until then, the operator changes nothing.',
      ],
      "the annotation may have been edited": [
        { pod: podFixture("pod2", { annotated: { at: NOW - 60, by: "kubectl-edit" } }) },
        "uncertain: Nothing is known to deny it, but kubectl-edit wrote the pod at 2026-02-28T23:59:00Z, after its start at 2026-02-28T23:00:00Z: if that changed the annotation, the guest still claims the previous one.",
        "unedited unknown",
        "Recreate the pod with the intended initdata.",
      ],
      "the policy could not be evaluated": [
        { trustee: withPolicy("package policy"), answers: { kind: "none", reason: "opa is not on PATH." } },
        "uncertain: Nothing is known to deny it, but the policy was not evaluated: opa is not on PATH.",
        "policy unknown",
        "Install OPA and run explain again.",
      ],
    }),
  )("is explained: %s", (_, [changes, ...expected]) => {
    expect(explained({ pod: pod2, ...changes })).toEqual(expected);
  });
});

describe("a pod on bare metal", () => {
  it("is recognised by a registered claim", () => {
    const claims = readPodClaims(podFixture("pod3")) as PodClaims;
    const hostData = claims.claims.snp ?? "";
    const { conditions } = explain({ ...base, trustee: withValues({ host_data: [hostData] }) });
    expect(conditions.find(({ id }) => id === "initdata")?.detail).toBe(
      `host data ${hostData}, from the running pod's annotation`,
    );
  });

  it("cannot have a PCR8 of a longer digest", () => {
    const annotation = encodeAnnotation(toml("pod2").replace("sha256", "sha384"));
    const { claims } = readPodClaims({ annotation }) as PodClaims;
    expect(Object.keys(claims)).toEqual(["snp", "tdx", "sample"]);
  });
});
