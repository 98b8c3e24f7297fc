import { affirmingToken } from "../../core/access/token.ts";
import type { PolicyData } from "../../core/access/model.ts";
import type { Resource } from "../../core/names.ts";
import { needFlaw, placeName } from "../../core/initdata/guest-needs.ts";
import type { GuestNeed, NeedFlaw, ServedSecrets } from "../../core/initdata/guest-needs.ts";
import { given } from "../../core/issues.ts";
import { shownName } from "../../core/shown.ts";
import type { PolicyAnswers, TrusteeFacts } from "../audit/facts.ts";
import { namedClaims, type NamedClaim, type PodClaims } from "../audit/pod-claims.ts";
import type { GeneratedPolicy } from "../audit/policy-text.ts";
import { answerOf, cellQuestion, type PolicyQuestion } from "./questions.ts";
import { podsClaiming } from "./tokens.ts";
import type { LikelyClaim } from "../audit/likely-claim.ts";
import { kbsKinds, liveGrants, livePolicy, type KbsKind } from "../audit/trustee-view.ts";
import { unjudgedIn } from "../audit/unjudged.ts";

/** A secret that a pod's guest needs to start, but does not get. */
export interface LackedNeed {
  /** `registry credentials "regcred/dockerconfigjson"`. */
  readonly name: string;
  readonly setting: string;
  /** Why the guest does not get it. */
  readonly words: string;
  /** How to fix it, in the imperative. */
  readonly next: string;
}

/** The state of Trustee that pods' needs depend on. Made once for all pods, because parsing a policy takes time. */
export interface NeedsSide {
  readonly trustee: TrusteeFacts;
  readonly kinds: readonly KbsKind[];
  /** What the policy grants, if it is this project's. */
  readonly generated: GeneratedPolicy | undefined;
  /** Whether the policy's answer to this request holds for a pod's real evidence too. */
  readonly isJudged: (data: PolicyData) => boolean;
  readonly served: ServedSecrets;
}

/** Analyses the policy once, and remembers the result for each request. */
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
  return {
    trustee,
    kinds: kbsKinds(trustee),
    generated: liveGrants(trustee),
    isJudged: judgesIn(livePolicy(trustee).text),
    served: {
      registered: new Set(trustee.kbsConfig.secrets),
      missing: new Set(trustee.secrets.flatMap(({ name, exists }) => (exists ? [] : [name]))),
      keys: Object.fromEntries(
        trustee.secrets.flatMap(({ name, keys }) => (keys === undefined ? [] : [[name, keys]])),
      ),
    },
  };
}

/** Tokens of a pod with one of these claims; for a foreign policy, on every TEE and with a GPU. */
function tokensOf(claims: readonly NamedClaim[], generated: GeneratedPolicy | undefined): readonly unknown[] {
  return generated === undefined
    ? podsClaiming(claims, ["none", "gpu"]).map(({ token }) => token)
    : claims.map(({ value, binding }) => affirmingToken(value, binding));
}

/** The questions to the policy for each need of a pod and each claim that it may make. */
export function needQuestions({ kinds, generated }: NeedsSide, claims: PodClaims): readonly PolicyQuestion[] {
  const tokens = tokensOf(namedClaims(claims), generated);
  return kinds.flatMap((kind) =>
    claims.needs.flatMap(({ place }) =>
      place === undefined ? [] : tokens.map((token) => cellQuestion(kind, place, token)),
    ),
  );
}

function flawWords(
  flaw: NeedFlaw,
  { what, uri, place }: GuestNeed,
  { trustee, generated }: NeedsSide,
): Pick<LackedNeed, "words" | "next"> {
  const [secret, key] = [shownName(place?.secret ?? ""), shownName(place?.key ?? "")];
  const declare = `declare "${secret}" in a stack, then run pulumi up`;
  switch (flaw.kind) {
    case "uri": {
      const next = `Correct the ${what} in the initdata and recreate the pod.`;
      return { words: `${given(uri)} ${flaw.words}`, next };
    }
    case "unregistered": {
      const words = `KbsConfig "${trustee.kbsConfig.name}" does not list "${secret}", so the KBS does not serve it`;
      return { words, next: `Register it: ${declare}.` };
    }
    case "missing": {
      const words = `there is no Secret "${secret}" in namespace "${trustee.namespace}"`;
      return { words, next: `Create the Secret: ${declare}.` };
    }
    case "no key": {
      const keys = flaw.keys.map((one) => `"${shownName(one)}"`).join(", ");
      const next = `Add the key "${key}" to Secret "${secret}", or name another key in the initdata.`;
      return { words: `Secret "${secret}" has no key "${key}" (it has ${keys})`, next };
    }
    case "denied": {
      const next =
        generated === undefined
          ? `Change the policy so that it gives "${secret}" to the pod.`
          : `Grant "${secret}" to the pod: add a grant to its stack's settings, then run pulumi up.`;
      return { words: "the resource policy denies it to this pod", next };
    }
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
        isJudged(cellQuestion(kind, place, undefined).data) &&
        tokens.every((token) => answerOf(answers, generated, cellQuestion(kind, place, token)) === false),
    );
  return claims.needs.flatMap((need) => {
    const flaw = needFlaw(need, served, allows);
    if (flaw === undefined) return [];
    const name = need.place === undefined ? need.what : `${need.what} "${shownName(placeName(need.place))}"`;
    return [{ name, setting: need.setting, ...flawWords(flaw, need, side) }];
  });
}
