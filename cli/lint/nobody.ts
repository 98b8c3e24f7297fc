import { beyondRegoLimits, regoLimits, type BeyondLimit } from "../../core/rego/limits.ts";
import type { LiveFacts, TrusteeFacts } from "../audit/facts.ts";
import type { Finding, Place } from "./finding.ts";
import {
  anybody,
  kbsOf,
  namedRequests,
  requestData,
  type AskedKey,
  type KindFacts,
} from "../questions/questions.ts";
import { knownKeys } from "../../core/trustee/generation.ts";
import { keysOf } from "../audit/trustee-view.ts";
import { canAllow, fieldsText, unjudgedFields } from "../audit/unjudged.ts";

const limitWords: Readonly<Record<BeyondLimit["limit"], string>> = {
  column: `A line of the policy's code is longer than ${regoLimits.column - 1} columns`,
  lines: `The policy has more than ${regoLimits.lines} lines`,
  bytes: `The policy is larger than ${regoLimits.bytes} bytes`,
};

/** Whether the KBS has limits for a policy's text, from v0.20 on: operators from v0.21 on install such a one, and show it. */
export function hasRegoLimits(trustee: TrusteeFacts): boolean | undefined {
  const pods = trustee.kbsPods.filter(({ terminating }) => !terminating);
  if (pods.some(({ configMapVersions }) => configMapVersions !== undefined)) return true;
  return keysOf(trustee).policyKey === knownKeys.policy[0] ? undefined : false;
}

/** Which limit of the KBS's engine a policy is beyond, in words without an end. */
export function limitText(policy: string): { readonly words: string; readonly line: number } | undefined {
  const found = beyondRegoLimits(policy);
  return found === undefined ? undefined : { words: limitWords[found.limit], line: found.line };
}

/** TA015: the policy is beyond what the engine of KBS v0.20 and later reads; OPA reads it. */
export function lintLimits(trustee: TrusteeFacts, text: string, where: Place): readonly Finding[] {
  const found = limitText(text);
  if (found === undefined) return [];
  const { words, line } = found;
  return [
    {
      id: "TA015",
      severity: hasRegoLimits(trustee) === true ? "error" : "warning",
      where: { ...where, line },
      what: `${words}, which KBS v0.20 and later do not read.`,
      why: "They deny every request then, that for the pods' image policy too. Older ones read it, and OPA does.",
      fix: "Break the line, or make the policy smaller; a comment may be of any length.",
    },
  ];
}

/** TA013: the policy looks at what no question holds. */
export function lintUnjudged(text: string, where: Place): readonly Finding[] {
  const fields = unjudgedFields(text);
  if (fields.length === 0) return [];
  return [
    {
      id: "TA013",
      severity: "warning",
      where,
      what: `The policy was not judged by all that it asks: it looks at ${fieldsText(fields)}, whose values only a pod's own evidence has.`,
      why: "What is said here of who may read what is by examples of such values: a pod's own may open more, or less.",
      fix: "Look at these conditions by hand, and ask from a pod: npx trustee-access verify.",
    },
  ];
}

const NO_RULE = 'The KBS asks for data.policy.allow: write "package policy", and a rule "allow".';
const OTHER_REQUESTS =
  'Compare it with what the KBS hands over: from v0.17 on data["resource-path"] is ["default", secret, key] and data.plugin "resource"; ' +
  "up to v0.16 the path is one string, resource/default/secret/key.";

/** TA014: nobody is given anything: not by one of the keys that there are, nor by one that the policy names. */
export function lintNobody(
  { trustee, pods = [], answers }: LiveFacts,
  kinds: readonly KindFacts[],
  secrets: readonly AskedKey[],
  text: string,
  where: Place,
): readonly Finding[] {
  const asked = anybody(trustee, pods);
  if (asked.length === 0 || answers.kind === "none" || unjudgedFields(text).length > 0) return [];
  const isClosed = ({ kind, ask }: KindFacts): boolean => {
    const byKey = secrets.flatMap(({ secret, key }) =>
      asked.map(({ token }) => ask(requestData(kind.shape, secret, key), token)),
    );
    const byName = namedRequests(kind, trustee, asked).map(({ data, input }) => ask(data, input));
    return [...byKey, ...byName].every((answer) => answer !== undefined && answer !== true);
  };
  const closed = kinds.filter(isClosed);
  if (closed.length === 0) return [];
  const isAll = closed.length === kinds.length;
  const nobody = "o secret is given to any pod that attests well, however it is asked.";
  return [
    {
      id: "TA014",
      severity: isAll ? "error" : "warning",
      where,
      what: isAll ? `N${nobody}` : `With ${closed.map(({ kind }) => kbsOf(kind)).join(" and ")}, n${nobody}`,
      why: "No pod that needs an image policy starts, and no other gets its secrets.",
      fix: canAllow(text) ? OTHER_REQUESTS : NO_RULE,
    },
  ];
}
