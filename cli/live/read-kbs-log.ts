import type { LogLine, PodLog } from "../explain/log.ts";
import { messageOf } from "../../core/records.ts";
import type { KubeClient } from "../../kube/client.ts";
import { KubeError } from "../../kube/errors.ts";

/** How much of each pod's log is read. Lines. */
const TAIL = 5000;

/** A line with its time stamp. */
function logLine(line: string): LogLine {
  const space = line.indexOf(" ");
  const stamp = space === -1 ? line : line.slice(0, space);
  return { at: Date.parse(stamp), text: space === -1 ? "" : line.slice(space + 1) };
}

async function readPodLog(kube: KubeClient, namespace: string, pod: string): Promise<PodLog> {
  try {
    const text = await kube.logTail(namespace, pod, "kbs", { tailLines: TAIL, timestamps: true });
    return text.trimEnd().split("\n").map(logLine);
  } catch (error) {
    return error instanceof KubeError ? error.detail : messageOf(error);
  }
}

/** Reads the log of each KBS pod. */
export async function readKbsLogs(
  kube: KubeClient,
  namespace: string,
  pods: readonly string[],
): Promise<readonly PodLog[]> {
  return Promise.all(pods.map((pod) => readPodLog(kube, namespace, pod)));
}
