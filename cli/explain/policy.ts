import { affirmingToken } from "../../core/access/token.ts";
import { decide, type Decision } from "../../core/access/model.ts";
import { own } from "../../core/records.ts";
import { EVERY_KEY, listReaders } from "../../core/policy/grants.ts";
import { shownName } from "../../core/shown.ts";
import type { Condition, PolicyCell } from "./explanation.ts";
import type { TrusteeFacts } from "../audit/facts.ts";
import { failedCondition, foreignCondition, foreignTokens, LOWER_CASE, OTHER_CASE } from "./foreign.ts";
import { hasRegoLimits, limitText } from "../lint/nobody.ts";
import { namedClaims, type PodClaims } from "../audit/pod-claims.ts";
import { needQuestions, needsSide } from "../questions/pod-needs.ts";
import { differsInCase, type GeneratedPolicy } from "../audit/policy-text.ts";
import { answerOf, cellQuestion, kbsOf, type PolicyQuestion } from "../questions/questions.ts";
import { strangerToken } from "../questions/tokens.ts";
import { kbsKinds, liveGrants, livePolicy, type KbsKind } from "../audit/trustee-view.ts";

/**
 * The questions of `explain`: for the pod's claims, for other digests in the policy, and for what the pod
 * needs to start.
 */
export function explainQuestions(
  trustee: TrusteeFacts,
  claims: PodClaims | undefined,
  secret: string,
  key: string,
): readonly PolicyQuestion[] {
  const claimed = claims === undefined ? [] : namedClaims(claims);
  const tokens = [
    strangerToken,
    ...(liveGrants(trustee) === undefined
      ? foreignTokens(livePolicy(trustee).text ?? "", claimed)
      : claimed.map(({ value, binding }) => affirmingToken(value, binding))),
  ];
  const asked = kbsKinds(trustee).flatMap((kind) =>
    tokens.map((token) => cellQuestion(kind, { secret, key }, token)),
  );
  return [...asked, ...(claims === undefined ? [] : needQuestions(needsSide(trustee), claims))];
}

const policyWords: Readonly<Record<Decision["why"], string>> = {
  granted: "the policy grants the secret to this digest",
  "not-restricted": "no stack restricts this secret, so every pod that attests well may read it",
  "no-resource": "this is not a resource",
  "not-affirming": "the pod does not attest well",
  "not-a-reader": "the policy does not grant the secret to this pod's digest",
  "others-denied": "the policy denies every secret without a grant",
};

/** The answer of a policy of this project: by OPA, else by the model. */
function ownCondition(cell: PolicyCell, kind: KbsKind, generated: GeneratedPolicy): Condition {
  const { answers, claim, secret, key } = cell;
  const asked = cellQuestion(kind, { secret, key }, affirmingToken(claim.value, claim.binding));
  const answer = answerOf(answers, generated, asked);
  if (typeof answer === "object") return failedCondition(answer);
  const keys = own(generated.secrets, secret);
  const granted = [EVERY_KEY, key].flatMap((one) => listReaders(own(keys, one) ?? {}));
  const readers = new Map(granted.map(({ initData, reader }) => [initData, reader]));
  const { why } = decide(generated, asked.data, asked.token);
  if (answer === true) {
    const whose = why === "granted" ? ` (${shownName(readers.get(claim.value) ?? "")})` : "";
    return { id: "policy", status: "holds", detail: `${policyWords[why]}${whose}` };
  }
  const inOtherCase = [...readers.keys()].some((digest) => differsInCase(digest, claim.value));
  const expected = [...readers].map(([digest, whose]) => `${digest} (${shownName(whose)})`);
  return {
    id: "policy",
    status: "fails",
    detail: inOtherCase
      ? OTHER_CASE
      : readers.has(claim.value)
        ? `the policy grants the secret to this digest on another TEE than ${claim.binding}`
        : policyWords[why],
    expected: expected.length === 0 ? ["nobody"] : expected,
    seen: claim.value,
    next: inOtherCase
      ? LOWER_CASE
      : "If this pod should read the secret, add a grant to the stack's settings, then run pulumi up.",
  };
}

/** The policy grants the secret to this pod, with every KBS that this Trustee may run. */
export function policyCondition(cell: PolicyCell): Condition {
  const { trustee } = cell;
  const { map, key, text } = livePolicy(trustee);
  if (text === undefined) {
    const detail = `ConfigMap "${map}" has no policy under "${key}"`;
    return { id: "policy", status: "fails", detail, next: "Run pulumi up to restore the policy." };
  }
  const limit = limitText(text);
  const isLimited = limit === undefined ? false : hasRegoLimits(trustee);
  if (limit !== undefined && isLimited !== false) {
    const words = limit.words.replace(/^./, (first) => first.toLowerCase());
    const detail = `${words}: KBS v0.20 and later do not read it, and deny everything`;
    const next = `${limit.fix} For details, run: npx trustee-access lint.`;
    return { id: "policy", status: isLimited === true ? "fails" : "unknown", detail, next };
  }
  const generated = liveGrants(trustee);
  const answers = kbsKinds(trustee).map((kind) => ({
    kind,
    condition:
      generated === undefined ? foreignCondition(cell, kind, text) : ownCondition(cell, kind, generated),
  }));
  const [usual, ...others] = answers.map(({ condition }) => condition);
  if (usual !== undefined && others.every(({ status }) => status === usual.status)) return usual;
  const details = answers.map(({ kind, condition }) => `with ${kbsOf(kind)}, ${condition.detail}`);
  const detail = `it depends on the KBS's version, which is unknown: ${details.join("; ")}`;
  const next =
    "Find out which KBS runs, or write the policy so that both read it alike. For details, run: npx trustee-access lint.";
  return { id: "policy", status: "unknown", detail, next };
}
