import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { judgeDenial, parseKbsLine } from "../../cli/audit/kbs-log.ts";
import { appraise } from "../../sandbox/trustee/standin/appraisal.ts";
import { Kbs, kbsPaths } from "../../sandbox/trustee/standin/kbs.ts";
import { beyondLimits } from "../../sandbox/trustee/standin/regorus.ts";
import { sharedFolder } from "../support/folders.ts";

const folder = sharedFolder();

const id = { repository: "default", type: "p2-secret", tag: "secret" };
const PATH = "resource/default/p2-secret/secret";

const POLICY = readFileSync("sandbox/trustee/manifests/attestation-policy.rego", "utf8");

/** The logged requests of a guest. KBS v0.21 without a resource policy denies without OPA. */
async function loggedRequests(referenceValues: string, attestationPolicy = POLICY) {
  const { referenceValues: file, attestationPolicy: policyFile } = kbsPaths["0.21"];
  const logFile = join(folder, "kbs.log");
  const files = new Map([
    [file, Buffer.from(referenceValues)],
    [policyFile, Buffer.from(attestationPolicy)],
  ]);
  const kbs = new Kbs(files, { generation: "0.21", resourcePath: "array", opa: "", logFile });
  expect(await kbs.getResource({ tee: "snp", pcr8: "aa" }, "10.0.0.1", id)).toBeUndefined();
  const events = kbs.lines.flatMap(({ text }) => parseKbsLine(text) ?? []);
  const { reason, sure } = judgeDenial(events, PATH, { complete: true, address: "10.0.0.1" });
  expect(readFileSync(logFile, "utf8")).toContain(kbs.lines.map(({ text }) => `${text}\n`).join(""));
  const seen = events.map((event) => (event.kind === "error" ? event.name : `${event.path} ${event.status}`));
  return [...seen, reason, sure];
}

test("a guest requests without a token, attests, and requests again", async () => {
  expect(await loggedRequests("{}")).toEqual([
    ...["TokenNotFound", `${PATH} 401`, "auth 200", "attest 200", "PolicyDeny", `${PATH} 401`],
    ...["policy-denied", true],
  ]);
});

test("a guest whose attestation fails does not request again", async () => {
  expect(await loggedRequests("[]")).toEqual([
    ...["TokenNotFound", `${PATH} 401`, "auth 200", "AttestationError", "attest 401"],
    ...["attestation-failed", true],
  ]);
});

test("a guest is appraised by the installed attestation policy's conditions, as by a real KBS", () => {
  const stock = (name: string): string => readFileSync(`test/fixtures/attestation/${name}.rego`, "utf8");
  const status = (policy: string, values: Readonly<Record<string, readonly string[]>>): unknown =>
    appraise({ tee: "snp", pcr8: "aa" }, policy, (name) => values[name] ?? null).executables;
  const pcr8 = { snp_pcr08: ["aa"] };
  expect(status(POLICY, pcr8)).toBe(3);
  expect(status(POLICY, { tdx_pcr08: ["aa"] })).toBe(33);
  // They check PCR 3, 9, 11 and 12 too. Operator v0.18 and Red Hat's v1.1 use a TEE name that no KBS has.
  const names = ["trustee-operator-v0.21.0", "trustee-operator-v0.18.0", "redhat-v1.1.0"];
  expect(names.map((name) => status(stock(name), pcr8))).toEqual([33, 33, 33]);
});

test("a guest is never affirmed by a policy with conditions that the stand-in does not evaluate", () => {
  const hardware = (condition: string, tee: "snp" | "tdx" = "snp"): number =>
    appraise({ tee, pcr8: "aa" }, `${POLICY}\nhardware := 3 if {\n  ${condition}\n}\n`, () => ["aa"])
      .hardware;
  const more = 'input["az-snp-vtpm"].reported_tcb_snp in query_reference_value("tcb_snp")';
  expect(hardware(more)).toBe(97);
  expect(hardware('input["az-snp-vtpm"].policy_debug_allowed == false')).toBe(97);
  expect(hardware('snp := input["az-snp-vtpm"]; snp.measurement in query_reference_value("m")')).toBe(97);
  expect(hardware(more, "tdx")).toBe(2);
  expect(hardware(`# ${more}`)).toBe(2);
  expect(hardware('input["az-snp-vtpm"].tpm.pcr03 in query_reference_value("snp_pcr03")')).toBe(2);
  expect(hardware('input["az-snp-vtpm"]')).toBe(2);
});

test("KBS v0.21 rejects a policy beyond its engine's limits", () => {
  const long = `x := "${"a".repeat(1100)}"`;
  const limit = (policy: string): number | undefined => beyondLimits("v0.21", policy)?.row;
  expect(limit(`package policy\n${long}\n`)).toBe(2);
  expect(limit(`package policy\n# ${long}\nx := 1 # ${long}\n`)).toBeUndefined();
  expect(limit(`package policy\nx := "#${"a".repeat(1100)}"\n`)).toBe(2);
  expect(limit(`package policy\n${"\n".repeat(19_998)}`)).toBeUndefined();
  expect(limit(`package policy\n${"\n".repeat(20_001)}`)).toBe(20_000);
  expect(limit(`package policy\n# ${"a".repeat(1_048_576)}`)).toBe(1);
  expect(beyondLimits("v0.18", `package policy\n${long}\n`)).toBeUndefined();
});
