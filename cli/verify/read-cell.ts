import { execa } from "execa";
import { classify, type Outcome } from "../../core/access/outcome.ts";
import { curlCommand } from "../../core/initdata/agent-policy.ts";
import type { ExpectedCell, StackOutputs } from "../stack.ts";

/** One cell of the matrix, expected against seen. */
export interface VerifiedCell {
  readonly pod: string;
  readonly namespace: string;
  readonly secret: string;
  readonly key: string;
  readonly expected: "read" | "denied";
  readonly seen: Outcome;
  readonly ok: boolean;
}

function kubectlCluster(cluster: StackOutputs["podCluster"]): string[] {
  return [
    ...(cluster.kubeconfig === undefined ? [] : ["--kubeconfig", cluster.kubeconfig]),
    ...(cluster.context === undefined ? [] : ["--context", cluster.context]),
  ];
}

/**
 * Reads one secret from inside its pod, by the tutorial's own command. What curl prints is the secret itself, so it
 * stays in this function.
 * @param timeout milliseconds
 */
export async function readCell(
  cell: ExpectedCell,
  stack: StackOutputs,
  timeout: number,
): Promise<VerifiedCell> {
  const { pod, namespace, secret, key } = cell;
  const container = stack.pods[pod]?.container;
  const result = await execa(
    "kubectl",
    [
      ...kubectlCluster(stack.podCluster),
      "exec",
      pod,
      "--namespace",
      namespace,
      ...(container === undefined ? [] : ["--container", container]),
      "--",
      ...curlCommand(secret, key).split(" "),
    ],
    { reject: false, timeout },
  );
  const seen = classify({
    exitCode: result.exitCode,
    stdout: result.stdout,
    stderr: result.stderr,
    timedOut: result.timedOut,
  });
  const expected = cell.allowed ? "read" : "denied";
  return { pod, namespace, secret, key, expected, seen, ok: seen === expected };
}
