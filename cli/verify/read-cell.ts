import { execa } from "execa";
import { judgeDenial, type Denial } from "../audit/kbs-log.ts";
import { classify, isAsExpected, type Classified, type Outcome } from "./outcome.ts";
import { curlCommand } from "../../core/initdata/agent-policy.ts";
import { defined, own } from "../../core/records.ts";
import { UserError } from "../../core/issues.ts";
import type { ExpectedCell } from "../audit/stack.ts";
import type { StackOutputs } from "../../core/plan/outputs.ts";
import type { KbsLog } from "./kbs-log.ts";
import { kubectlCluster } from "./kubectl.ts";

/** A cell of the matrix: expected and seen. */
export interface VerifiedCell {
  /** Its name in grants. */
  readonly reader: string;
  readonly pod: string;
  readonly namespace: string;
  readonly secret: string;
  readonly key: string;
  readonly expected: "read" | "denied";
  readonly seen: Outcome;
  readonly ok: boolean;
  /** Seconds. */
  readonly time: number;
  /** The lines of the KBS's log with the reason of a denial. */
  readonly evidence: readonly string[];
  /** Details in one line: an error's text, or why the pod does not attest well. */
  readonly detail?: string;
}

/** A cell, and whether the reason of its denial is certainly its own. */
export interface ReadCell {
  readonly cell: VerifiedCell;
  readonly sure: boolean;
}

/** The tutorial's command. curl prints the secret, so the output stays in this function. */
async function execCurl(cell: ExpectedCell, stack: StackOutputs, timeout: number): Promise<Classified> {
  const container = own(stack.pods, cell.reader)?.container;
  const { code, exitCode, stdout, stderr, timedOut } = await execa(
    "kubectl",
    [
      ...kubectlCluster(stack.podCluster),
      ...["exec", cell.target ?? cell.pod, "--namespace", cell.namespace],
      ...(container === undefined ? [] : ["--container", container]),
      ...["--", ...curlCommand(cell.secret, cell.key).split(" ")],
    ],
    { reject: false, timeout, stdin: "ignore", forceKillAfterDelay: 1000 },
  );
  if (code === "ENOENT") {
    throw new UserError("TA953", "kubectl is not on PATH. Install it, or eval the sandbox's environment.");
  }
  return classify({ exitCode, stdout, stderr, timedOut });
}

const unknown: Denial = { sure: true, evidence: [] };

/**
 * Reads a secret from inside its pod. If it is denied, finds the reason in the KBS's log.
 * @param timeout of the exec, milliseconds
 * @param log absent: it cannot be read
 */
export async function readCell(
  cell: ExpectedCell,
  stack: StackOutputs,
  timeout: number,
  log: KbsLog | undefined,
): Promise<ReadCell> {
  const started = performance.now();
  const { reader, pod, namespace, secret, key } = cell;
  const path = `resource/default/${secret}/${key}`;
  const mark = log?.mark() ?? 0;
  const { outcome, text } = await execCurl(cell, stack, timeout);
  let denial = unknown;
  if (outcome === "denied" && log !== undefined) {
    const events = await log.since(mark, path);
    const complete = log.showsRequests && log.problem === undefined;
    denial = judgeDenial(events, path, { complete });
  }
  const { reason, evidence, sure } = denial;
  const seen = reason ?? outcome;
  const expected = cell.allowed ? "read" : "denied";
  const time = Math.round(performance.now() - started) / 1000;
  const ok = isAsExpected(expected, seen);
  const found = { reader, pod, namespace, secret, key, expected, seen, ok, time, evidence } as const;
  return { cell: { ...found, ...defined({ detail: text }) }, sure };
}
