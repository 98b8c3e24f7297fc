import { claimSpellings } from "../../core/initdata/binding.ts";
import { shownName } from "../../core/policy/shown-name.ts";
import { differsInCase } from "../audit/digest-case.ts";
import type { Condition, PolicyCell } from "./explanation.ts";
import type { PolicyAnswer, TrusteeFacts } from "../audit/facts.ts";
import type { NamedClaim } from "../audit/pod-claims.ts";
import { digestsInPolicy } from "../audit/policy-text.ts";
import { answerOf, cellQuestion, requestData, type KbsKind } from "../questions/questions.ts";
import { azureTeeOf } from "../audit/likely-claim.ts";
import {
  attestedPods,
  claimants,
  EVERYBODY,
  strangers,
  teesOf,
  whoText,
  type AttestedPod,
} from "../questions/tokens.ts";
import { knownKeys } from "../../core/trustee/generation.ts";
import { keysOf } from "../audit/trustee-view.ts";
import { canAllow, installOpa, REVIEW_UNJUDGED, unjudgedFields, unjudgedText } from "../audit/unjudged.ts";

/** More digests than these are not asked about one by one. */
const MOST_DIGESTS = 200;

/** Pods that a digest of the policy may be of. */
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

/** TEEs whose claim is not told by the initdata, or that make none. */
const otherTees = strangers.filter(({ tee }) => tee === "se" || tee === "cca" || tee === "csv");

/** For whom `explain` asks somebody else's policy. */
export function foreignTokens(text: string, claims: readonly NamedClaim[]): readonly unknown[] {
  const named = readersByDigest(text).flatMap(({ pods }) => pods);
  return [...strangers, ...claimants(claims), ...named].map(({ token }) => token);
}

/** A KBS up to v0.16 reports SNP's host data in base64, from v0.18 on in hex, v0.17 the former by the latter's way of asking. */
function spellings({ binding, value }: NamedClaim, kind: KbsKind, trustee: TrusteeFacts): readonly string[] {
  const [hex = value, ...base64] = claimSpellings(binding, value);
  if (base64.length === 0 || keysOf(trustee).policyKey === knownKeys.policy[0]) return [hex];
  return kind.syntax === "v0" ? base64 : [hex, ...base64];
}

/** What this pod may be when it attests well, as far as is seen: of which TEE, and with which devices. */
function mayBe({ trustee, pod, claims, claim }: PolicyCell, kind: KbsKind): readonly AttestedPod[] {
  const possible = claim.sure
    ? [claim]
    : Object.entries(claims.claims).map(([binding, value]) => ({
        ...claim,
        binding: binding as NamedClaim["binding"],
        value,
      }));
  const azure = azureTeeOf(pod);
  const told = possible.flatMap((one) =>
    teesOf(one)
      .filter((tee) => azure === undefined || !tee.startsWith("az-") || tee === azure)
      .flatMap((tee) => spellings(one, kind, trustee).flatMap((value) => attestedPods(tee, value))),
  );
  return claim.sure ? told : [...told, ...otherTees];
}

export const OTHER_CASE =
  "the policy names this digest, but it differs in case only: Trustee compares exactly, and claims are in lower case";
export const LOWER_CASE = "Write the digest in lower case in the policy.";

/** The policy compiles not, or breaks off. */
export function failedCondition(answer: Exclude<PolicyAnswer, boolean>): Condition {
  return {
    id: "policy",
    status: "fails",
    detail: `the policy ${answer.failed === "policy" ? "does not compile" : "breaks off"}, which denies: ${answer.message}`,
    next: "Correct the policy; npx trustee-access lint says more.",
  };
}

const deviceWords: Readonly<Record<AttestedPod["devices"], string>> = {
  none: "without devices",
  gpu: "with a GPU",
  gpus: "with several GPUs",
};

/** Some of the pods in words: a TEE alone where they are all of its. */
function kindsText(some: readonly AttestedPod[], all: readonly AttestedPod[]): string {
  const words = [...Map.groupBy(some, ({ tee }) => tee)].map(([tee, pods]) => {
    if (pods.length === all.filter((one) => one.tee === tee).length) return tee;
    return `${tee} ${[...new Set(pods.map(({ devices }) => deviceWords[devices]))].join(" or ")}`;
  });
  return words.join(", ");
}

/** It is given to some of what the pod may be. */
function dependsCondition(given: readonly AttestedPod[], all: readonly AttestedPod[]): Condition {
  const denied = all.filter((one) => !given.includes(one));
  return {
    id: "policy",
    status: "unknown",
    detail: `it depends on the pod's TEE, devices or trust vector, which are not seen: the policy gives it the secret on ${kindsText(given, all)}, and not on ${kindsText(denied, all)}`,
    next: "Try from the pod: npx trustee-access verify. Where the pod is in a stack, name it, which tells the TEE: --stack.",
  };
}

/** What somebody else's policy says of this pod, as one sort of KBS asks and reads it. */
export function foreignCondition(cell: PolicyCell, kind: KbsKind, text: string): Condition {
  const { answers, claim, secret, key } = cell;
  const ask = ({ token }: AttestedPod): PolicyAnswer | undefined =>
    answerOf(answers, undefined, cellQuestion(kind, secret, key, token));
  const pods = mayBe(cell, kind);
  const said = pods.map(ask);
  if (said.includes(undefined)) {
    return {
      id: "policy",
      status: "unknown",
      detail: `the policy was not evaluated: ${answers.kind === "none" ? answers.reason : "nothing was asked"}`,
      next: installOpa("explain"),
    };
  }
  const failed = said.find((answer) => typeof answer === "object");
  if (failed?.failed === "policy") return failedCondition(failed);
  const fields = unjudgedFields(text, requestData(kind.shape, secret, key));
  if (fields.length > 0) {
    return {
      id: "policy",
      status: "unknown",
      detail: `the ${unjudgedText(fields)}`,
      next: REVIEW_UNJUDGED,
    };
  }
  const given = pods.filter((_, index) => said[index] === true);
  if (given.length === pods.length) {
    const isOpen = whoText(strangers.filter((one) => ask(one) === true)) === EVERYBODY;
    const detail = `the policy gives the secret to ${isOpen ? "every pod that attests well" : "this digest"}`;
    return { id: "policy", status: "holds", detail };
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
  return {
    id: "policy",
    status: "fails",
    detail,
    ...(readers.length === 0
      ? {}
      : { expected: readers.map(({ digest, line }) => `${shownName(digest)} (line ${line} of the policy)`) }),
    seen: claim.value,
    next: inOtherCase
      ? LOWER_CASE
      : "If this pod should read it, change the policy, or grant it in a stack: its pulumi up puts a policy of this project's in that one's place.",
  };
}
