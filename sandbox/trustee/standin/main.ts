import { existsSync } from "node:fs";
import { flushCompileCache } from "node:module";
import { setTimeout as sleep } from "node:timers/promises";
import { loadCluster } from "../../../kube/cluster.ts";
import { Cluster, log } from "./cluster.ts";
import { readStandinConfiguration } from "./configuration.ts";
import { Kubelet } from "./kubelet.ts";
import { Operator } from "./operator.ts";
import { Pods } from "./pods.ts";

async function run(file: string): Promise<void> {
  const options = readStandinConfiguration(file);
  const cluster = new Cluster(loadCluster({ kubeconfig: options.kubeconfig }));
  const pods = new Pods(cluster, options);
  await new Kubelet(pods, { ...options, port: options.kubeletPort }).start();
  while (!existsSync(options.installedMarker)) await sleep(50);
  pods.start();
  new Operator(cluster, options).start();
  await cluster.start();
  log("the stand-ins have started");
  // Node stores its compiled code when a process exits by itself. The stand-ins are killed.
  flushCompileCache();
}

process.on("unhandledRejection", (error) => {
  log(`ERROR ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`);
});

await run(process.argv[2] ?? "");
