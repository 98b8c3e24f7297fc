import { affirmingToken } from "../access/matrix.ts";
import { decide, type Decision } from "../access/model.ts";
import { EVERY_KEY } from "../policy/grants.ts";
import type { Condition } from "./explanation.ts";
import type { PolicyAnswers, TrusteeFacts } from "./facts.ts";
import type { NamedClaim, PodClaims } from "./pod-claims.ts";
import { namedClaims } from "./pod-claims.ts";
import { digestsInPolicy, readGenerated } from "./policy-text.ts";
import { answerOf, kbsKinds, requestData, strangerToken, type PolicyQuestion } from "./questions.ts";
import { generationOf, livePolicy } from "./trustee-view.ts";

/** More digests than these are not asked about one by one. */
const MOST_DIGESTS = 200;

function question(trustee: TrusteeFacts, secret: string, key: string, input: unknown): PolicyQuestion {
  const [kind] = kbsKinds(generationOf(trustee));
  return { syntax: kind.syntax, data: requestData(kind.shape, secret, key), input };
}

/** What `explain` asks the policy: for the pod's claims, for every digest that it names, and for a stranger. */
export function explainQuestions(
  trustee: TrusteeFacts,
  claims: PodClaims | undefined,
  secret: string,
  key: string,
): readonly PolicyQuestion[] {
  const { text = "" } = livePolicy(trustee);
  const own = claims === undefined ? [] : namedClaims(claims).map(({ value }) => value);
  const named = digestsInPolicy(text).map(({ digest }) => digest);
  const digests = [...new Set([...own, ...named.slice(0, MOST_DIGESTS)])];
  return [strangerToken, ...digests.map((digest) => affirmingToken(digest))].map((input) =>
    question(trustee, secret, key, input),
  );
}

/** The digests that the policy gives the secret to, each with whose it is, where the policy says that. */
export function readersOf(
  trustee: TrusteeFacts,
  answers: PolicyAnswers,
  secret: string,
  key: string,
): ReadonlyMap<string, string> {
  const { text } = livePolicy(trustee);
  if (text === undefined) return new Map();
  const generated = readGenerated(text);
  if (generated !== undefined) {
    const keys = Object.hasOwn(generated.secrets, secret) ? generated.secrets[secret] : undefined;
    const readers = [EVERY_KEY, key].flatMap((one) =>
      Object.entries(keys !== undefined && Object.hasOwn(keys, one) ? (keys[one] ?? {}) : {}),
    );
    return new Map(readers);
  }
  const granted = digestsInPolicy(text).filter(
    ({ digest }) => answerOf(answers, text, question(trustee, secret, key, affirmingToken(digest))) === true,
  );
  return new Map(granted.map(({ digest, line }) => [digest, `line ${line} of the policy`]));
}

const decisionWords: Readonly<Record<Decision["why"], string>> = {
  granted: "the policy grants the secret to this digest",
  "not-restricted": "nobody restricts this secret, so every pod that attests well may read it",
  "no-resource": "this is no resource",
  "not-affirming": "the pod does not attest well",
  "not-a-reader": "this pod's digest is not among those that the policy grants the secret to",
  "others-denied": "the policy denies every secret that nobody is granted",
};

/** The policy gives the secret to this pod, if it attests well. */
export function policyCondition(
  trustee: TrusteeFacts,
  answers: PolicyAnswers,
  claim: NamedClaim,
  secret: string,
  key: string,
): Condition {
  const { map, key: mapKey, text } = livePolicy(trustee);
  if (text === undefined) {
    return {
      id: "policy",
      status: "fails",
      detail: `ConfigMap "${map}" has no policy under "${mapKey}"`,
      next: "Restore the policy: pulumi up.",
    };
  }
  const asked = question(trustee, secret, key, affirmingToken(claim.value));
  const answer = answerOf(answers, text, asked);
  const readers = readersOf(trustee, answers, secret, key);
  const expected = [...readers].map(([digest, whose]) => `${digest} (${whose})`);
  if (answer === undefined) {
    return {
      id: "policy",
      status: "unknown",
      detail: `the policy was not evaluated: ${answers.kind === "none" ? answers.reason : "nothing was asked"}`,
      next: "Run again where OPA is installed.",
    };
  }
  if (typeof answer === "object") {
    return {
      id: "policy",
      status: "fails",
      detail: `the policy breaks off, which denies: ${answer.message}`,
      next: "Correct the policy; npm run access -- lint says more.",
    };
  }
  const generated = readGenerated(text);
  const why = generated === undefined ? undefined : decide(generated, asked.data, asked.input).why;
  if (answer) {
    const open = answerOf(answers, text, question(trustee, secret, key, strangerToken)) === true;
    const detail =
      why === undefined
        ? open
          ? "the policy gives the secret to every pod that attests well"
          : "the policy gives the secret to this digest"
        : `${decisionWords[why]}${why === "granted" ? ` (${readers.get(claim.value) ?? ""})` : ""}`;
    return { id: "policy", status: "holds", detail };
  }
  return {
    id: "policy",
    status: "fails",
    detail: decisionWords[why ?? (readers.size > 0 ? "not-a-reader" : "others-denied")],
    expected: expected.length === 0 ? ["nobody"] : expected,
    seen: claim.value,
    next: "If this pod should read it, grant it: add a grant for the pod to the stack's settings, then run pulumi up.",
  };
}
