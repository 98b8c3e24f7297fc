import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { placeText, type Finding } from "../../cli/lint/finding.ts";
import { generationFacts } from "../../core/trustee/generation.ts";
import type { Sandbox } from "../../sandbox/api.ts";
import { initdata, kbsPods, NAMESPACE, ownHome, pcr8, pod } from "../sandbox/live/support.ts";
import { command } from "../cli/support/run.ts";
import { tutorialByHand, tutorialPolicy } from "../cli/support/tutorial.ts";
import { configMapKey, patchKey, replaceKbsPods } from "./support/cluster.ts";
import type { Manifest } from "../../sandbox/trustee/manifests/objects.ts";
import { create, createSecret, field, patch, read, remove } from "./support/objects.ts";
import { takeSandbox } from "./support/shared-sandbox.ts";

let home: () => Promise<void>;
let folder = "";
beforeAll(async () => {
  home = await ownHome();
  folder = await mkdtemp(join(tmpdir(), "trustee-access-lint-"));
});
afterAll(async () => {
  await rm(folder, { recursive: true });
  await home();
});

interface Report {
  readonly ok: boolean;
  readonly generation: string;
  readonly pods?: number;
  readonly findings: readonly Finding[];
}

async function lint(
  sandbox: Sandbox,
  ...args: readonly string[]
): Promise<{ report: Report; exitCode: number }> {
  const { exitCode, stdout, stderr } = await command(sandbox, ["lint", "--json", ...args]);
  if (exitCode > 1) throw new Error(stderr);
  return { report: JSON.parse(stdout) as Report, exitCode };
}

/** One line per finding, without the texts that all findings of a rule share. */
function linesOf({ findings }: Report): readonly string[] {
  return findings.map(({ id, severity, where, what }) => `${severity} ${id} ${placeText(where)}: ${what}`);
}

async function lines(sandbox: Sandbox, ...args: readonly string[]): Promise<readonly string[]> {
  return linesOf((await lint(sandbox, ...args)).report);
}

const POLICY = `ConfigMap ${NAMESPACE}/trusteeconfig-resource-policy`;
const VALUES = `ConfigMap ${NAMESPACE}/trusteeconfig-rvps-reference-values`;
/** The digest that the sandbox registers at its start; no pod has it. */
const OTHERS = "6a1d4e0bd2a4c25d1e7b9e5d0a0bff7f5a3f0a2c4b8b1f36f0f1f1ce6f5b3d21";

function stale(key: string): string {
  return `warning TA102 ${VALUES}, ${key}: No running pod has the digest ${OTHERS}, which snp_pcr08 and tdx_pcr08 hold.`;
}

function stock(key: string): string {
  return `error TA001 ${POLICY}, ${key}: The policy lets every attested pod read every secret, as Trustee's default policy does.`;
}

const SAMPLE = `note TA005 Secret ${NAMESPACE}/kbsres1: Every attested pod may read "kbsres1", the operator's sample.`;
const IMAGE = `note TA005 Secret ${NAMESPACE}/trustee-image-policy: Every attested pod may read "trustee-image-policy", an image policy that pods need to start.`;

describe("lint of Trustee 0.18, with the tutorial done by hand,", () => {
  let sandbox: Sandbox;
  let digests: Readonly<Record<string, string>> = {};
  beforeAll(async () => {
    sandbox = await takeSandbox();
  });
  afterAll(async () => sandbox.stop());

  it("reports secrets open to every pod before the tutorial", async () => {
    await replaceKbsPods(sandbox);
    const { exitCode, report } = await lint(sandbox);
    expect({ exitCode, report }).toMatchObject({
      exitCode: 1,
      report: { ok: false, generation: "0.18", pods: 0 },
    });
    expect(linesOf(report)).toEqual([stock("policy.rego"), stale("reference-values.json")]);
  });

  it("reports what the tutorial's policy leaves open", async () => {
    digests = await tutorialByHand(sandbox);
    const { exitCode, report } = await lint(sandbox);
    expect({ exitCode, report }).toMatchObject({ exitCode: 0, report: { ok: true, pods: 3 } });
    expect(linesOf(report)).toEqual([
      `warning TA002 ${POLICY}, policy.rego: KBS v0.17 and later cannot compile the policy: \`if\` keyword is required before rule body.`,
      `warning TA004 ${POLICY}, policy.rego: With KBS up to v0.16, the policy lets a pod without grants read a restricted secret if the request has the path "default/fraud-dataset/dataset_key", or one of 11 more such paths.`,
      `warning TA008 ${POLICY}, policy.rego: A pod whose CPU attests well and whose GPU does not may read "kbsres1".`,
      stale("reference-values.json"),
      SAMPLE,
      IMAGE,
    ]);
  });

  it("fails from the given severity on, and writes SARIF and JUnit", async () => {
    const [sarif, junit] = [join(folder, "lint.sarif"), join(folder, "lint.xml")];
    const args = ["--fail-on", "warning", "--sarif", sarif, "--junit", junit];
    expect((await lint(sandbox, ...args)).exitCode).toBe(1);
    const { runs } = JSON.parse(await readFile(sarif, "utf8")) as {
      readonly runs: readonly { readonly results: readonly { readonly ruleId: string }[] }[];
    };
    expect(runs[0]?.results.map(({ ruleId }) => ruleId)).toEqual([
      ...["TA002", "TA004", "TA008", "TA102", "TA005", "TA005"],
    ]);
    expect(await readFile(junit, "utf8")).toContain('<testsuites name="lint" tests="36" failures="4">');
  });

  it("reports that it cannot evaluate the policy without OPA", async () => {
    const env = { TRUSTEE_ACCESS_OPA: "/nonexistent" };
    const { stdout } = await command(sandbox, ["lint", "--json"], { env });
    const { findings } = JSON.parse(stdout) as Report;
    expect(findings.map(({ id, severity }) => `${severity} ${id}`)).toEqual(["error TA007", "warning TA102"]);
  });

  it("reports all problems together", async () => {
    const host = field(await read(sandbox, "Route", "kbs-service"), "spec", "host");
    const stray = initdata("stray", host, "no certificate");
    await remove(sandbox, "Pod", "pod3", "default");
    const broken = JSON.stringify(pod("broken", "x")).replace(/"[A-Za-z0-9+/=]{20,}"/, '"AAAA"');
    await create(sandbox, pod("stray", stray), JSON.parse(broken) as Manifest);
    await replaceKbsPods(sandbox);
    const gone = [{ op: "add", path: "/spec/kbsSecretResources/-", value: "gone" }];
    await patch(sandbox, "KbsConfig", "trusteeconfig-kbs-config", gone);
    const map = "trusteeconfig-rvps-reference-values";
    const text = await configMapKey(sandbox, map, "reference-values.json");
    const values = JSON.parse(text) as { name: string; expiration: string }[];
    for (const entry of values) if (entry.name === "tdx_pcr08") entry.expiration = "2020-01-01T00:00:00Z";
    await patch(sandbox, "ConfigMap", map, {
      data: { "reference-values.json": JSON.stringify(values), reference_value: "{}" },
    });
    const [kbs = ""] = await kbsPods(sandbox);
    const pod3 = digests["pod3"] ?? "";
    expect(await lines(sandbox)).toEqual([
      `error TA301 KbsConfig ${NAMESPACE}/trusteeconfig-kbs-config, spec.kbsSecretResources: The KbsConfig lists Secret "gone", which does not exist.`,
      `warning TA002 ${POLICY}, policy.rego: KBS v0.17 and later cannot compile the policy: \`if\` keyword is required before rule body.`,
      `warning TA004 ${POLICY}, policy.rego: With KBS up to v0.16, the policy lets a pod without grants read a restricted secret if the request has the path "default/fraud-dataset/dataset_key", or one of 11 more such paths.`,
      `warning TA008 ${POLICY}, policy.rego: A pod whose CPU attests well and whose GPU does not may read "kbsres1".`,
      stale("reference-values.json"),
      `warning TA102 ${VALUES}, reference-values.json: No running pod has the digest ${pod3}, which snp_pcr08 and tdx_pcr08 hold.`,
      `warning TA103 Pod default/stray: The pod's PCR8 ${pcr8(stray)} is in no reference value.`,
      "warning TA104 Pod default/broken: The pod's initdata cannot be read: the annotation io.katacontainers.config.hypervisor.cc_init_data is base64, but of no gzip data.",
      `warning TA201 ${VALUES}, reference-values.json: tdx_pcr08 expired on 2020-01-01T00:00:00Z.`,
      `warning TA402 ${VALUES}, reference_value: The ConfigMap holds "reference_value" in addition to "reference-values.json"; this Trustee (0.18) mounts only "reference-values.json".`,
      `warning TA501 ${VALUES}: ${kbs} may have started before the last change of ConfigMap "trusteeconfig-rvps-reference-values".`,
      SAMPLE,
      IMAGE,
    ]);
    expect((await lines(sandbox, "--no-pods")).filter((line) => / TA1\d\d /.test(line))).toEqual([]);
    expect((await lint(sandbox, "--pods-namespace", "kube-system", NAMESPACE)).report.pods).toBe(0);
  });

  it.each([
    [
      ["--namespace", "elsewhere"],
      /There is no KbsConfig "trusteeconfig-kbs-config" in namespace "elsewhere"/,
    ],
    [["--kubeconfig", "/nonexistent"], /There is no kubeconfig at "\/nonexistent"/],
    [["--context", "other"], /The kubeconfig has no context "other"/],
    [["--sarif", "/nonexistent/file"], /Cannot write \/nonexistent\/file/],
    [["--stack", "none"], /The stack cannot be read/],
  ])(
    "exits with 2 if it cannot run: %j",
    async (args, message) => {
      const { exitCode, stderr, stdout } = await command(sandbox, ["lint", ...args]);
      expect({ exitCode, stdout }).toEqual({ exitCode: 2, stdout: "" });
      expect(stderr).toMatch(message);
    },
    60_000,
  );
});

/** The tutorial's policy as users migrate it: in Rego v1, with the path as an array or still split. */
function carriedOver(path: string): string {
  return `package policy
import rego.v1
default allow = false
path := ${path}
is_p2 if path[count(path) - 2] == "p2-secret"
allow if {
  is_p2
  input["submods"]["cpu0"]["ear.status"] == "affirming"
  input["submods"]["cpu0"]["ear.veraison.annotated-evidence"]["init_data"] == "${"a".repeat(64)}"
}
allow if {
  not is_p2
  input["submods"]["cpu0"]["ear.status"] == "affirming"
}
`;
}

describe("lint of Trustee 0.21", () => {
  const { policyKey } = generationFacts["0.21"];
  let sandbox: Sandbox;
  beforeAll(async () => {
    sandbox = await takeSandbox("0.21");
    await createSecret(sandbox, "p2-secret", { secret: "x" });
    const add = [{ op: "add", path: "/spec/kbsSecretResources/-", value: "p2-secret" }];
    await patch(sandbox, "KbsConfig", "trusteeconfig-kbs-config", add);
  });
  afterAll(async () => sandbox.stop());

  async function written(policy: string): Promise<readonly string[]> {
    await patchKey(sandbox, "trusteeconfig-resource-policy", policyKey, policy);
    return (await lines(sandbox)).filter((line) => line.includes(POLICY) && !line.includes("TA501"));
  }

  it("reports secrets open to every pod after the installation", async () => {
    const settled = async (): Promise<readonly string[]> =>
      (await lines(sandbox)).filter((line) => !line.includes("TA501"));
    // Waits until the operator has rolled out the new entry.
    await expect.poll(settled, { timeout: 60_000 }).toEqual([stock(policyKey), stale("reference_value")]);
  });

  it("reports open malformed paths with the tutorial's policy in the new syntax", async () => {
    expect(await written(carriedOver('data["resource-path"]'))).toEqual([
      `error TA004 ${POLICY}, ${policyKey}: With KBS v0.17 and later, the policy lets a pod without grants read a restricted secret if the request has the path as KBS up to v0.16 hand it over, or one of 18 more such paths.`,
      `warning TA008 ${POLICY}, ${policyKey}: A pod whose CPU attests well and whose GPU does not may read "attestation-status".`,
      `warning TA101 ${POLICY}, ${policyKey} line 9: No running pod has the digest ${"a".repeat(64)}, which the policy names.`,
    ]);
  });

  it("reports that a policy denies everything if it splits the path, which is an array", async () => {
    expect(await written(carriedOver('split(data["resource-path"], "/")'))).toEqual([
      `error TA006 ${POLICY}, ${policyKey}: The policy fails with an error on a normal request, for example for attestation-status/status: split: operand 1 must be string but got array.`,
      `error TA014 ${POLICY}, ${policyKey}: No pod that attests well gets any secret, in any path format.`,
      `warning TA101 ${POLICY}, ${policyKey} line 9: No running pod has the digest ${"a".repeat(64)}, which the policy names.`,
    ]);
  });

  it("reports that the tutorial's policy does not compile", async () => {
    const [one, two] = ["a".repeat(64), "b".repeat(64)];
    expect(await written(tutorialPolicy(one, two))).toEqual([
      `error TA002 ${POLICY}, ${policyKey}: KBS v0.17 and later cannot compile the policy: \`if\` keyword is required before rule body.`,
      `warning TA101 ${POLICY}, ${policyKey} line 5: No running pod has the digest ${one}, which the policy names.`,
      `warning TA101 ${POLICY}, ${policyKey} line 6: No running pod has the digest ${two}, which the policy names.`,
    ]);
  });

  it("reports that Trustee does not read the key of 0.18", async () => {
    const data = { [policyKey]: null, [generationFacts["0.18"].policyKey]: "package policy" };
    await patch(sandbox, "ConfigMap", "trusteeconfig-resource-policy", { data });
    expect((await lines(sandbox)).filter((line) => / TA4\d\d /.test(line))).toEqual([
      `error TA401 ${POLICY}: The ConfigMap has no key "${policyKey}", which this Trustee (0.21) mounts; it has "policy.rego", which only the other generation reads.`,
    ]);
  });
});
