import { existsSync, readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { z } from "zod";
import { generations } from "../../../core/trustee/generation.ts";
import { loadCluster } from "../../../kube/cluster.ts";
import { Cluster, log } from "./cluster.ts";
import { Kubelet } from "./kubelet.ts";
import { Operator } from "./operator.ts";
import { Pods } from "./pods.ts";

/** What the stand-ins are told by the file that is their only argument. */
const configurationSchema = z.object({
  generation: z.enum(generations),
  resourcePath: z.enum(["string", "array"]),
  kubeconfig: z.string(),
  opa: z.string(),
  curl: z.string(),
  logFolder: z.string(),
  kubeletPort: z.number(),
  kwokPort: z.number(),
  certificate: z.string(),
  key: z.string(),
  ca: z.string(),
  /** Exists once the CRDs are there: until then there is nothing to watch. */
  installedMarker: z.string(),
});

export type StandinConfiguration = z.infer<typeof configurationSchema>;

async function run(file: string): Promise<void> {
  const options = configurationSchema.parse(JSON.parse(readFileSync(file, "utf8")));
  const cluster = new Cluster(loadCluster({ kubeconfig: options.kubeconfig }));
  const pods = new Pods(cluster, options);
  await new Kubelet(pods, { ...options, port: options.kubeletPort }).start();
  while (!existsSync(options.installedMarker)) await sleep(50);
  pods.start();
  new Operator(cluster, options.generation).start();
  await cluster.start();
  log("the stand-ins are at work");
}

process.on("unhandledRejection", (error) => {
  log(`ERROR ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`);
});

await run(process.argv[2] ?? "");
