import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { FaultProxy } from "../support/fault-proxy.ts";
import { TestCluster } from "./cluster.ts";
import { Engine } from "./engine.ts";

let cluster: TestCluster;
let proxy: FaultProxy;
let engine: Engine;

beforeAll(async () => {
  cluster = await TestCluster.open();
  for (const name of ["kata-remote", "kata"]) cluster.apply({ kind: "RuntimeClass", metadata: { name } });
  proxy = await FaultProxy.start(cluster.kubeconfig);
  engine = await Engine.start(cluster, { kubeconfig: proxy.kubeconfig });
});
afterEach(() => {
  proxy.heal();
});
afterAll(async () => {
  await engine.stop();
  cluster.stop();
  proxy.stop();
});

async function ask(...namespaces: readonly string[]): Promise<unknown> {
  return engine.invoke("trustee:index:getPodCluster", { namespaces });
}

test("returns the namespaces that take no pods, and the RuntimeClasses", async () => {
  cluster.apply({ kind: "Namespace", metadata: { name: "closing", finalizers: ["kubernetes"] } });
  cluster.delete("Namespace", "closing");
  expect(await ask(cluster.namespace, "closing", "nowhere", "nowhere")).toStrictEqual({
    closedNamespaces: { closing: "terminating", nowhere: "missing" },
    runtimeClasses: ["kata", "kata-remote"],
  });
});

test("needs no right to read either", async () => {
  proxy.fault = () => ({ status: 403, message: "forbidden: no rule allows it" });
  expect(await ask("nowhere")).toStrictEqual({ closedNamespaces: {} });
});

test("reports all other failures", async () => {
  proxy.fault = () => ({ status: 401, message: "Unauthorized" });
  await expect(ask("nowhere")).rejects.toThrow(/Renew the credentials of this kubeconfig context\./);
});
