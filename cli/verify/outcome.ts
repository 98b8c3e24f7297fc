import { defined } from "../../core/records.ts";
import type { DenialReason } from "../audit/kbs-log.ts";

/** The outcomes of reading a secret from inside a pod, and their meanings. */
export const outcomeWords = {
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
} as const;
export type Outcome = keyof typeof outcomeWords;

/** The result of an exec of curl. */
export interface ExecResult {
  readonly exitCode: number | undefined;
  readonly stdout: string;
  readonly stderr: string;
  readonly timedOut: boolean;
}

/** The CDH's message if it gets no secret, for any reason. */
const CDH_FAILURE = "[CDH] [ERROR]: Get Resource failed";

/** The start of an error message of the CDH or its ttrpc client. */
const RPC_STATUS = "rpc status: Status {";

/**
 * The start of that client's other errors: it lost the CDH or timed out.
 * @see https://github.com/containerd/ttrpc-rust/blob/master/src/error.rs
 */
const TTRPC_ERROR = /^(?:socket err: |Nix error: |ttrpc err: |eof$)/;

/**
 * The REST server's own bodies, for status 400, 403, 404 and 405.
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

/** kubectl's messages if it does not reach the pod, for example for a missing right. */
const KUBECTL_ERROR =
  /^(?:Error from server\b|error: You must be logged in|Unable to connect to the server\b).*$/m;

/** Longest error text that is shown. Characters. */
const MOST_TEXT = 200;

/** An outcome without the log: the CDH's answer is the same for every reason of a denial. */
export type ExecOutcome = Exclude<Outcome, DenialReason>;

/** An exec's outcome and the pod's error text, if any. */
export interface Classified {
  readonly outcome: ExecOutcome;
  /**
   * One line; only if its format is that of an error of the CDH, the REST server or kubectl, so it is not a
   * secret.
   */
  readonly text?: string;
}

/**
 * Separates secrets from errors by the body: `curl -s` does not print the status, and common agent policies
 * allow no other command. What looks like an error counts as one, so no failure passes as a secret.
 */
function classifyBody(body: string): Classified {
  const text = body.replaceAll(/\s+/g, " ").slice(0, MOST_TEXT);
  if (body === "") return { outcome: "failed" };
  if (body.startsWith(RPC_STATUS)) {
    return body.includes(CDH_FAILURE) ? { outcome: "denied" } : { outcome: "cdh-error", text };
  }
  if (TTRPC_ERROR.test(body)) return { outcome: "cdh-unreachable", text };
  if (restBodies.includes(body.trim())) return { outcome: "cdh-error", text };
  // An unknown format, but certainly the CDH's message.
  return body.includes(CDH_FAILURE) ? { outcome: "cdh-error" } : { outcome: "read" };
}

/**
 * Classifies an exec of `curl -s <CDH>`. stdout may be the secret, so it is only passed on if it is an error.
 */
export function classify(result: ExecResult): Classified {
  if (result.timedOut) return { outcome: "timed-out" };
  const { exitCode, stdout, stderr } = result;
  if (exitCode === 0) return classifyBody(stdout);
  const outcome = classifyFailure(exitCode, stderr);
  const [text] = outcome === "failed" ? (KUBECTL_ERROR.exec(stderr) ?? []) : [];
  return { outcome, ...defined({ text: text?.slice(0, 2 * MOST_TEXT) }) };
}

/** kubectl's messages for a pod that is not running. */
const NOT_RUNNING =
  /not running|is not a running|does not have a host assigned|is waiting to start|ContainerCreating|cannot exec (in|into) a (stopped|container in a completed)|container not found/i;

function classifyFailure(exitCode: number | undefined, stderr: string): ExecOutcome {
  if (stderr.includes("ExecProcessRequest is blocked by policy")) return "exec-refused";
  if (/pods? "[^"]*" not found|NotFound/.test(stderr)) return "pod-missing";
  if (NOT_RUNNING.test(stderr)) return "pod-not-running";
  // curl's: it could not connect, or the connection broke.
  const codes = [7, 52, 56];
  const isCdh = codes.some((code) => exitCode === code || new RegExp(`exit code ${code}\\b`).test(stderr));
  return isCdh ? "cdh-unreachable" : "failed";
}

/**
 * Whether a cell matches the stack. An expected denial must be one by the policy, or one of unknown reason: a
 * missing secret, a failed attestation or a failed exec proves nothing about the policy.
 */
export function isAsExpected(expected: "read" | "denied", seen: Outcome): boolean {
  return expected === "read" ? seen === "read" : seen === "policy-denied" || seen === "denied";
}
