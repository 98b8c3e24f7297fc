import { someOf } from "../../core/issues.ts";
import { defined } from "../../core/records.ts";
import { beyondRegoLimits, lineCount, regoLimits, wideLines } from "../../core/rego/limits.ts";
import type { LiveFacts, TrusteeFacts } from "../audit/facts.ts";
import type { Finding, Place } from "./finding.ts";
import { anybody, kbsOf, namedRequests, type AskedKey, type KindFacts } from "../questions/questions.ts";
import { knownKeys } from "../../core/trustee/generation.ts";
import { keysOf } from "../audit/trustee-view.ts";
import { canAllow, REVIEW_UNJUDGED, unjudgedFields, unjudgedText } from "../audit/unjudged.ts";

/**
 * Whether the KBS limits a policy's text, as v0.20 and later do. Only operators from v0.21 on show it;
 * undefined: unknown.
 */
export function hasRegoLimits(trustee: TrusteeFacts): boolean | undefined {
  const pods = trustee.kbsPods.filter(({ terminating }) => !terminating);
  if (pods.some(({ configMapVersions }) => configMapVersions !== undefined)) return true;
  return keysOf(trustee).policyKey === knownKeys.policy[0] ? undefined : false;
}

/** A limit that a policy exceeds. */
interface LimitText {
  /** The start of a sentence. */
  readonly words: string;
  readonly fix: string;
  /** The first line that is too wide. */
  readonly line?: number;
}

/** The first limit that a policy exceeds. */
export function limitText(policy: string): LimitText | undefined {
  const found = beyondRegoLimits(policy);
  if (found === undefined) return undefined;
  const fix = "Make the policy smaller. Comments count too.";
  if (found.limit === "bytes") return { words: `The policy is larger than ${regoLimits.bytes} bytes`, fix };
  if (found.limit === "lines")
    return { words: `The policy has ${lineCount(policy)} lines, more than ${regoLimits.lines}`, fix };
  const lines = wideLines(policy);
  const places = `line${lines.length === 1 ? "" : "s"} ${someOf(lines.map(String))}`;
  const words = `The policy's code has more than ${regoLimits.column - 1} columns in ${places}`;
  return { words, fix: "Break the code into shorter lines. Comments may have any length.", line: found.line };
}

/** TA015: the policy exceeds a limit of KBS v0.20 and later, which OPA does not have. */
export function lintLimits(trustee: TrusteeFacts, text: string, where: Place): readonly Finding[] {
  const found = limitText(text);
  if (found === undefined) return [];
  const { words, fix, line } = found;
  const severity = hasRegoLimits(trustee) === true ? "error" : "warning";
  const what = `${words}, which KBS v0.20 and later do not read.`;
  const why =
    "Those versions deny every request, including the one for the pods' image policy. Older ones and OPA accept the policy.";
  return [{ id: "TA015", severity, where: { ...where, ...defined({ line }) }, what, why, fix }];
}

/** TA013: the policy uses fields that no question contains. */
export function lintUnjudged(text: string, where: Place): readonly Finding[] {
  const fields = unjudgedFields(text);
  if (fields.length === 0) return [];
  const what = `The ${unjudgedText(fields)}.`;
  const why = "lint used example values for them. With real values, the policy may allow more or less.";
  return [{ id: "TA013", severity: "warning", where, what, why, fix: REVIEW_UNJUDGED }];
}

const NO_RULE = 'The KBS evaluates data.policy.allow: write "package policy" and a rule "allow".';
const OTHER_REQUESTS =
  'Compare it with the KBS\'s request: from v0.17 on, data["resource-path"] is ["default", secret, key] and data.plugin is "resource"; ' +
  "up to v0.16 the path is one string, resource/default/secret/key.";

/** TA014: no pod gets anything, by an existing key or by a path that the policy names. */
export function lintNobody(
  { trustee, pods = [], answers }: LiveFacts,
  kinds: readonly KindFacts[],
  secrets: readonly AskedKey[],
  text: string,
  where: Place,
): readonly Finding[] {
  const asked = anybody(trustee, pods);
  if (asked.length === 0 || answers.kind === "none" || unjudgedFields(text).length > 0) return [];
  const isClosed = ({ kind, ask, askFor }: KindFacts): boolean => {
    const byKey = secrets.flatMap((key) => asked.map(({ token }) => askFor(key, token)));
    const byName = namedRequests(kind, trustee, asked).map(({ data, token }) => ask(data, token));
    return [...byKey, ...byName].every((answer) => answer !== undefined && answer !== true);
  };
  const closed = kinds.filter(isClosed);
  if (closed.length === 0) return [];
  const isAll = closed.length === kinds.length;
  const noPod = "o pod that attests well gets any secret, in any path format.";
  const what = isAll ? `N${noPod}` : `With ${closed.map(({ kind }) => kbsOf(kind)).join(" and ")}, n${noPod}`;
  const why = "Pods that need an image policy do not start, and other pods get no secret.";
  const fix = canAllow(text) ? OTHER_REQUESTS : NO_RULE;
  return [{ id: "TA014", severity: isAll ? "error" : "warning", where, what, why, fix }];
}
