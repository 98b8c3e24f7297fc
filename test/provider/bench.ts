import { afterAll, afterEach } from "vitest";
import type { Generation } from "../../core/trustee/generation.ts";
import { FaultProxy } from "../support/fault-proxy.ts";
import { TestCluster } from "./cluster.ts";
import { Engine } from "./engine.ts";

/**
 * A cluster for all tests of a file, and the engines of two stacks on it: `dev` and `other`.
 * @param generation of its Trustee. @default an empty namespace
 */
export async function bench(generation?: Generation) {
  const cluster = await (generation === undefined ? TestCluster.open() : TestCluster.withTrustee(generation));
  const engine = await Engine.start(cluster);
  const other = await Engine.start(cluster, { stack: "other" });
  afterAll(async () => {
    await engine.stop();
    await other.stop();
    cluster.stop();
  });
  return { cluster, engine, other };
}

/** The same with one engine, which reaches the cluster through a proxy with faults. Each test begins without. */
export async function faultyBench(generation?: Generation) {
  const { cluster } = await bench(generation);
  const proxy = await FaultProxy.start(cluster.kubeconfig);
  const engine = await Engine.start(cluster, { kubeconfig: proxy.kubeconfig });
  afterEach(() => {
    proxy.heal();
  });
  afterAll(async () => {
    await engine.stop();
    proxy.stop();
  });
  return { cluster, engine, proxy };
}
