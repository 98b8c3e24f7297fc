import { affirmingToken } from "../access/token.ts";
import { decide, type Decision } from "../access/model.ts";
import { own } from "../records.ts";
import { EVERY_KEY, listReaders } from "../policy/grants.ts";
import { shownName } from "../policy/shown-name.ts";
import type { Condition } from "./explanation.ts";
import type { PolicyAnswers, TrusteeFacts } from "./facts.ts";
import type { NamedClaim, PodClaims } from "./pod-claims.ts";
import { namedClaims } from "./pod-claims.ts";
import { digestsInPolicy, readGenerated } from "./policy-text.ts";
import { differsInCase } from "./digest-case.ts";
import {
  answerOf,
  kbsKinds,
  kbsOf,
  requestData,
  strangerToken,
  type KbsKind,
  type PolicyQuestion,
} from "./questions.ts";
import { generationOf, livePolicy } from "./trustee-view.ts";

/** More digests than these are not asked about one by one. */
const MOST_DIGESTS = 200;

function question(kind: KbsKind, secret: string, key: string, input: unknown): PolicyQuestion {
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
  const claimed = claims === undefined ? [] : namedClaims(claims);
  const named = [...new Set(digestsInPolicy(text).map(({ digest }) => digest))].slice(0, MOST_DIGESTS);
  const tokens = [
    strangerToken,
    ...claimed.map(({ value, binding }) => affirmingToken(value, binding)),
    ...named.map((digest) => affirmingToken(digest)),
  ];
  return kbsKinds(generationOf(trustee)).flatMap((kind) =>
    tokens.map((input) => question(kind, secret, key, input)),
  );
}

/** The digests that the policy gives the secret to, each with whose it is, where the policy says that. */
function readersOf(
  trustee: TrusteeFacts,
  answers: PolicyAnswers,
  secret: string,
  key: string,
): ReadonlyMap<string, string> {
  const { text } = livePolicy(trustee);
  if (text === undefined) return new Map();
  const generated = readGenerated(text);
  if (generated !== undefined) {
    const keys = own(generated.secrets, secret);
    const readers = [EVERY_KEY, key].flatMap((one) => listReaders(own(keys, one) ?? {}));
    return new Map(readers.map(({ initData, reader }) => [initData, reader]));
  }
  const kinds = kbsKinds(generationOf(trustee));
  const granted = digestsInPolicy(text).filter(({ digest }) =>
    kinds.some(
      (kind) => answerOf(answers, text, question(kind, secret, key, affirmingToken(digest))) === true,
    ),
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

/** What the policy says of this pod, as one sort of KBS asks and reads it. */
function kindCondition(
  trustee: TrusteeFacts,
  answers: PolicyAnswers,
  kind: KbsKind,
  text: string,
  claim: NamedClaim,
  secret: string,
  key: string,
): Condition {
  const asked = question(kind, secret, key, affirmingToken(claim.value, claim.binding));
  const answer = answerOf(answers, text, asked);
  const readers = readersOf(trustee, answers, secret, key);
  const expected = [...readers].map(([digest, whose]) => `${digest} (${shownName(whose)})`);
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
      detail: `the policy ${answer.failed === "policy" ? "does not compile" : "breaks off"}, which denies: ${answer.message}`,
      next: "Correct the policy; npm run access -- lint says more.",
    };
  }
  const generated = readGenerated(text);
  const why = generated === undefined ? undefined : decide(generated, asked.data, asked.input).why;
  if (answer) {
    const open = answerOf(answers, text, question(kind, secret, key, strangerToken)) === true;
    const detail =
      why === undefined
        ? open
          ? "the policy gives the secret to every pod that attests well"
          : "the policy gives the secret to this digest"
        : `${decisionWords[why]}${why === "granted" ? ` (${shownName(readers.get(claim.value) ?? "")})` : ""}`;
    return { id: "policy", status: "holds", detail };
  }
  const inOtherCase = [...readers.keys()].some((digest) => differsInCase(digest, claim.value));
  return {
    id: "policy",
    status: "fails",
    detail: inOtherCase
      ? "the policy names this digest, but it differs in case only: Trustee compares exactly, and claims are in lower case"
      : readers.has(claim.value)
        ? `the policy names this digest for another TEE than one that binds initdata as ${claim.binding} does`
        : decisionWords[why ?? (readers.size > 0 ? "not-a-reader" : "others-denied")],
    expected: expected.length === 0 ? ["nobody"] : expected,
    seen: claim.value,
    next: inOtherCase
      ? "Write the digest in lower case in the policy."
      : "If this pod should read it, grant it: add a grant for the pod to the stack's settings, then run pulumi up.",
  };
}

/** The policy gives the secret to this pod, if it attests well: by every sort of KBS that this Trustee may have. */
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
  const said = kbsKinds(generationOf(trustee)).map((kind) => ({
    kind,
    condition: kindCondition(trustee, answers, kind, text, claim, secret, key),
  }));
  const [usual, ...others] = said.map(({ condition }) => condition);
  if (usual !== undefined && others.every(({ status }) => status === usual.status)) return usual;
  const details = said.map(({ kind, condition }) => `with ${kbsOf(kind)}, ${condition.detail}`);
  return {
    id: "policy",
    status: "unknown",
    detail: `it depends on the KBS, whose version is not seen: ${details.join("; ")}`,
    next: "Look which KBS runs, or write the policy so that both read it alike; npm run access -- lint says more.",
  };
}
