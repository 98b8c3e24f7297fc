import TOML from "@iarna/toml";
import { describe, expect, it } from "vitest";
import { explain } from "../../../cli/explain/explain.ts";
import type { TrusteeFacts } from "../../../cli/audit/facts.ts";
import { startQuestions } from "../../../cli/lint/needs.ts";
import { lintQuestions, questionKey, type PolicyQuestion } from "../../../cli/questions/questions.ts";
import { encodeAnnotation } from "../../../core/initdata/annotation.ts";
import { initDataClaim } from "../../../core/initdata/binding.ts";
import { facts, healthyTrustee, podFixture } from "../../fixtures/live-facts.ts";
import { base, lines, withPolicy, withValues } from "../audit/support.ts";

/** As the field writes it: private registry, mirror, signatures, and a credential of the guest's. */
const CDH = `
[kbc]
name = "cc_kbc"
url = "https://kbs.example"

[[credentials]]
resource_uri = "kbs:///default/kms-cred/client"
path = "/run/confidential-containers/cdh/kbs/client.json"

[image]
image_security_policy_uri = "kbs:///default/trustee-image-policy/policy"
authenticated_registry_credentials_uri = "kbs:///default/regcred/dockerconfigjson"
registry_configuration_uri = "kbs:///default/registry-configuration/test"
sigstore_config_uri = "kbs:///default/sigstore-config/test"
`;

function podWith(cdh: string, aa = '[token_configs.kbs]\nurl = "https://kbs.example"\n') {
  const toml = TOML.stringify({
    algorithm: "sha256",
    version: "0.1.0",
    data: { "cdh.toml": cdh, "aa.toml": aa },
  });
  const digest = initDataClaim("azure-vtpm", "sha256", toml);
  return {
    pod: podFixture("pod3", { annotation: encodeAnnotation(toml) }),
    trustee: withValues({ snp_pcr08: [digest] }),
  };
}

/** All of them registered, of which one does not exist and another one lacks the key. */
const secrets: TrusteeFacts["secrets"] = [
  ...healthyTrustee.secrets,
  { name: "kms-cred", exists: true, keys: ["client"] },
  { name: "regcred", exists: false },
  { name: "registry-configuration", exists: true, keys: ["production"] },
  { name: "sigstore-config", exists: true },
];
const kbsConfig = { name: "trusteeconfig-kbs-config", secrets: secrets.map(({ name }) => name) };

/** What is found of what the pod needs. */
function found(cdh: string, changes: Partial<TrusteeFacts> = {}, aa?: string): readonly string[] {
  const { pod, trustee } = podWith(cdh, aa);
  return lines(facts({ ...trustee, ...changes }, [pod]), "TA106").map((line) =>
    line.replace("error TA106 Pod default/pod3: ", ""),
  );
}

describe("what a pod's guest needs to start", () => {
  it("must be registered with the KBS", () => {
    const missing = (need: string, secret: string): string =>
      `The pod cannot fetch its ${need}: KbsConfig "trusteeconfig-kbs-config" does not list "${secret}", so the KBS does not serve it.`;
    expect(found(CDH)).toEqual([
      missing('registry credentials "regcred/dockerconfigjson"', "regcred"),
      missing('registry configuration "registry-configuration/test"', "registry-configuration"),
      missing('sigstore configuration "sigstore-config/test"', "sigstore-config"),
      missing('credential "kms-cred/client"', "kms-cred"),
    ]);
  });

  it("must exist, with its key", () => {
    expect(found(CDH, { secrets, kbsConfig })).toEqual([
      'The pod cannot fetch its registry credentials "regcred/dockerconfigjson": there is no Secret "regcred" in namespace "trustee-operator-system".',
      'The pod cannot fetch its registry configuration "registry-configuration/test": Secret "registry-configuration" has no key "test" (it has "production").',
    ]);
  });

  const DENIED =
    'error TA106 Pod default/pod3: The pod cannot fetch its registry credentials "regcred/dockerconfigjson": the resource policy denies it to this pod.';
  it.each<[string, string, readonly string[]]>([
    ["", "", [DENIED]],
    [
      ", which looks at a measurement for another secret",
      'allow if { data["resource-path"] == ["default", "other", "k"]\n input.measurement }\n',
      [DENIED],
    ],
    [", but for one that looks at a measurement", "allow if input.measurement\n", []],
  ])("is evaluated with a foreign policy for the pod's own digest%s", (_what, rules, expected) => {
    const { pod, trustee } = podWith(CDH);
    const all = secrets.map(({ name }) => ({ name, exists: true }));
    const { policy } = withPolicy(`package policy\nimport rego.v1\n${rules}`);
    const given = facts({ ...trustee, policy, secrets: all, kbsConfig }, [pod]);
    const says = ({ data }: PolicyQuestion): boolean => !JSON.stringify(data).includes("regcred");
    const asked = [...lintQuestions(given.trustee), ...startQuestions(given.trustee, [pod])];
    const byQuestion = new Map(asked.map((one) => [questionKey(one), says(one)]));
    expect(lines({ ...given, answers: { kind: "answers", byQuestion } }, "TA106")).toEqual(expected);
  });

  it("is in its explanation, which is a denial only if the pod does not run", () => {
    const { pod, trustee: registered } = podWith(CDH);
    const trustee = { ...registered, secrets, kbsConfig };
    const startup = [
      'its registry credentials "regcred/dockerconfigjson": there is no Secret "regcred" in namespace "trustee-operator-system"',
      'its registry configuration "registry-configuration/test": Secret "registry-configuration" has no key "test" (it has "production")',
    ];
    const cell = { ...base, trustee, secret: "trustee-image-policy", key: "policy" };
    const runs = explain({ ...cell, pod });
    expect(runs.verdict).toBe("allowed");
    const waits = explain({ ...cell, pod: { ...pod, phase: "Pending", ready: false } });
    expect(waits.because).toBe(`Because ${startup[0] ?? ""} (and 2 more, below).`);
    for (const { conditions } of [runs, waits]) {
      expect(conditions.flatMap(({ id, detail }) => (id === "startup" ? [detail] : []))).toEqual(startup);
    }
  });

  it("is found even in a file that is partly unreadable, which is reported too", () => {
    const says = (problem: string): string =>
      `The pod's initdata does not lead its guest to a KBS: its cdh.toml is not TOML (${problem}), so the guest's Confidential Data Hub does not start: the pod gets no secret. Correct it.`;
    const regcred =
      'The pod cannot fetch its registry credentials "regcred/x": KbsConfig "trusteeconfig-kbs-config" does not list "regcred", so the KBS does not serve it.';
    const image = "[image]\nauthenticated_registry_credentials_uri = 'kbs:///default/regcred/x'\n";
    expect(found(`[kbc]\nurl = "http://wrong.example:8080\n${image}`)).toEqual([
      says("Unterminated string at row 2, col 33"),
      regcred,
    ]);
    expect(found(`[image]\n${image}`)).toEqual([
      says("Can't redefine existing key at row 2, col 7"),
      regcred,
    ]);
  });

  it("is not fetched if the guest has no KBS for its token, or the section is in the wrong file", () => {
    const none = "The pod's initdata does not lead its guest to a KBS: its aa.toml has";
    const fix =
      "no KBS (token_configs.kbs.url): the pod gets no secret. Add [token_configs.kbs] with its url.";
    expect(found("[kbc]\nurl = 'https://kbs.example'\n", {}, "[token_configs.coco_as]\nurl = 'x'\n")).toEqual(
      [`${none} only [token_configs.coco_as], and ${fix}`],
    );
    expect(found("[kbc]\nurl = 'https://kbs.example'\n", {}, "[image]\n")).toEqual([
      `${none} ${fix}`,
      "The pod's initdata does not lead its guest to a KBS: its [image] is in its aa.toml, where the guest does not read it. Move it into its cdh.toml.",
    ]);
  });
});
