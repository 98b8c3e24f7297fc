import type { DenialReason } from "./kbs-log.ts";

/** What came of reading one secret from inside one pod. */
export const outcomes = [
  "read",
  "policy-denied",
  "denied",
  "absent",
  "attestation-failed",
  "kbs-not-asked",
  "exec-refused",
  "pod-missing",
  "pod-not-running",
  "cdh-unreachable",
  "timed-out",
  "failed",
] as const;
export type Outcome = (typeof outcomes)[number];

/** How an exec of curl ended. */
export interface ExecResult {
  readonly exitCode: number | undefined;
  readonly stdout: string;
  readonly stderr: string;
  readonly timedOut: boolean;
}

/** What each outcome means, for a person. */
export const outcomeWords: Readonly<Record<Outcome, string>> = {
  read: "the secret was read",
  "policy-denied": "the KBS's log says that the policy denied it",
  denied: "the KBS gave no secret; its log could not be read, or does not say why",
  absent: "the KBS's log says that it has no such secret, which the policy would have given out",
  "attestation-failed": "the KBS's log says that the pod did not attest",
  "kbs-not-asked":
    "the KBS's log shows no such request: the pod does not reach this KBS, or does not trust it",
  "exec-refused": "the agent policy of the pod refuses this exec command",
  "pod-missing": "there is no such pod",
  "pod-not-running": "the pod is not running",
  "cdh-unreachable": "the Confidential Data Hub in the pod does not answer",
  "timed-out": "no answer in time",
  failed: "the exec failed otherwise",
};

/** The body that the Confidential Data Hub answers with when the KBS gives it no secret. */
const CDH_FAILURE = "[CDH] [ERROR]: Get Resource failed";

/** What an exec alone tells: the CDH answers alike whatever the KBS denied for. */
export type ExecOutcome = Exclude<Outcome, DenialReason>;

/**
 * Tells what an exec of `curl -s <CDH>` came to. The secret's value is in stdout when it was read, so stdout is only
 * looked at, never handed on.
 */
export function classify(result: ExecResult): ExecOutcome {
  if (result.timedOut) return "timed-out";
  const { exitCode, stdout, stderr } = result;
  if (exitCode === 0) {
    if (stdout === "") return "failed";
    return stdout.includes(CDH_FAILURE) ? "denied" : "read";
  }
  if (stderr.includes("ExecProcessRequest is blocked by policy")) return "exec-refused";
  if (/pods? "[^"]*" not found|NotFound/.test(stderr)) return "pod-missing";
  if (
    /not running|is not a running|does not have a host assigned|is waiting to start|ContainerCreating|cannot exec (in|into) a (stopped|container in a completed)|container not found/i.test(
      stderr,
    )
  ) {
    return "pod-not-running";
  }
  if (exitCode === 7 || exitCode === 52 || exitCode === 56 || /exit code (7|52|56)\b/.test(stderr))
    return "cdh-unreachable";
  return "failed";
}

/**
 * Whether a cell is as the stack says. A secret that is not there, a pod that does not attest, or an exec that never came
 * to the KBS proves nothing about the policy, so that an expected denial has to be one by the policy, or at least one whose
 * reason nobody can see.
 */
export function isAsExpected(expected: "read" | "denied", seen: Outcome): boolean {
  return expected === "read" ? seen === "read" : seen === "policy-denied" || seen === "denied";
}
