import type { PodFacts, PolicyAnswers, TrusteeFacts } from "../audit/facts.ts";
import type { PodClaims } from "../audit/pod-claims.ts";
import type { LikelyClaim } from "../audit/likely-claim.ts";
/** A condition for a pod to get a secret. Conditions are listed in the order of a request. */
export interface Condition {
  /** Stable, for machines. */
  readonly id: ConditionId;
  /** `unknown`: not visible from outside, or not readable. */
  readonly status: "holds" | "fails" | "unknown";
  /** The finding, one line. */
  readonly detail: string;
  /** The expected values, one line each; only if it fails. */
  readonly expected?: readonly string[];
  /** The actual value; only if it fails. */
  readonly seen?: string;
  /** The next step, in the imperative; only if it does not hold. */
  readonly next?: string;
}

export const conditionNames = {
  pod: "pod",
  initdata: "initdata",
  declared: "as declared",
  unedited: "unedited",
  startup: "needed to start",
  binding: "TEE",
  registered: "registered",
  exists: "exists",
  trustee: "Trustee runs",
  current: "Trustee up to date",
  reference: "reference value",
  measurements: "other values",
  policy: "policy",
} as const;
export type ConditionId = keyof typeof conditionNames;

/** The last request for the secret in the KBS's log. */
export interface LastRequest {
  readonly outcome: "given" | "denied";
  /** Whether the request came from this pod's address; `false`: from another, which may be a router's. */
  readonly own: boolean;
  /** In words. */
  readonly what: string;
  readonly lines: readonly string[];
}

/** Why a pod gets a secret or does not. */
export interface Explanation {
  /** `namespace/name`. */
  readonly pod: string;
  /** `secret/key`. */
  readonly secret: string;
  /** `uncertain`: no condition fails, but some are unknown. */
  readonly verdict: "allowed" | "denied" | "uncertain";
  /** Why, one sentence. */
  readonly because: string;
  readonly conditions: readonly Condition[];
  /** Absent: no request in the log. A string: why the log could not be read. */
  readonly log?: LastRequest | string;
  /** What to do next; may be empty. */
  readonly next: readonly string[];
}

const signs = { holds: "✓", fails: "✗", unknown: "?" } as const;

/** Lines in the second column of the text. */
const INDENT = " ".repeat(24);

function conditionText({ id, status, detail, expected = [], seen }: Condition): string {
  return [
    `  ${signs[status]} ${conditionNames[id].padEnd(20)}${detail}`,
    ...expected.map((line, index) => `${INDENT}${(index === 0 ? "expected:" : "").padEnd(10)}${line}`),
    ...(seen === undefined ? [] : [`${INDENT}${"seen:".padEnd(10)}${seen}`]),
  ].join("\n");
}

function logText(log: Explanation["log"]): string {
  if (log === undefined) return "KBS log: no request for this secret.";
  if (typeof log === "string") return `KBS log: not read (${log}).`;
  return [`KBS log: ${log.what}`, ...log.lines.map((line) => `  ${line}`)].join("\n");
}

/** The explanation for a person. */
export function explanationText(explanation: Explanation): string {
  const { pod, secret, verdict, because, conditions, log, next } = explanation;
  return [
    `${pod} -> ${secret}: ${verdict.toUpperCase()}`,
    because,
    "",
    ...conditions.map(conditionText),
    "",
    logText(log),
    ...(next.length === 0 ? [] : ["", ...next.map((step) => `Next: ${step}`)]),
  ].join("\n");
}

/** A question to the policy: one pod and one key. */
export interface PolicyCell {
  readonly trustee: TrusteeFacts;
  readonly answers: PolicyAnswers;
  readonly pod: PodFacts;
  /** All claims that its initdata allows. */
  readonly claims: PodClaims;
  /** The claim that it most likely makes. */
  readonly claim: LikelyClaim;
  readonly secret: string;
  readonly key: string;
}
