/** One thing that has to hold for a pod to be given a secret, in the order in which a request meets them. */
export interface Condition {
  /** Stable, for machines. */
  readonly id: ConditionId;
  /** `unknown`: it cannot be told from outside, or what would tell it could not be read. */
  readonly status: "holds" | "fails" | "unknown";
  /** What was found, one line. */
  readonly detail: string;
  /** What would have to be; only where it fails. One line each. */
  readonly expected?: readonly string[];
  /** What is instead; only where it fails. */
  readonly seen?: string;
  /** The next step, in the imperative; only where it does not hold. */
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

/** What the KBS's log says of the last request for the secret. */
export interface LastRequest {
  readonly outcome: "given" | "denied";
  /** Whether it was this pod that was answered; `false`: the log has another address, be it a router's. */
  readonly own: boolean;
  /** In words. */
  readonly what: string;
  readonly lines: readonly string[];
}

/** Why a pod is, or is not, given a secret. */
export interface Explanation {
  /** `namespace/name`. */
  readonly pod: string;
  /** `secret/key`. */
  readonly secret: string;
  /** `uncertain`: nothing is known to fail, but not all could be told. */
  readonly verdict: "allowed" | "denied" | "uncertain";
  /** Why, one sentence. */
  readonly because: string;
  readonly conditions: readonly Condition[];
  /** Absent: the log shows no request for it. A string: why the log could not be read. */
  readonly log?: LastRequest | string;
  /** What to do next; empty where there is nothing to do. */
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
