import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Sandbox } from "../sandbox/api.ts";
import { CountingProxy } from "./counting-proxy.ts";
import { BenchProject } from "./projects.ts";

/** What one command asks of Trustee's API server. */
export interface CallResult {
  readonly pods: number;
  readonly command: "first up" | "no-change up" | "destroy";
  readonly writes: number;
  /** Without those that wait: see `waiting`. */
  readonly reads: number;
  /** Reads of what a rollout changes, repeated until it is done: they grow with its time, not with the pods. */
  readonly waiting: number;
}

/** What is read again and again while the KBS rolls out. */
const polled = /\/(deployments|replicasets|pods|events)(\/|$)/;

function count(pods: number, command: CallResult["command"], calls: readonly string[]): CallResult {
  const reads = calls.filter((call) => call.startsWith("GET "));
  const waiting = reads.filter((call) => polled.test(call));
  return {
    pods,
    command,
    writes: calls.length - reads.length,
    reads: reads.length - waiting.length,
    waiting: waiting.length,
  };
}

/** Trustee is reached through a proxy that counts, and the pods directly, as if they were in another cluster. */
export async function countCalls(
  sandbox: Sandbox,
  pods: number,
  say: (what: string) => void,
): Promise<readonly CallResult[]> {
  const folder = await mkdtemp(join(tmpdir(), "trustee-access-bench-"));
  const proxy = await CountingProxy.start(sandbox.kubeconfig);
  try {
    const kubeconfig = join(folder, "kubeconfig");
    await writeFile(kubeconfig, proxy.kubeconfig);
    const project = await BenchProject.ours(sandbox, pods, { kubeconfig });
    const results: CallResult[] = [];
    try {
      const commands = { "first up": "up", "no-change up": "up", destroy: "destroy" } as const;
      for (const command of Object.keys(commands) as (keyof typeof commands)[]) {
        say(`${pods} pods: the calls of ${command}`);
        proxy.take();
        await project.run(commands[command], "--yes", "--skip-preview");
        results.push(count(pods, command, proxy.take()));
      }
    } finally {
      await project.dispose();
    }
    return results;
  } finally {
    proxy.close();
    await rm(folder, { recursive: true, force: true });
  }
}
