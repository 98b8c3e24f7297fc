import { affirmingToken } from "../access/token.ts";
import type { Resource } from "../access/model.ts";
import { placeName, type GuestNeed } from "../initdata/guest-needs.ts";
import { needFlaw, type NeedFlaw } from "../initdata/need-flaws.ts";
import { given } from "../issues.ts";
import { shownName } from "../policy/shown-name.ts";
import type { PolicyAnswers, TrusteeFacts } from "./facts.ts";
import { namedClaims, type NamedClaim, type PodClaims } from "./pod-claims.ts";
import { claimants } from "./explain-foreign.ts";
import { readGenerated, type GeneratedPolicy } from "./policy-text.ts";
import { answerOf, kbsKinds, type KbsKind, type PolicyQuestion } from "./questions.ts";
import type { ToldClaim } from "./told-claim.ts";
import { livePolicy } from "./trustee-view.ts";
import { unjudgedFields } from "./unjudged.ts";

/** What a running pod's guest needs to start, and would not get. */
export interface LackedNeed {
  /** `registry credentials "regcred/dockerconfigjson"`. */
  readonly name: string;
  readonly setting: string;
  /** Why it would not. */
  readonly words: string;
  /** How to fix it, in the imperative. */
  readonly next: string;
}

function question(
  { syntax, shape }: KbsKind,
  { repository, secret, key }: Resource,
  input: unknown,
): PolicyQuestion {
  const data =
    shape === "array"
      ? { "resource-path": [repository, secret, key], plugin: "resource" }
      : { "resource-path": `resource/${repository}/${secret}/${key}` };
  return { syntax, data, input };
}

/** What a pod with one of these claims attests by: for somebody else's policy on every TEE, and with a GPU. */
function tokensOf(claims: readonly NamedClaim[], generated: GeneratedPolicy | undefined): readonly unknown[] {
  return generated === undefined
    ? claimants(claims, ["none", "gpu"]).map(({ token }) => token)
    : claims.map(({ value, binding }) => affirmingToken(value, binding));
}

function generatedOf(text: string | undefined): GeneratedPolicy | undefined {
  return text === undefined ? undefined : readGenerated(text);
}

/** What the policy is to be asked for each need of a pod, by every claim that it may make. */
export function needQuestions(trustee: TrusteeFacts, claims: PodClaims): readonly PolicyQuestion[] {
  const tokens = tokensOf(namedClaims(claims), generatedOf(livePolicy(trustee).text));
  return kbsKinds(trustee).flatMap((kind) =>
    claims.needs.flatMap(({ place }) =>
      place === undefined ? [] : tokens.map((token) => question(kind, place, token)),
    ),
  );
}

function flawWords(
  flaw: NeedFlaw,
  { what, uri, place }: GuestNeed,
  trustee: TrusteeFacts,
): Pick<LackedNeed, "words" | "next"> {
  const [secret, key] = [shownName(place?.secret ?? ""), shownName(place?.key ?? "")];
  const next = `declare "${secret}" in a stack, then run pulumi up`;
  switch (flaw.kind) {
    case "uri":
      return {
        words: `${given(uri)} ${flaw.words}`,
        next: `Correct the ${what} in the initdata, and create the pod anew.`,
      };
    case "unregistered":
      return {
        words: `KbsConfig "${trustee.kbsConfig.name}" does not list "${secret}", so the KBS does not have it`,
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
        next: `Add the key "${key}" to Secret "${secret}", or name another one in the initdata.`,
      };
    case "denied":
      return {
        words: "the resource policy denies it to this pod",
        next:
          generatedOf(livePolicy(trustee).text) === undefined
            ? `Change the policy so that it gives "${secret}" to the pod.`
            : `Grant "${secret}" to the pod: add a grant to its stack's settings, then run pulumi up.`,
      };
  }
}

/**
 * What of a pod's needs the live Trustee does not give it.
 * @param claim the one that the pod makes; where that is not sure, the policy has to deny all that it may make
 */
export function lackedNeeds(
  trustee: TrusteeFacts,
  claims: PodClaims,
  claim: ToldClaim | undefined,
  answers: PolicyAnswers,
): readonly LackedNeed[] {
  const { text } = livePolicy(trustee);
  const generated = generatedOf(text);
  const tokens = tokensOf(claim?.sure === true ? [claim] : namedClaims(claims), generated);
  const isJudged = text !== undefined && unjudgedFields(text).length === 0;
  const kinds = kbsKinds(trustee);
  const served = {
    registered: new Set(trustee.kbsConfig.secrets),
    missing: new Set(trustee.secrets.flatMap(({ name, exists }) => (exists ? [] : [name]))),
    keys: Object.fromEntries(
      trustee.secrets.flatMap(({ name, keys }) => (keys === undefined ? [] : [[name, keys]])),
    ),
  };
  // Denied by every KBS that this may be, for certain: an evaluation that breaks off is the policy's own finding.
  const allows = (place: Resource): boolean =>
    !isJudged ||
    !kinds.every((kind) =>
      tokens.every((token) => answerOf(answers, generated, question(kind, place, token)) === false),
    );
  return claims.needs.flatMap((need) => {
    const flaw = needFlaw(need, served, allows);
    if (flaw === undefined) return [];
    const name = need.place === undefined ? need.what : `${need.what} "${shownName(placeName(need.place))}"`;
    return [{ name, setting: need.setting, ...flawWords(flaw, need, trustee) }];
  });
}
