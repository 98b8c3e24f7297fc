import { describe, expect, it } from "vitest";
import { explain, type CellFacts } from "../../../cli/explain/explain.ts";
import { explanationText } from "../../../cli/explain/explanation.ts";
import { readPodClaims, type PodClaims } from "../../../cli/audit/pod-claims.ts";
import { encodeAnnotation } from "../../../core/initdata/annotation.ts";
import { healthyTrustee, NOW, pcr8, podFixture, referenceValues, toml } from "../../fixtures/live-facts.ts";
import { base, logOf, withValues } from "./support.ts";

function text(changes: Partial<CellFacts>): string {
  return explanationText(explain({ ...base, ...changes }));
}

/** What does not hold, with the verdict and the next steps: all that a case changes. */
function verdict(changes: Partial<CellFacts>): unknown {
  const { verdict: said, because, conditions, next } = explain({ ...base, ...changes });
  const amiss = conditions.filter(({ status }) => status !== "holds");
  return { said, because, amiss: amiss.map(({ id, status }) => `${id} ${status}`), next };
}

const LOG = `[2026-02-28T23:59:01Z ERROR kbs::error] PolicyDeny
[2026-02-28T23:59:01Z INFO actix_web::middleware::logger] 10.0.0.1 "GET /kbs/v0/resource/default/p2-secret/secret HTTP/1.1" 401 110 "-" "attestation-agent-kbs-client/0.1.0" 0.000695`;

describe("a denied cell", () => {
  it("is explained by what the policy grants, against the pod's own digest", () => {
    expect(text({ log: [logOf(LOG)], declared: podFixture("pod3").annotation }))
      .toBe(`default/pod3 -> p2-secret/secret: DENIED
Because this pod's digest is not among those that the policy grants the secret to.

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
  ✗ policy              this pod's digest is not among those that the policy grants the secret to
                        expected: ${pcr8.pod2} (pod2)
                        seen:     ${pcr8.pod3}

KBS log: last answer, to this pod's address: denied by the policy
  ${LOG.split("\n").join("\n  ")}

Next: If this pod should read it, grant it: add a grant to the stack's settings, then run pulumi up.`);
  });

  it.each<[string, Partial<CellFacts>, unknown]>([
    [
      "no such pod",
      { pod: undefined },
      {
        said: "denied",
        because: "Because there is no such pod.",
        amiss: ["pod fails"],
        next: ["Create the pod with pulumi up, or correct its name and namespace."],
      },
    ],
    [
      "a pod that does not start, since its digest is not registered",
      {
        pod: podFixture("pod2", { phase: "Pending", ready: false }),
        trustee: withValues(referenceValues([["snp_pcr08", "2035-01-01T00:00:00Z", ["a".repeat(64)]]])),
      },
      {
        said: "denied",
        because:
          "Because no reference value holds this digest, so the pod does not attest well (and 1 more, below).",
        amiss: ["pod fails", "reference fails"],
        next: [
          "Find out why: kubectl describe pod pod2 -n default. A guest does not start without its image policy from the KBS; the conditions below say whether it would get it.",
          "Register the pod's digest: declare the pod in a stack, then run pulumi up.",
        ],
      },
    ],
    [
      "a reference value in another case",
      {
        pod: podFixture("pod2"),
        trustee: withValues(
          referenceValues([["snp_pcr08", "2035-01-01T00:00:00Z", [pcr8.pod2.toUpperCase()]]]),
        ),
      },
      {
        said: "denied",
        because:
          "Because snp_pcr08 holds this digest only in another case: Trustee compares exactly, so the pod does not attest well.",
        amiss: ["reference fails"],
        next: ["Write the digest in lower case in snp_pcr08."],
      },
    ],
    [
      "a reference value for another TEE",
      {
        pod: podFixture("pod2", { machineType: "Standard_DC2es_v6" }),
        trustee: withValues(referenceValues([["snp_pcr08", "2035-01-01T00:00:00Z", [pcr8.pod2]]])),
      },
      {
        said: "denied",
        because: "Because no reference value holds this digest, so the pod does not attest well.",
        amiss: ["reference fails"],
        next: ["Register the pod's digest: declare the pod in a stack, then run pulumi up."],
      },
    ],
    [
      "a secret that is not registered",
      {
        pod: podFixture("pod2"),
        trustee: { ...healthyTrustee, kbsConfig: { name: "trusteeconfig-kbs-config", secrets: [] } },
      },
      {
        said: "denied",
        because:
          'Because KbsConfig "trusteeconfig-kbs-config" does not list "p2-secret", so the KBS does not serve it.',
        amiss: ["startup fails", "registered fails"],
        next: [
          'Register it: declare "trustee-image-policy" in a stack, then run pulumi up.',
          "Declare the secret in a stack, then run pulumi up.",
        ],
      },
    ],
    [
      "a key that the secret does not have",
      { pod: podFixture("pod2"), key: "other" },
      {
        said: "denied",
        because: 'Because Secret "p2-secret" has no key "other".',
        amiss: ["exists fails"],
        next: ["Use a key that it has, or add the key."],
      },
    ],
    [
      "initdata that cannot be read",
      { pod: podFixture("pod2", { annotation: "AAAA" }) },
      {
        said: "denied",
        because:
          "Because it cannot be read: the annotation io.katacontainers.config.hypervisor.cc_init_data is base64, but of no gzip data.",
        amiss: ["initdata fails"],
        next: [
          "Recreate the annotation: compress the initdata document with gzip and encode it as base64. Then recreate the pod.",
        ],
      },
    ],
    [
      "no KBS",
      { pod: podFixture("pod2"), trustee: { ...healthyTrustee, kbsPods: [] } },
      {
        said: "denied",
        because: "Because no pod of the KBS is ready.",
        amiss: ["trustee fails"],
        next: ["Find out why: kubectl describe pods -n trustee-operator-system -l app=kbs"],
      },
    ],
  ])("is explained by %s", (_, changes, expected) => {
    expect(verdict(changes)).toEqual(expected);
  });
});

describe("an allowed cell", () => {
  it("is explained by the grant", () => {
    const pod = podFixture("pod2");
    expect(verdict({ pod })).toEqual({
      said: "allowed",
      because: "Because the pod attests well, and the policy grants the secret to this digest (pod2).",
      amiss: [],
      next: [],
    });
  });

  it("is explained by a secret that no stack restricts", () => {
    expect(verdict({ secret: "trustee-image-policy", key: "policy" })).toEqual({
      said: "allowed",
      because:
        "Because the pod attests well, and no stack restricts this secret, so every pod that attests well may read it.",
      amiss: [],
      next: [],
    });
  });

  it("is doubted where the pod's own last answer was a denial", () => {
    expect(verdict({ pod: podFixture("pod2"), log: [logOf(LOG)] })).toMatchObject({
      said: "allowed",
      next: ["The KBS's log shows another answer, which may be older. Try again: npx trustee-access verify."],
    });
    const elsewhere = [logOf(LOG.replaceAll("10.0.0.1", "10.9.9.9"))];
    expect(verdict({ pod: podFixture("pod2"), log: elsewhere })).toMatchObject({ said: "allowed", next: [] });
  });
});

describe("an uncertain cell", () => {
  const [kbs] = healthyTrustee.kbsPods;
  const old = { ...kbs, createdAt: NOW - 8500 } as CellFacts["trustee"]["kbsPods"][number];

  it("is one where the KBS may not have read the last change", () => {
    expect(verdict({ pod: podFixture("pod2"), trustee: { ...healthyTrustee, kbsPods: [old] } })).toEqual({
      said: "uncertain",
      because:
        'Nothing is known to deny it, but the KBS may not have read the last change of ConfigMap "trusteeconfig-resource-policy" (2026-02-28T21:46:40Z) and ConfigMap "trusteeconfig-rvps-reference-values" (2026-02-28T21:46:40Z): it has run since 2026-02-28T21:38:20Z.',
      amiss: ["current unknown"],
      next: [
        "Restart the KBS. pulumi up does this after its own changes; otherwise run: kubectl rollout restart deployment/trustee-deployment -n trustee-operator-system",
      ],
    });
  });

  it("names the missing Secret that keeps the operator from anything", () => {
    const trustee = {
      ...healthyTrustee,
      kbsPods: [old],
      secrets: [...healthyTrustee.secrets, { name: "gone", exists: false }],
      kbsConfig: { ...healthyTrustee.kbsConfig, secrets: [...healthyTrustee.kbsConfig.secrets, "gone"] },
    };
    expect(verdict({ pod: podFixture("pod2"), trustee })).toMatchObject({
      next: [
        'Create Secret "gone", or remove it from the KbsConfig: until then, the operator changes nothing.',
      ],
    });
  });

  it("is one whose annotation may have been edited", () => {
    const pod = podFixture("pod2", { annotated: { at: NOW - 60, by: "kubectl-edit" } });
    expect(verdict({ pod })).toMatchObject({
      said: "uncertain",
      amiss: ["unedited unknown"],
      next: ["Recreate the pod with the intended initdata."],
    });
  });

  it("is one whose policy could not be evaluated", () => {
    const trustee = {
      ...healthyTrustee,
      policy: {
        name: "p",
        changedAt: NOW - 8000,
        resourceVersion: "1",
        data: { "policy.rego": "package policy" },
      },
    };
    const answers = { kind: "none", reason: "opa is not on PATH." } as const;
    expect(verdict({ pod: podFixture("pod2"), trustee, answers })).toEqual({
      said: "uncertain",
      because: "Nothing is known to deny it, but the policy was not evaluated: opa is not on PATH.",
      amiss: ["policy unknown"],
      next: ["Install OPA and run explain again."],
    });
  });
});

describe("a pod on bare metal", () => {
  it("is known by a registered claim", () => {
    const claims = readPodClaims(podFixture("pod3")) as PodClaims;
    const hostData = claims.claims.snp ?? "";
    const trustee = withValues(referenceValues([["host_data", "2035-01-01T00:00:00Z", [hostData]]]));
    const { conditions } = explain({ ...base, pod: podFixture("pod3"), trustee });
    expect(conditions.find(({ id }) => id === "initdata")?.detail).toBe(
      `host data ${hostData}, from the running pod's annotation`,
    );
  });

  it("cannot have a PCR8 of a longer digest", () => {
    const annotation = encodeAnnotation(toml("pod2").replace("sha256", "sha384"));
    expect(Object.keys((readPodClaims({ annotation }) as PodClaims).claims)).toEqual([
      "snp",
      "tdx",
      "sample",
    ]);
  });
});
