import { affirmingToken } from "../../core/access/token.ts";
import type { PolicyData, Resource } from "../../core/access/model.ts";
import { needFlaw, placeName } from "../../core/initdata/guest-needs.ts";
import type { GuestNeed, NeedFlaw, ServedSecrets } from "../../core/initdata/guest-needs.ts";
import { given } from "../../core/issues.ts";
import { shownName } from "../../core/policy/shown-name.ts";
import type { PolicyAnswers, TrusteeFacts } from "./facts.ts";
import { namedClaims, type NamedClaim, type PodClaims } from "./pod-claims.ts";
import { readGenerated, type GeneratedPolicy } from "./policy-text.ts";
import {
  answerOf,
  kbsKinds,
  requestData,
  type KbsKind,
  type PolicyQuestion,
} from "../questions/questions.ts";
import { claimants } from "../questions/tokens.ts";
import type { LikelyClaim } from "./likely-claim.ts";
import { livePolicy } from "./trustee-view.ts";
import { unjudgedIn } from "./unjudged.ts";

/** A secret that a pod's guest needs to start and would not get. */
export interface LackedNeed {
  /** `registry credentials "regcred/dockerconfigjson"`. */
  readonly name: string;
  readonly setting: string;
  /** Why. */
  readonly words: string;
  /** How to fix it, in the imperative. */
  readonly next: string;
}

/** What of a Trustee the pods' needs depend on. Made once for all pods, since parsing a policy takes time. */
export interface NeedsSide {
  readonly trustee: TrusteeFacts;
  readonly kinds: readonly KbsKind[];
  /** What the policy grants, if it is this project's. */
  readonly generated: GeneratedPolicy | undefined;
  /** Whether the policy's answer to this request holds for a pod's real evidence too. */
  readonly isJudged: (data: PolicyData) => boolean;
  readonly served: ServedSecrets;
}

/** Asked of each policy, and of each request, once. */
function judgesIn(text: string | undefined): NeedsSide["isJudged"] {
  if (text === undefined) return () => false;
  const unjudged = unjudgedIn(text);
  if (unjudged().length === 0) return () => true;
  const known = new Map<string, boolean>();
  return (data) => {
    const key = JSON.stringify(data);
    const isJudged = known.get(key) ?? unjudged(data).length === 0;
    known.set(key, isJudged);
    return isJudged;
  };
}

export function needsSide(trustee: TrusteeFacts): NeedsSide {
  const { text } = livePolicy(trustee);
  return {
    trustee,
    kinds: kbsKinds(trustee),
    generated: text === undefined ? undefined : readGenerated(text),
    isJudged: judgesIn(text),
    served: {
      registered: new Set(trustee.kbsConfig.secrets),
      missing: new Set(trustee.secrets.flatMap(({ name, exists }) => (exists ? [] : [name]))),
      keys: Object.fromEntries(
        trustee.secrets.flatMap(({ name, keys }) => (keys === undefined ? [] : [[name, keys]])),
      ),
    },
  };
}

function question(
  { syntax, shape }: KbsKind,
  { repository, secret, key }: Resource,
  input: unknown,
): PolicyQuestion {
  return { syntax, data: requestData(shape, secret, key, repository), input };
}

/** Tokens of a pod with one of these claims; for a foreign policy, on every TEE and with a GPU. */
function tokensOf(claims: readonly NamedClaim[], generated: GeneratedPolicy | undefined): readonly unknown[] {
  return generated === undefined
    ? claimants(claims, ["none", "gpu"]).map(({ token }) => token)
    : claims.map(({ value, binding }) => affirmingToken(value, binding));
}

/** The questions to the policy for each need of a pod and each claim that it may make. */
export function needQuestions({ kinds, generated }: NeedsSide, claims: PodClaims): readonly PolicyQuestion[] {
  const tokens = tokensOf(namedClaims(claims), generated);
  return kinds.flatMap((kind) =>
    claims.needs.flatMap(({ place }) =>
      place === undefined ? [] : tokens.map((token) => question(kind, place, token)),
    ),
  );
}

function flawWords(
  flaw: NeedFlaw,
  { what, uri, place }: GuestNeed,
  { trustee, generated }: NeedsSide,
): Pick<LackedNeed, "words" | "next"> {
  const [secret, key] = [shownName(place?.secret ?? ""), shownName(place?.key ?? "")];
  const next = `declare "${secret}" in a stack, then run pulumi up`;
  switch (flaw.kind) {
    case "uri":
      return {
        words: `${given(uri)} ${flaw.words}`,
        next: `Correct the ${what} in the initdata and recreate the pod.`,
      };
    case "unregistered":
      return {
        words: `KbsConfig "${trustee.kbsConfig.name}" does not list "${secret}", so the KBS does not serve it`,
        next: `Register it: ${next}.`,
      };
    case "missing":
      return {
        words: `there is no Secret "${secret}" in namespace "${trustee.namespace}"`,
        next: `Create the Secret: ${next}.`,
      };
    case "no key":
      return {
        words: `Secret "${secret}" has no key "${key}" (it has ${flaw.keys.map((one) => `"${shownName(one)}"`).join(", ")})`,
        next: `Add the key "${key}" to Secret "${secret}", or name another key in the initdata.`,
      };
    case "denied":
      return {
        words: "the resource policy denies it to this pod",
        next:
          generated === undefined
            ? `Change the policy so that it gives "${secret}" to the pod.`
            : `Grant "${secret}" to the pod: add a grant to its stack's settings, then run pulumi up.`,
      };
  }
}

/**
 * The needs of a pod that the live Trustee does not meet.
 * @param claim the pod's; if it is not sure, the policy must deny every possible claim
 */
export function lackedNeeds(
  side: NeedsSide,
  claims: PodClaims,
  claim: LikelyClaim | undefined,
  answers: PolicyAnswers,
): readonly LackedNeed[] {
  const { kinds, generated, isJudged, served } = side;
  const tokens = tokensOf(claim?.sure === true ? [claim] : namedClaims(claims), generated);
  // Denied only if every possible KBS denies it. A failed evaluation is a finding of its own.
  const allows = (place: Resource): boolean =>
    !kinds.every(
      (kind) =>
        isJudged(question(kind, place, undefined).data) &&
        tokens.every((token) => answerOf(answers, generated, question(kind, place, token)) === false),
    );
  return claims.needs.flatMap((need) => {
    const flaw = needFlaw(need, served, allows);
    if (flaw === undefined) return [];
    const name = need.place === undefined ? need.what : `${need.what} "${shownName(placeName(need.place))}"`;
    return [{ name, setting: need.setting, ...flawWords(flaw, need, side) }];
  });
}
