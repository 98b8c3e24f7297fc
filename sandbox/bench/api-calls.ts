import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { dirname } from "node:path/posix";
import type { Sandbox } from "../api.ts";
import { CountingProxy, type Call } from "./counting-proxy.ts";
import { BenchProject } from "./projects.ts";

/** The calls of one command to Trustee's API server. */
export interface CallResult {
  readonly pods: number;
  readonly command: "first up" | "no-change up" | "destroy";
  /**
   * As `METHOD path`, sorted. Calls whose number depends on timing are left out:
   * - those that `rollout` and `conflicts` count
   * - reads of a deleted object or its kind: the Kubernetes plugin repeats them until the object is gone
   */
  readonly calls: readonly string[];
  /** Calls for the rollout of the KBS: its Deployment, pods and events. */
  readonly rollout: number;
  /** Writes that failed with a conflict. The read before such a write is not counted either. */
  readonly conflicts: number;
}

const ROLLOUT = /\/(deployments|replicasets|pods|events)(\/|$)/;
const CONFLICT = 409;

function count(pods: number, command: CallResult["command"], all: readonly Call[]): CallResult {
  const others = all.filter(({ path }) => !ROLLOUT.test(path));
  const deleted = new Set<string>();
  const settled = others.filter(({ method, path }) => {
    if (method === "DELETE") deleted.add(path).add(dirname(path));
    return method !== "GET" || !deleted.has(path);
  });
  const conflicts = settled.filter(({ status }) => status === CONFLICT);
  const calls = settled
    .filter((call) => call.status !== CONFLICT)
    .map(({ method, path }) => `${method} ${path}`);
  for (const { path } of conflicts) {
    const read = calls.indexOf(`GET ${path}`);
    if (read !== -1) calls.splice(read, 1);
  }
  return {
    pods,
    command,
    calls: calls.sort(),
    rollout: all.length - others.length,
    conflicts: conflicts.length,
  };
}

/** Whether a call of a {@link CallResult} is a write. */
export function isWrite(call: string): boolean {
  return !call.startsWith("GET ");
}

/** A Pulumi project with one stack. */
export type CountedProject = Pick<BenchProject, "run" | "dispose">;

/**
 * Counts the calls to Trustee's API server. The stack reaches Trustee through a proxy, and the cluster of the pods directly.
 * @param make creates the project of the fleet, with this value of the setting `trustee`
 */
export async function countCalls(
  sandbox: Sandbox,
  pods: number,
  say: (what: string) => void,
  make: (trustee: Readonly<Record<string, string>>) => Promise<CountedProject> = async (trustee) =>
    BenchProject.ours(sandbox, pods, trustee),
): Promise<readonly CallResult[]> {
  const folder = await mkdtemp(join(tmpdir(), "trustee-access-bench-"));
  const proxy = await CountingProxy.start(sandbox.kubeconfig);
  try {
    const kubeconfig = join(folder, "kubeconfig");
    await writeFile(kubeconfig, proxy.kubeconfig);
    const project = await make({ kubeconfig });
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
