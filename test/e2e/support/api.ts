import { Writable } from "node:stream";
import type { Sandbox } from "../../../sandbox/api.ts";
import { KubeClient } from "../../../kube/client.ts";
import { loadCluster } from "../../../kube/cluster.ts";
import type { KubeConfig } from "../../../kube/client-library.ts";

export const NAMESPACE = "trustee-operator-system";

const clusters = new WeakMap<Sandbox, KubeConfig>();

/** The sandbox's kubeconfig. It is read once, and its connections are shared. */
export function clusterOf(sandbox: Sandbox): KubeConfig {
  const known = clusters.get(sandbox);
  if (known !== undefined) return known;
  const cluster = loadCluster({ kubeconfig: sandbox.kubeconfig });
  clusters.set(sandbox, cluster);
  return cluster;
}

/**
 * A client of the sandbox's API server in this process. To run `kubectl` for each read would take most of the
 * time.
 */
export function api(sandbox: Sandbox): KubeClient {
  return new KubeClient(clusterOf(sandbox), AbortSignal.timeout(600_000));
}

interface Printed {
  readonly stdout: string;
  readonly stderr: string;
}

/**
 * Runs a command in a pod, as `kubectl exec` does.
 * @returns what it printed, and the API server's status: `Success` if the command's exit code is 0
 * @throws if there is no connection to the pod, or if it breaks
 */
export async function execIn(
  sandbox: Sandbox,
  pod: string,
  namespace: string,
  command: readonly string[],
): Promise<Printed & { readonly status: string | undefined }> {
  // Only here: the whole library takes long to load.
  const { Exec, KubeConfig } = await import("@kubernetes/client-node");
  const config = new KubeConfig();
  config.loadFromFile(sandbox.kubeconfig);
  const printed = { stdout: "", stderr: "" };
  const into = (stream: keyof Printed): Writable =>
    new Writable({
      write(chunk: Buffer, _, done) {
        printed[stream] += chunk.toString();
        done();
      },
    });
  const ended = await new Promise<{ readonly status?: string }>((resolve, reject) => {
    new Exec(config)
      .exec(namespace, pod, "", [...command], into("stdout"), into("stderr"), null, false, resolve)
      .then((socket: unknown) => {
        (socket as { onclose: () => void }).onclose = () => {
          reject(new Error(`exec in ${pod} ended without a status`));
        };
      }, reject);
  });
  return { ...printed, status: ended.status };
}

/**
 * The standard output of a command in a pod.
 * @throws Error with its standard error if it fails
 */
export async function exec(
  sandbox: Sandbox,
  pod: string,
  namespace: string,
  command: readonly string[],
): Promise<string> {
  const { status, stdout, stderr } = await execIn(sandbox, pod, namespace, command);
  if (status !== "Success") throw new Error(`exec in ${pod} failed: ${String(status)} ${stderr}`);
  return stdout;
}
