import { describe, expect, it } from "vitest";
import { explain, type CellFacts } from "../../../cli/explain/explain.ts";
import { explainQuestions } from "../../../cli/explain/policy.ts";
import type { PolicyAnswer, RegoSyntax, TrusteeFacts } from "../../../cli/audit/facts.ts";
import { readPodClaims, type PodClaims } from "../../../cli/audit/pod-claims.ts";
import { questionKey } from "../../../cli/questions/questions.ts";
import { pcr8, podFixture } from "../../fixtures/live-facts.ts";
import { base, withPolicy } from "./support.ts";

const CHANGE =
  "If this pod should read the secret, change the policy, or grant the secret in a stack. That stack's pulumi up replaces this policy.";

describe("a foreign policy", () => {
  const named = withPolicy(
    `package policy\nallow { init_data == "${pcr8.pod1}" }\nallow { init_data == "${pcr8.pod2}" }\n`,
  );

  function answered(
    says: (claim: string, syntax: RegoSyntax) => PolicyAnswer,
    trustee: TrusteeFacts = named,
  ): Partial<CellFacts> {
    const claims = readPodClaims(podFixture("pod3")) as PodClaims;
    const asked = explainQuestions(trustee, claims, "p2-secret", "secret");
    const byQuestion = new Map(
      asked.map((question): [string, PolicyAnswer] => {
        const claim = /"init_data":"(\w+)"/.exec(JSON.stringify(question.token))?.[1] ?? "";
        return [questionKey(question), says(claim, question.syntax)];
      }),
    );
    return { trustee, answers: { kind: "answers", byQuestion } };
  }

  it("is explained with the digests that get the secret", () => {
    const { conditions } = explain({ ...base, ...answered((claim) => claim === pcr8.pod2) });
    expect(conditions.at(-1)).toEqual({
      id: "policy",
      status: "fails",
      detail: "the policy gives the secret to other digests, not to this pod's",
      expected: [`${pcr8.pod2} (line 3 of the policy)`],
      seen: pcr8.pod3,
      next: CHANGE,
    });
  });

  it("is uncertain if the possible KBS versions of this Trustee read it differently", () => {
    const older = answered((claim, syntax) => syntax === "v0" && claim === pcr8.pod3);
    const { verdict: said, conditions } = explain({ ...base, ...older });
    expect({ said, policy: conditions.at(-1) }).toEqual({
      said: "uncertain",
      policy: {
        id: "policy",
        status: "unknown",
        detail:
          "it depends on the KBS's version, which is unknown: with KBS up to v0.16, the policy gives the secret to this digest; with KBS v0.17 and later, the policy does not give the secret to this pod, nor to any digest that it names",
        next: "Find out which KBS runs, or write the policy so that both read it alike. For details, run: npx trustee-access lint.",
      },
    });
  });

  it("denies a digest that it names in another case", () => {
    const upper = pcr8.pod3.toUpperCase();
    const trustee = withPolicy(`package policy\nallow { init_data == "${upper}" }\n`);
    const { conditions } = explain({ ...base, ...answered((claim) => claim === upper, trustee) });
    expect(conditions.at(-1)).toMatchObject({
      status: "fails",
      detail:
        "the policy names this digest, but it differs in case only: Trustee compares exactly, and claims are in lower case",
      expected: [`${upper} (line 2 of the policy)`],
      seen: pcr8.pod3,
    });
  });

  it("may give it to all pods, to none, or fail with an error", () => {
    const last = (says: (claim: string) => PolicyAnswer): unknown => {
      const { conditions } = explain({ ...base, ...answered(says) });
      const { status, detail } = conditions.at(-1) ?? {};
      return [status, detail];
    };
    expect(last(() => true)).toEqual(["holds", "the policy gives the secret to every pod that attests well"]);
    expect(last(() => false)).toEqual([
      "fails",
      "the policy does not give the secret to this pod, nor to any digest that it names",
    ]);
    expect(last(() => ({ failed: "evaluation", message: "split: operand 1" }))).toEqual([
      "fails",
      "the policy cannot be evaluated, so the KBS denies: split: operand 1",
    ]);
  });
});
