import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { closedPort } from "../support/closed-port.ts";
import { FaultProxy } from "../support/fault-proxy.ts";
import { kubeconfigOf } from "../kube/api-server.ts";
import { TestCluster } from "./cluster.ts";
import { Engine } from "./engine.ts";
import { trusteeArgs } from "./trustee-args.ts";

let cluster: TestCluster;
let proxy: FaultProxy;
beforeAll(async () => {
  cluster = await TestCluster.withTrustee("0.21");
  proxy = await FaultProxy.start(cluster.kubeconfig);
});
afterEach(() => {
  proxy.heal();
});
afterAll(() => {
  cluster.stop();
  proxy.stop();
});

/** The message for an unreachable Trustee: one problem, even if several reads failed. */
async function problem(kubeconfig: string): Promise<string> {
  const engine = await Engine.start(cluster, { kubeconfig });
  try {
    const args = trusteeArgs(undefined, { existingSecrets: ["a", "b"] });
    await engine.invoke("trustee:index:getTrustee", args);
    return "no problem";
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  } finally {
    await engine.stop();
  }
}

const HEAD =
  '2 UNKNOWN: 1 problem in the Trustee in namespace "trustee-operator-system"; nothing was changed.\n';

test("names a missing sign-in plugin", async () => {
  const exec = { command: "exampleauth", installHint: "Install it from https://example.com/auth" };
  expect(await problem(kubeconfigOf({ server: "https://kube.example", user: { exec } }))).toBe(
    `${HEAD}  - TA802 trustee.kubeconfig: the kubeconfig's sign-in fails: the plugin "exampleauth" of the user "u" is not installed\n` +
      "      allowed: a kubeconfig whose user can sign in\n" +
      "      to fix: Install it from https://example.com/auth.",
  );
});

test("reports refused credentials", async () => {
  proxy.fault = () => ({ status: 401, message: "Unauthorized" });
  const { server } = (JSON.parse(proxy.kubeconfig) as { clusters: { cluster: { server: string } }[] })
    .clusters[0]?.cluster ?? { server: "" };
  expect(await problem(proxy.kubeconfig)).toBe(
    `${HEAD}  - TA802 trustee.kubeconfig: credentials that the API server ${server} refuses: Unauthorized\n` +
      "      allowed: a kubeconfig whose user can sign in\n" +
      "      to fix: Renew the credentials of this kubeconfig context: kubectl auth whoami",
  );
});

test("names a proxy that does not answer", { timeout: 60_000 }, async () => {
  const url = `http://127.0.0.1:${await closedPort()}`;
  const kubeconfig = kubeconfigOf({ server: "https://kube.example", cluster: { "proxy-url": url } });
  const from = `proxy-url of the kubeconfig's cluster "c"`;
  expect(await problem(kubeconfig)).toBe(
    `${HEAD}  - TA801 trustee.kubeconfig: the proxy ${url} (${from}) cannot be reached: connect ECONNREFUSED ${url.slice(7)}\n` +
      "      allowed: a cluster that answers\n" +
      `      to fix: Start that proxy or correct ${from}, or remove it from the kubeconfig.`,
  );
});
