import { describe, expect, it } from "vitest";
import type { LiveFacts } from "../../../cli/audit/facts.ts";
import type { PolicyQuestion } from "../../../cli/questions/questions.ts";
import { facts, healthyTrustee, pcr8 } from "../../fixtures/live-facts.ts";
import { lint } from "../../../cli/lint/lint.ts";
import { foreign, IMAGE_POLICY, lines, POLICY } from "./support.ts";

/** All findings but TA106 (what a pod needs to start), which has its own tests. */
const ofPolicy = (facts: LiveFacts): readonly string[] => lines(facts, /^(?!.*TA106)/);

const NOBODY = `error TA014 ${POLICY}, policy.rego: No pod that attests well gets any secret, in any path format.`;

describe("a foreign policy", () => {
  const isStranger = ({ token }: PolicyQuestion): boolean =>
    JSON.stringify(token).includes("affirming") && !JSON.stringify(token).includes("contraindicated");
  const asksFor = ({ data }: PolicyQuestion, secret: string): boolean =>
    JSON.stringify(data["resource-path"] ?? null).includes(secret);

  it("is reported as the stock one if every attested pod may read everything", () => {
    expect(ofPolicy(foreign("package policy", isStranger))).toEqual([
      `error TA001 ${POLICY}, policy.rego: The policy lets every attested pod read every secret, as Trustee's default policy does.`,
    ]);
  });

  it("is careless if pods read without attesting, or with one good submod", () => {
    expect(ofPolicy(foreign("package policy", (question) => asksFor(question, "fraud-dataset")))).toEqual([
      `error TA003 ${POLICY}, policy.rego: Pods that do not attest well, or not at all, may read "fraud-dataset".`,
      'warning TA005 Secret trustee-operator-system/fraud-dataset: Every attested pod may read "fraud-dataset".',
    ]);
    const cpuOnly = (question: PolicyQuestion): boolean =>
      asksFor(question, "fraud-dataset") && JSON.stringify(question.token).includes("affirming");
    expect(ofPolicy(foreign("package policy", cpuOnly))).toEqual([
      'warning TA005 Secret trustee-operator-system/fraud-dataset: Every attested pod may read "fraud-dataset".',
      `warning TA008 ${POLICY}, policy.rego: A pod whose CPU attests well and whose GPU does not may read "fraud-dataset".`,
    ]);
  });

  it("is careless if a pod that it names reads without attesting, or with one good submod", () => {
    const policy = `package policy\nallow if { is_p1; init_data == "${pcr8.pod1}" }\n`;
    const isPod1 = ({ token }: PolicyQuestion): boolean => JSON.stringify(token).includes(pcr8.pod1);
    const asks = (question: PolicyQuestion): boolean =>
      asksFor(question, "fraud-dataset") && isPod1(question);
    expect(ofPolicy(foreign(policy, asks))).toEqual([
      `error TA003 ${POLICY}, policy.rego: Pods that do not attest well, or not at all, may read "fraud-dataset".`,
    ]);
    const cpuOnly = (question: PolicyQuestion): boolean =>
      asks(question) && JSON.stringify(question.token).includes("affirming");
    expect(ofPolicy(foreign(policy, cpuOnly))).toEqual([
      `warning TA008 ${POLICY}, policy.rego: A pod whose CPU attests well and whose GPU does not may read "fraud-dataset".`,
    ]);
  });

  it("is tested with every key: one of the Secret, one that the policy names, and any other", () => {
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
      return lines(foreign(policy, says, { secrets }), "TA005");
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

  it("with very many digests is not tested with all of them, which a note reports", () => {
    const digests = Array.from({ length: 600 }, (_, at) => at.toString(16).padStart(64, "0"));
    const policy = `package policy\nx := [${digests.map((one) => `"${one}"`).join(", ")}]\n`;
    const notes = lines(foreign(policy), "TA007");
    expect(notes).toEqual([
      `note TA007 ${POLICY}, policy.rego: The policy was not evaluated for all of the digests that it names: 166 of 600 were tried for pods that do not attest well.`,
    ]);
  });

  it("that does not compile is an error for the KBS in use, a warning for a later one", () => {
    const failed = { failed: "policy", message: "`if` keyword is required before rule body" } as const;
    expect(ofPolicy(foreign("x", ({ syntax }) => (syntax === "v1" ? failed : false)))).toEqual([
      NOBODY,
      `warning TA002 ${POLICY}, policy.rego: KBS v0.17 and later cannot compile the policy: ${failed.message}.`,
    ]);
    expect(ofPolicy(foreign("x", () => failed))).toEqual([
      `error TA002 ${POLICY}, policy.rego: KBS up to v0.16 cannot compile the policy: ${failed.message}.`,
    ]);
  });

  it("that fails on normal requests is an error", () => {
    const failed = {
      failed: "evaluation",
      message: "split: operand 1 must be string but got array",
    } as const;
    expect(
      ofPolicy(foreign("x", ({ data }) => (typeof data["resource-path"] === "string" ? failed : false))),
    ).toEqual([
      `error TA006 ${POLICY}, policy.rego: The policy fails with an error on a normal request, for example for trustee-image-policy/policy: ${failed.message}.`,
      NOBODY,
    ]);
  });

  it("that allows a path in the other KBS's form is an error, any other malformed path a warning", () => {
    const onArray = (question: PolicyQuestion): boolean =>
      question.syntax === "v0" && Array.isArray(question.data["resource-path"]) && isStranger(question);
    expect(ofPolicy(foreign("x", onArray))).toEqual([
      `error TA004 ${POLICY}, policy.rego: With KBS up to v0.16, the policy lets a pod without grants read a restricted secret if the request has the path as KBS v0.17 and later hand it over, or one of 15 more such paths.`,
      NOBODY,
    ]);
    const onNothing = ({ data, syntax }: PolicyQuestion): boolean =>
      syntax === "v1" && Object.keys(data).length === 0;
    expect(ofPolicy(foreign("x", onNothing))).toEqual([
      NOBODY,
      `warning TA004 ${POLICY}, policy.rego: With KBS v0.17 and later, the policy lets a pod without grants read a restricted secret if the request has no path.`,
    ]);
  });

  it("is not judged without a Rego engine, unless it is this project's own", () => {
    const answers = { kind: "none", reason: "opa is not on PATH." } as const;
    const unjudged = `TA007 ${POLICY}, policy.rego: The policy was not evaluated: opa is not on PATH.`;
    expect(lines({ ...foreign("package policy", () => true), answers })).toEqual([`error ${unjudged}`]);
    expect(lines({ ...facts(), answers })).toEqual([IMAGE_POLICY, `note ${unjudged}`]);
  });

  it("shows without a Rego engine too what no engine can judge", () => {
    const answers = { kind: "none", reason: "opa is not on PATH." } as const;
    const text =
      'package policy\nallow if input.submods.cpu0["ear.veraison.annotated-evidence"].init_data_claims.a == 1';
    expect(lint({ ...foreign(text, () => true), answers }).map(({ id }) => id)).toEqual(["TA007", "TA013"]);
  });
});
