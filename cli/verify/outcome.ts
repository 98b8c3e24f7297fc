import type { DenialReason } from "../audit/kbs-log.ts";

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
  "cdh-error",
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
  "policy-denied": "the policy denied it, by the KBS's log",
  denied: "the KBS denied it; its log could not be read or does not say why",
  absent: "the policy allows it, but the KBS has no such secret, by its log",
  "attestation-failed": "the pod does not attest well, by the KBS's log or by the live reference values",
  "kbs-not-asked": "the KBS's log shows no such request: the pod does not reach or does not trust this KBS",
  "exec-refused": "the pod's agent policy denies this exec command",
  "pod-missing": "there is no such pod",
  "pod-not-running": "the pod is not running",
  "cdh-unreachable": "the Confidential Data Hub in the pod does not answer",
  "cdh-error": "the pod's REST server or Confidential Data Hub answered with an error",
  "timed-out": "no answer in time",
  failed: "the exec failed for another reason",
};

/** What the Confidential Data Hub says when it gets no secret, for whatever reason. */
const CDH_FAILURE = "[CDH] [ERROR]: Get Resource failed";

/** How an error begins that the CDH, or the ttrpc client in front of it, answers with in words. */
const RPC_STATUS = "rpc status: Status {";

/**
 * How the other errors of that client begin: it has lost the CDH, or gets no answer from it in time.
 * @see https://github.com/containerd/ttrpc-rust/blob/master/src/error.rs
 */
const TTRPC_ERROR = /^(?:socket err: |Nix error: |ttrpc err: |eof$)/;

/**
 * The bodies that the REST server answers with of its own accord, with status 400, 403, 404 and 405.
 * @see https://github.com/confidential-containers/guest-components/blob/main/api-server-rest/src/router.rs
 */
const restBodies: readonly string[] = [
  "BAD REQUEST",
  "Forbidden",
  "URL NOT FOUND",
  "Method Not Allowed",
  "Resource Feature Not Enabled",
  "Attestation Feature Not Enabled",
];

/** How kubectl says that it was refused, or got no answer, before it came to the pod: a missing right, for one. */
const KUBECTL_ERROR =
  /^(?:Error from server\b|error: You must be logged in|Unable to connect to the server\b).*$/m;

/** Of an error's text, at most this much is shown. Characters. */
const MOST_TEXT = 200;

/** What an exec alone tells: the CDH answers alike whatever the KBS denied for. */
export type ExecOutcome = Exclude<Outcome, DenialReason>;

/** An exec's outcome, with what the pod said where that is an error's text. */
export interface Classified {
  readonly outcome: ExecOutcome;
  /** One line; only of an error that is the CDH's, the REST server's or kubectl's by its form, so that it is no secret. */
  readonly text?: string;
}

/**
 * Tells a secret from an error by the body alone: `curl -s` does not tell the status, and the agent policies that are in
 * use allow no other command. What looks like an error is taken for one, so that no failure passes for a secret.
 */
function classifyBody(body: string): Classified {
  const text = body.replaceAll(/\s+/g, " ").slice(0, MOST_TEXT);
  if (body === "") return { outcome: "failed" };
  if (body.startsWith(RPC_STATUS)) {
    return body.includes(CDH_FAILURE) ? { outcome: "denied" } : { outcome: "cdh-error", text };
  }
  if (TTRPC_ERROR.test(body)) return { outcome: "cdh-unreachable", text };
  if (restBodies.includes(body.trim())) return { outcome: "cdh-error", text };
  // Its form is another one than that of the releases that are known; whose words these are is sure all the same.
  return body.includes(CDH_FAILURE) ? { outcome: "cdh-error" } : { outcome: "read" };
}

/**
 * Tells what an exec of `curl -s <CDH>` came to. The secret's value is in stdout when it was read, so stdout is only
 * looked at, and handed on where it is an error.
 */
export function classify(result: ExecResult): Classified {
  if (result.timedOut) return { outcome: "timed-out" };
  const { exitCode, stdout, stderr } = result;
  if (exitCode === 0) return classifyBody(stdout);
  const outcome = classifyFailure(exitCode, stderr);
  const [text] = outcome === "failed" ? (KUBECTL_ERROR.exec(stderr) ?? []) : [];
  return { outcome, ...(text === undefined ? {} : { text: text.slice(0, 2 * MOST_TEXT) }) };
}

function classifyFailure(exitCode: number | undefined, stderr: string): ExecOutcome {
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
 * Whether a cell matches the stack's access matrix. A secret that is not there, a pod that does not attest, or an exec that never came
 * to the KBS proves nothing about the policy, so that an expected denial has to be one by the policy, or at least one whose
 * reason nobody can see.
 */
export function isAsExpected(expected: "read" | "denied", seen: Outcome): boolean {
  return expected === "read" ? seen === "read" : seen === "policy-denied" || seen === "denied";
}
