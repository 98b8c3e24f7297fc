import { readFileSync } from "node:fs";
import { beforeAll, describe, expect, it, vi } from "vitest";
import { askPolicy } from "../../../cli/live/ask-policy.ts";
import { explain } from "../../../cli/explain/explain.ts";
import { explainQuestions } from "../../../cli/explain/policy.ts";
import { explanationText } from "../../../cli/explain/explanation.ts";
import type { PodFacts, TrusteeFacts } from "../../../cli/audit/facts.ts";
import { placeText } from "../../../cli/lint/finding.ts";
import { lint } from "../../../cli/lint/lint.ts";
import { readPodClaims, type PodClaims } from "../../../cli/audit/pod-claims.ts";
import { lintQuestions } from "../../../cli/questions/questions.ts";
import { healthyTrustee, pcr8, podFixture } from "../../fixtures/live-facts.ts";
import { paddedBase64url } from "../../support/base64url.ts";
import { toolPath } from "../../support/tools.ts";

beforeAll(async () => {
  vi.stubEnv("TRUSTEE_ACCESS_OPA", await toolPath("opa"));
});

/**
 * Policies as people run them and as they are installed:
 * `path0`: https://github.com/confidential-containers/trustee/issues/1097; `vector`: charts that ask for the trust vector, e.g.
 * pmatouse/coco-pattern-edge-rtx6k; `redhat-restrictive`: openshift/trustee-operator v1.2.1; `ibm`:
 * confidential-containers/trustee-operator v0.21.0; `kbs-default`: confidential-containers/trustee v0.21.0.
 */
const stored = (name: string): string =>
  readFileSync(new URL(`../../fixtures/policies/${name}.rego`, import.meta.url), "utf8");

const rules = (text: string): string => `package policy\nimport rego.v1\ndefault allow := false\n${text}\n`;
const AFFIRMING = 'input.submods.cpu0["ear.status"] == "affirming"';

/** The healthy Trustee, as operator v0.21 makes it, with somebody else's policy. */
function trusteeWith(policy: string): TrusteeFacts {
  const list = JSON.parse(healthyTrustee.referenceValues?.data["reference-values.json"] ?? "") as {
    readonly name: string;
  }[];
  const map = list.map((entry) => [entry.name, paddedBase64url(JSON.stringify(entry))] as const);
  const { policy: _policy, referenceValues: _values, ...rest } = healthyTrustee;
  const common = { changedAt: healthyTrustee.now - 8000, resourceVersion: "100" };
  return {
    ...rest,
    seen: { policyKey: "resource-policy.rego", referenceValuesKey: "reference_value" },
    policy: { name: "trusteeconfig-resource-policy", data: { "resource-policy.rego": policy }, ...common },
    referenceValues: {
      name: "trusteeconfig-rvps-reference-values",
      data: { reference_value: JSON.stringify(Object.fromEntries(map)) },
      ...common,
    },
    kbsPods: rest.kbsPods.map((pod) => ({
      ...pod,
      configMapVersions: {
        "trusteeconfig-resource-policy": "100",
        "trusteeconfig-rvps-reference-values": "100",
      },
    })),
  };
}

/** Everything that lint says of the policy, with pod1 running. */
async function linted(policy: string): Promise<readonly string[]> {
  const trustee = trusteeWith(policy);
  const pods = [podFixture("pod1")];
  const answers = await askPolicy(trustee, lintQuestions(trustee, pods));
  return (
    lint({ trustee, pods, answers })
      // What such a policy keeps a pod from that starts again is another test's.
      .filter(({ id }) => id !== "TA102" && id !== "TA106")
      .map(({ id, severity, where, what }) =>
        `${severity} ${id} ${placeText(where)}: ${what}`.replaceAll(
          "trustee-operator-system/trusteeconfig-",
          "",
        ),
      )
  );
}

/**
 * Everything that explain says of pod1 and fraud-dataset, without what goes before the policy and is the
 * same.
 */
async function explained(policy: string, changes: Partial<PodFacts> = {}): Promise<string> {
  const trustee = trusteeWith(policy);
  const pod = podFixture("pod1", changes);
  const claims = readPodClaims(pod) as PodClaims;
  const answers = await askPolicy(trustee, explainQuestions(trustee, claims, "fraud-dataset", "dataset_key"));
  const cell = { trustee, podName: "default/pod1", pod, secret: "fraud-dataset", key: "dataset_key" };
  const text = explanationText(explain({ ...cell, answers, log: [] }));
  return text
    .replace(/\n {2}✓ pod [^]*?(?=\n {2}\S policy)/, "")
    .replace(/\nNext: Change the policy so that it gives "trustee-image-policy" to the pod\.(?=\n|$)/, "");
}

const P = "ConfigMap resource-policy, resource-policy.rego";
const NOBODY = `error TA014 ${P}: No pod that attests well gets any secret, in any path format.`;
const STOCK = `error TA001 ${P}: The policy lets every attested pod read every secret, as Trustee's default policy does.`;
const CPU_ALONE = `warning TA008 ${P}: A pod whose CPU attests well and whose GPU does not may read "trustee-image-policy".`;
const secret = (name: string): string => `Secret trustee-operator-system/${name}`;
const open = (who: string): readonly string[] => [
  `warning TA005 ${secret("fraud-dataset")}: ${who} may read "fraud-dataset".`,
  `warning TA005 ${secret("p2-secret")}: ${who} may read "p2-secret".`,
  `note TA005 ${secret("trustee-image-policy")}: ${who} may read "trustee-image-policy", an image policy that pods need to start.`,
];

const CELL = "default/pod1 -> fraud-dataset/dataset_key:";
const allowed = (why: string): string => `${CELL} ALLOWED
Because the pod attests well, and ${why}.

  ✓ policy              ${why}

KBS log: no request for this secret.`;
const denied = (why: string): string => `${CELL} DENIED
Because ${why}.

  ✗ policy              ${why}
                        seen:     ${pcr8.pod1}

KBS log: no request for this secret.

Next: If this pod should read the secret, change the policy, or grant the secret in a stack. That stack's pulumi up replaces this policy.`;
const uncertain = (why: string, next: string): string => `${CELL} UNCERTAIN
Nothing is known to deny it, but ${why}.

  ? policy              ${why}

KBS log: no request for this secret.

Next: ${next}`;

const BREAK = "Break the code into shorter lines. Comments may have any length.";
const unread = (why: string, fix: string): string => `${CELL} DENIED
Because ${why}: KBS v0.20 and later do not read it, and deny everything.

  ✗ policy              ${why}: KBS v0.20 and later do not read it, and deny everything

KBS log: no request for this secret.

Next: ${fix} For details, run: npx trustee-access lint.`;

const EVERYBODY = "the policy gives the secret to every pod that attests well";
const THIS_POD = "the policy gives the secret to this digest";
const NOT_NAMED = "the policy does not give the secret to this pod, nor to any digest that it names";
const NO_RULE = "the policy gives nothing to anybody: it has no rule allow in package policy";
const unjudged = (fields: string): readonly string[] => [
  `warning TA013 ${P}: The policy could not be fully judged: it uses ${fields}, whose values only a pod's own evidence has.`,
];
const notJudged = (fields: string): string =>
  uncertain(
    `the policy could not be fully judged: it uses ${fields}, whose values only a pod's own evidence has`,
    "Review these conditions by hand, and try from a pod: npx trustee-access verify.",
  );
const EVIDENCE = 'input.submods.cpu0["ear.veraison.annotated-evidence"]';
const IDENTIFIERS = 'input.submods.cpu0["ear.trustee.identifiers"]';

describe.each(
  Object.entries<readonly [string, readonly string[], string]>({
    "that compares path[0] with what path[1] is": [stored("policy-path0"), [NOBODY], denied(NOT_NAMED)],
    "of another package": [stored("policy-wrong-package"), [NOBODY], denied(NO_RULE)],
    "with a misspelt rule": [rules(`alow if ${AFFIRMING}`), [NOBODY], denied(NO_RULE)],
    "that denies all": ["package policy\ndefault allow = false\n", [NOBODY], denied(NO_RULE)],
    "with a misspelt status": [
      rules(`allow if ${AFFIRMING.replace("affirming", "affirmed")}`),
      [NOBODY],
      denied(NOT_NAMED),
    ],
    "that asks for the trust vector": [stored("policy-vector"), [STOCK], allowed(EVERYBODY)],
    "of Red Hat's operator, profile Restricted": [stored("redhat-restrictive"), [STOCK], allowed(EVERYBODY)],
    "of the KBS itself": [
      stored("kbs-default"),
      [
        STOCK,
        `error TA003 ${P}: Pods that do not attest well, or not at all, may read "trustee-image-policy", "fraud-dataset", "p2-secret".`,
      ],
      allowed(EVERYBODY),
    ],
    "for IBM SE, as the operator installs it": [
      stored("ibm"),
      unjudged('"attestation_phkh", "image_phkh", "tag", "version"'),
      notJudged('"attestation_phkh", "image_phkh", "tag", "version"'),
    ],
    "that asks for a measurement": [
      rules(`allow if { ${AFFIRMING}\n ${EVIDENCE}.snp.measurement == "00" }`),
      unjudged('"measurement"'),
      notJudged('"measurement"'),
    ],
    "that asks for a measurement, for another secret": [
      rules(
        `allow if ${AFFIRMING}\nallow if { data["resource-path"] == ["default", "p2-secret", "secret"]\n ${EVIDENCE}.snp.measurement == "00" }`,
      ),
      [STOCK, CPU_ALONE, ...unjudged('"measurement"')],
      allowed(EVERYBODY),
    ],
    "that asks for container images": [
      rules(`allow if "quay.io/a/b" in ${IDENTIFIERS}.validated.container_images`),
      unjudged('"ear.trustee.identifiers", "validated", "container_images"'),
      notJudged('"ear.trustee.identifiers", "validated", "container_images"'),
    ],
    "that denies by a field that no token has": [
      rules(`allow if { ${AFFIRMING}\n not input.submods.cpu0.revoked }`),
      [STOCK, CPU_ALONE, ...unjudged('"revoked"')],
      notJudged('"revoked"'),
    ],
    "that asks for PCR8 among the TEE's claims": [
      rules(`allow if { ${AFFIRMING}\n ${EVIDENCE}["az-snp-vtpm"].tpm.pcr08 == "${pcr8.pod1}" }`),
      [CPU_ALONE],
      allowed(THIS_POD),
    ],
    "for one TEE": [
      rules(`allow if { ${AFFIRMING}\n ${EVIDENCE}.se }`),
      open("Every attested pod on se"),
      denied(NOT_NAMED),
    ],
    "that asks for a GPU": [
      rules(`allow if { ${AFFIRMING}\n input.submods.gpu0["ear.status"] == "affirming" }`),
      open("Every attested pod with a GPU"),
      uncertain(
        "the answer depends on the pod's TEE, devices or trust vector, which are unknown: the policy allows the secret on az-snp-vtpm with a GPU or with several GPUs, and denies it on az-snp-vtpm without devices",
        "Try from the pod: npx trustee-access verify. If the pod is in a stack, name the stack to tell the TEE: --stack.",
      ),
    ],
    "with a line of code that is too long": [
      rules(`known := "${"a".repeat(1100)}"\nallow if ${AFFIRMING}`),
      [
        `error TA015 ${P} line 4: The policy's code has more than 1023 columns in line 4, which KBS v0.20 and later do not read.`,
      ],
      unread("the policy's code has more than 1023 columns in line 4", BREAK),
    ],
    "with several lines that are too long": [
      rules(`known := "${"a".repeat(1100)}"\n${" ".repeat(1100)}\nallow if ${AFFIRMING}`),
      [
        `error TA015 ${P} line 4: The policy's code has more than 1023 columns in lines 4, 5, which KBS v0.20 and later do not read.`,
      ],
      unread("the policy's code has more than 1023 columns in lines 4, 5", BREAK),
    ],
    "with too many lines": [
      rules(`${"\n".repeat(20_000)}allow if ${AFFIRMING}`),
      [
        `error TA015 ${P}: The policy has 20005 lines, more than 20000, which KBS v0.20 and later do not read.`,
      ],
      unread("the policy has 20005 lines, more than 20000", "Make the policy smaller. Comments count too."),
    ],
  }),
)("a policy %s", (_what, [policy, findings, explanation]) => {
  it("is linted", async () => {
    expect(await linted(policy)).toEqual(findings);
  });
  it("is explained", async () => {
    expect(await explained(policy)).toBe(explanation);
  });
});

it("explain names what the answer depends on for a pod whose TEE is unknown", async () => {
  const { annotation = "" } = podFixture("pod4");
  const policy = rules(`allow if { ${AFFIRMING}\n not ${EVIDENCE}.sample\n ${EVIDENCE}.init_data }`);
  const text = await explained(policy, { annotation, machineType: "unknown", runtimeClass: "kata" });
  expect(text.split("\n").at(3)).toBe(
    "  ? policy              the answer depends on the pod's TEE, devices or trust vector, which are unknown: the policy allows the secret on az-snp-vtpm, az-tdx-vtpm, snp, tdx, cca, and denies it on sample, se, csv",
  );
});

const CLAIMS = "init_data_claims";
describe.each<[string, string]>([
  ["a direct path", `allow if ${EVIDENCE}.${CLAIMS}["cdh.toml"].kbc.url == "x"`],
  ["a nested path", `allow if ${EVIDENCE}["${CLAIMS}"]["aa.toml"].token_configs.kbs.url == "x"`],
  ["some k", `allow if { some k\n input.submods[k][_].${CLAIMS}["policy.rego"] == "x" }`],
  ["a member by its key", `allow if { some k, v in ${EVIDENCE}\n k == "${CLAIMS}"\n v != {} }`],
  ["object.get", `allow if object.get(${EVIDENCE}, "${CLAIMS}", {}) != {}`],
  ["any submod", `allow if input.submods[_][_]["${CLAIMS}"]["cdh.toml"].name == "x"`],
  ["with", `good if input.x == "y"\nallow if good with input as {"x": ${EVIDENCE}.${CLAIMS}["a"]}`],
  ["else", `allow := false if ${EVIDENCE}.${CLAIMS}["aa.toml"] else := true if ${AFFIRMING}`],
  ["a negation", `allow if { ${AFFIRMING}\n not ${EVIDENCE}.${CLAIMS}["aa.toml"] }`],
])("a policy that reads the initdata's content by %s", (_what, policy) => {
  it("is not judged by lint", async () => {
    const found = await linted(rules(policy));
    expect(found.filter((line) => line.includes(" TA013 "))).toEqual([
      expect.stringContaining(`"${CLAIMS}"`),
    ]);
    expect(found).not.toContain(NOBODY);
  });
  it("is not judged by explain", async () => {
    const text = await explained(rules(policy));
    expect(text).toContain(
      `${CELL} UNCERTAIN\nNothing is known to deny it, but the policy could not be fully judged`,
    );
    expect(text).toContain(`"${CLAIMS}"`);
  });
});
