import type { Plan } from "../plan/plan.ts";
import { joinPolicy } from "../policy/share.ts";
import { beyondRegoLimits, lineCount, regoLimits, wideLines } from "../rego/limits.ts";
import { knownKeys } from "../trustee/generation.ts";
import { someOf, type Issue, type Issues } from "../issues.ts";
import { ownLine, previousOf, type LiveTexts } from "./budget.ts";
import { grouped } from "./gauge.ts";

/** A limit of the KBS's policy engine that a text exceeds. */
interface Exceeded {
  readonly given: string;
  readonly allowed: string;
  readonly fix: string;
}

/** Too many bytes are an issue of the ConfigMap, whose limit is the same. */
function exceeded(text: string): Exceeded | undefined {
  const found = beyondRegoLimits(text);
  if (found === undefined || found.limit === "bytes") return undefined;
  if (found.limit === "lines")
    return {
      given: `the resource policy, with ${grouped(lineCount(text))} lines`,
      allowed: `${grouped(regoLimits.lines)} lines at most: KBS v0.20 and later deny every request otherwise`,
      fix: "Put some of the secrets on another Trustee, or grant secrets as a whole and not by key.",
    };
  const lines = wideLines(text);
  return {
    given: `the resource policy, with code that is too wide in line${lines.length === 1 ? "" : "s"} ${someOf(lines.map(String))}`,
    allowed: `${grouped(regoLimits.column - 1)} columns at most: KBS v0.20 and later deny every request otherwise`,
    fix: "Shorten the names in these lines: of secrets, keys or readers. If another stack declares them, change them there.",
  };
}

/**
 * Adds an issue if the KBS would not read the policy, now or during the grace period.
 * @returns the same as a warning for an operator up to v0.18, whose KBS has no such limits
 */
export function checkPolicyLimits(plan: Plan, live: LiveTexts, issues: Issues): readonly string[] {
  const { policy, policyKey, vanished } = live;
  const own = ownLine(plan);
  const after = exceeded(joinPolicy(policy, own, policy, undefined, vanished));
  const during =
    after === undefined && plan.changing.length > 0
      ? exceeded(joinPolicy(policy, own, policy, previousOf(plan, live), vanished))
      : undefined;
  const found = after ?? during;
  if (found === undefined) return [];
  const issue: Issue =
    after === undefined
      ? {
          ...{ code: "TA913", path: "rotation", allowed: found.allowed },
          given: `${found.given}, during the grace period`,
          fix: "Change fewer pods at a time, or set rotation: at-once.",
        }
      : { code: "TA912", path: "grants", ...found };
  if (policyKey !== knownKeys.policy[1]) {
    issues.add(issue);
    return [];
  }
  return [`${issue.path}: ${issue.given}; allowed are ${issue.allowed}. ${issue.fix}`];
}
