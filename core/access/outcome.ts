/** What came of reading one secret from inside one pod. */
export const outcomes = [
  "read",
  "denied",
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
  denied: "the KBS gave no secret: denied by the policy, not attested, or not there",
  "exec-refused": "the agent policy of the pod refuses this exec command",
  "pod-missing": "there is no such pod",
  "pod-not-running": "the pod is not running",
  "cdh-unreachable": "the Confidential Data Hub in the pod does not answer",
  "timed-out": "no answer in time",
  failed: "the exec failed otherwise",
};

/** The body that the Confidential Data Hub answers with when the KBS gives it no secret. */
const CDH_FAILURE = "[CDH] [ERROR]: Get Resource failed";

/**
 * Tells what an exec of `curl -s <CDH>` came to. The secret's value is in stdout when it was read, so stdout is only
 * looked at, never handed on.
 */
export function classify(result: ExecResult): Outcome {
  if (result.timedOut) return "timed-out";
  const { exitCode, stdout, stderr } = result;
  if (exitCode === 0) return stdout.includes(CDH_FAILURE) || stdout === "" ? "denied" : "read";
  if (stderr.includes("ExecProcessRequest is blocked by policy")) return "exec-refused";
  if (/pods? "[^"]*" not found|NotFound/.test(stderr)) return "pod-missing";
  if (
    /not running|is waiting to start|ContainerCreating|cannot exec (in|into) a (stopped|completed)|unable to upgrade connection: container not found|container not found/i.test(
      stderr,
    )
  ) {
    return "pod-not-running";
  }
  if (exitCode === 7 || exitCode === 52 || exitCode === 56 || /exit code (7|52|56)\b/.test(stderr))
    return "cdh-unreachable";
  return "failed";
}
