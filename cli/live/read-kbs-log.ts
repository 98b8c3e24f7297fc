import { execa } from "execa";
import type { LogLine, PodLog } from "../explain/log.ts";
import { kubectlCluster } from "./kubectl.ts";
import type { NamedCluster } from "../../core/settings/cluster.ts";

/** How much of each pod's log is read. Lines. */
const TAIL = 5000;

/** Time limit for kubectl. Milliseconds. */
const TIMEOUT = 20_000;

/** A line as `kubectl logs --timestamps` prints it. */
function logLine(line: string): LogLine {
  const space = line.indexOf(" ");
  const stamp = space === -1 ? line : line.slice(0, space);
  return { at: Date.parse(stamp), text: space === -1 ? "" : line.slice(space + 1) };
}

async function readPodLog(
  cluster: NamedCluster,
  namespace: string,
  pod: string,
  timeout: number,
): Promise<PodLog> {
  const { exitCode, stdout, stderr, code, timedOut } = await execa(
    "kubectl",
    [
      ...kubectlCluster(cluster),
      ...["logs", pod, "--namespace", namespace, "--container", "kbs"],
      ...["--timestamps", "--tail", String(TAIL)],
    ],
    { reject: false, timeout, stdin: "ignore", forceKillAfterDelay: 1000 },
  );
  if (code === "ENOENT") return "kubectl is not on PATH";
  if (timedOut) return "kubectl timed out";
  if (exitCode !== 0) return stderr.trim().split("\n", 1).join("") || "kubectl failed without a message";
  return stdout.split("\n").map(logLine);
}

/**
 * Reads the log of each KBS pod separately: one command for all pods would not sort the lines by time.
 * @param timeout of kubectl, milliseconds
 */
export async function readKbsLogs(
  cluster: NamedCluster,
  namespace: string,
  pods: readonly string[],
  timeout = TIMEOUT,
): Promise<readonly PodLog[]> {
  return Promise.all(pods.map((pod) => readPodLog(cluster, namespace, pod, timeout)));
}
