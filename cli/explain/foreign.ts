import { claimSpellings } from "../../core/initdata/binding.ts";
import { shownName } from "../../core/shown.ts";
import type { Condition, PolicyCell } from "./explanation.ts";
import type { PolicyAnswer, TrusteeFacts } from "../audit/facts.ts";
import { namedClaims, type NamedClaim } from "../audit/pod-claims.ts";
import { differsInCase, digestsInPolicy } from "../audit/policy-text.ts";
import { answerOf, cellQuestion, requestData } from "../questions/questions.ts";
import { azureTeeOf } from "../audit/likely-claim.ts";
import {
  attestedPods,
  podsClaiming,
  EVERYBODY,
  strangers,
  teesOf,
  whoText,
  type AttestedPod,
} from "../questions/tokens.ts";
import { knownKeys } from "../../core/trustee/generation.ts";
import { keysOf, type KbsKind } from "../audit/trustee-view.ts";
import { canAllow, installOpa, REVIEW_UNJUDGED, unjudgedFields, unjudgedText } from "../audit/unjudged.ts";

/** The maximum number of a policy's digests to ask about. */
const MOST_DIGESTS = 200;

/** The pods that each digest of the policy may belong to. */
function readersByDigest(
  text: string,
): readonly { digest: string; line: number; pods: readonly AttestedPod[] }[] {
  return digestsInPolicy(text)
    .slice(0, MOST_DIGESTS)
    .map(({ digest, line }) => {
      const tees =
        digest.length === 96 ? (["tdx"] as const) : (["az-snp-vtpm", "az-tdx-vtpm", "snp"] as const);
      return { digest, line, pods: tees.flatMap((tee) => attestedPods(tee, digest, ["none", "gpu"])) };
    });
}

/** TEEs without a claim, or whose claim does not follow from the initdata. */
const otherTees = strangers.filter(({ tee }) => tee === "se" || tee === "cca" || tee === "csv");

/** The tokens for which `explain` asks a foreign policy. */
export function foreignTokens(text: string, claims: readonly NamedClaim[]): readonly unknown[] {
  const named = readersByDigest(text).flatMap(({ pods }) => pods);
  return [...strangers, ...podsClaiming(claims), ...named].map(({ token }) => token);
}

/** KBS up to v0.17 reports SNP's host data in base64, later ones in hex; v0.17 asks like the later ones. */
function spellings({ binding, value }: NamedClaim, kind: KbsKind, trustee: TrusteeFacts): readonly string[] {
  const [hex = value, ...base64] = claimSpellings(binding, value);
  if (base64.length === 0 || keysOf(trustee).policyKey === knownKeys.policy[0]) return [hex];
  return kind.syntax === "v0" ? base64 : [hex, ...base64];
}

/** The TEEs and devices that this pod may have when it attests well. */
function mayBe({ trustee, pod, claims, claim }: PolicyCell, kind: KbsKind): readonly AttestedPod[] {
  const azure = azureTeeOf(pod);
  const possible = (claim.sure ? [claim] : namedClaims(claims)).flatMap((one) =>
    teesOf(one)
      .filter((tee) => azure === undefined || !tee.startsWith("az-") || tee === azure)
      .flatMap((tee) => spellings(one, kind, trustee).flatMap((value) => attestedPods(tee, value))),
  );
  return claim.sure ? possible : [...possible, ...otherTees];
}

export const OTHER_CASE =
  "the policy names this digest, but it differs in case only: Trustee compares exactly, and claims are in lower case";
export const LOWER_CASE = "Write the digest in lower case in the policy.";

/** The policy does not compile, or its evaluation fails. */
export function failedCondition({ failed, message }: Exclude<PolicyAnswer, boolean>): Condition {
  const how = failed === "policy" ? "does not compile" : "cannot be evaluated";
  const detail = `the policy ${how}, so the KBS denies: ${message}`;
  const next = "Correct the policy; npx trustee-access lint says more.";
  return { id: "policy", status: "fails", detail, next };
}

const deviceWords: Readonly<Record<AttestedPod["devices"], string>> = {
  none: "without devices",
  gpu: "with a GPU",
  gpus: "with several GPUs",
};

/** Some of the pods in words. If they include all pods of a TEE, only the TEE is named. */
function kindsText(some: readonly AttestedPod[], all: readonly AttestedPod[]): string {
  const words = [...Map.groupBy(some, ({ tee }) => tee)].map(([tee, pods]) => {
    if (pods.length === all.filter((one) => one.tee === tee).length) return tee;
    return `${tee} ${[...new Set(pods.map(({ devices }) => deviceWords[devices]))].join(" or ")}`;
  });
  return words.join(", ");
}

/** The policy gives the secret to some of the pods that this one may be. */
function dependsCondition(given: readonly AttestedPod[], all: readonly AttestedPod[]): Condition {
  const denied = all.filter((one) => !given.includes(one));
  const detail = `the answer depends on the pod's TEE, devices or trust vector, which are unknown: the policy allows the secret on ${kindsText(given, all)}, and denies it on ${kindsText(denied, all)}`;
  const next =
    "Try from the pod: npx trustee-access verify. If the pod is in a stack, name the stack to tell the TEE: --stack.";
  return { id: "policy", status: "unknown", detail, next };
}

/** A foreign policy's answer for this pod, with one kind of KBS. */
export function foreignCondition(cell: PolicyCell, kind: KbsKind, text: string): Condition {
  const { answers, claim, secret, key } = cell;
  const id = "policy";
  const ask = ({ token }: AttestedPod): PolicyAnswer | undefined =>
    answerOf(answers, undefined, cellQuestion(kind, { secret, key }, token));
  const pods = mayBe(cell, kind);
  const said = pods.map(ask);
  if (said.includes(undefined)) {
    const detail = `the policy was not evaluated: ${answers.kind === "none" ? answers.reason : "nothing was asked"}`;
    return { id, status: "unknown", detail, next: installOpa("explain") };
  }
  const failed = said.find((answer) => typeof answer === "object");
  if (failed?.failed === "policy") return failedCondition(failed);
  const fields = unjudgedFields(text, requestData(kind.shape, { secret, key }));
  if (fields.length > 0) {
    return { id, status: "unknown", detail: `the ${unjudgedText(fields)}`, next: REVIEW_UNJUDGED };
  }
  const given = pods.filter((_, index) => said[index] === true);
  if (given.length === pods.length) {
    const isOpen = whoText(strangers.filter((one) => ask(one) === true)) === EVERYBODY;
    const detail = `the policy gives the secret to ${isOpen ? "every pod that attests well" : "this digest"}`;
    return { id, status: "holds", detail };
  }
  if (given.length > 0) return dependsCondition(given, pods);
  if (failed !== undefined) return failedCondition(failed);
  const readers = readersByDigest(text).filter((one) => one.pods.some((pod) => ask(pod) === true));
  const inOtherCase = readers.some(({ digest }) => differsInCase(digest, claim.value));
  const detail = inOtherCase
    ? OTHER_CASE
    : readers.length > 0
      ? "the policy gives the secret to other digests, not to this pod's"
      : canAllow(text)
        ? "the policy does not give the secret to this pod, nor to any digest that it names"
        : "the policy gives nothing to anybody: it has no rule allow in package policy";
  const expected = readers.map(({ digest, line }) => `${shownName(digest)} (line ${line} of the policy)`);
  return {
    id,
    status: "fails",
    detail,
    ...(readers.length === 0 ? {} : { expected }),
    seen: claim.value,
    next: inOtherCase
      ? LOWER_CASE
      : "If this pod should read the secret, change the policy, or grant the secret in a stack. That stack's pulumi up replaces this policy.",
  };
}
