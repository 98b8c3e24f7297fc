import { readFileSync } from "node:fs";
import { request } from "node:https";
import { join } from "node:path";
import { beforeAll, expect, test } from "vitest";
import { clusterCertificates } from "../../../sandbox/control-plane/certificates.ts";
import { type Sandbox, startSandbox } from "../../../sandbox/api.ts";
import { readRunState } from "../../../sandbox/state/run-state.ts";
import { readStandinConfiguration } from "../../../sandbox/trustee/standin/configuration.ts";
import { BUILD_TIMEOUT, ownHome } from "./support.ts";

// The attacker has an account on this machine, but cannot read this user's files.
let sandbox: Sandbox;

beforeAll(async () => {
  const removeHome = await ownHome();
  sandbox = await startSandbox({ name: "others" });
  return removeHome;
}, BUILD_TIMEOUT);

const port = (name: string): number => readRunState(sandbox.dir)?.ports[name] ?? 0;

/** Runs a command in a container through kwok's server, which needs no certificate. @returns the answer */
async function execInKwok(container: string): Promise<string> {
  const path = `exec/default/pod1/${container}?command=echo&command=it-ran&output=1&error=1`;
  const socket = new WebSocket(`ws://127.0.0.1:${port("kwok")}/${path}`, ["v4.channel.k8s.io"]);
  socket.binaryType = "arraybuffer";
  let answer = "";
  await new Promise<void>((resolve) => {
    socket.onmessage = ({ data }) => {
      answer += data instanceof ArrayBuffer ? Buffer.from(data).toString() : String(data);
    };
    socket.onerror = socket.onclose = () => {
      resolve();
    };
  });
  return answer;
}

test("runs commands in kwok only for the kubelet, which knows the secret container name", async () => {
  const { execContainer } = readStandinConfiguration(join(sandbox.dir, "standins.json"));
  expect(execContainer).toMatch(/^[0-9a-f]{64}$/);
  expect(await execInKwok(execContainer)).toContain("it-ran");
  for (const guess of ["fraud-detection", "kbs", "local", `${execContainer}0`, execContainer.slice(1)]) {
    const answer = await execInKwok(guess);
    expect(answer).toContain(`no exec found for container`);
    expect(answer).not.toContain("it-ran");
  }
});

/** GET /version over TLS. @returns its status, or the error's code */
async function version(name: string, identity: { readonly cert?: Buffer; readonly key?: Buffer }) {
  const { ca } = clusterCertificates(join(sandbox.dir, "certificates"));
  const options = { host: "127.0.0.1", port: port(name), path: "/version", ca: readFileSync(ca.certificate) };
  return new Promise<number | "refused">((resolve) => {
    const call = request({ ...options, ...identity, agent: false }, (response) => {
      response.resume();
      resolve(response.statusCode ?? 0);
    });
    call.on("error", () => {
      resolve("refused");
    });
    call.end();
  });
}

test("requires a client certificate in etcd and the kubelet, and authentication in the API server", async () => {
  const { etcd, kubeletClient, admin } = clusterCertificates(join(sandbox.dir, "certificates"));
  const as = ({ certificate, key }: { readonly certificate: string; readonly key: string }) => ({
    cert: readFileSync(certificate),
    key: readFileSync(key),
  });
  expect({
    etcd: [await version("etcd", as(etcd)), await version("etcd", {})],
    etcdPeer: [await version("etcdPeer", as(etcd)), await version("etcdPeer", {})],
    kubelet: [await version("kubelet", as(kubeletClient)), await version("kubelet", {})],
    apiServer: [await version("apiServer", as(admin)), await version("apiServer", {})],
  }).toEqual({
    etcd: [200, "refused"],
    etcdPeer: [200, "refused"],
    kubelet: [404, "refused"],
    apiServer: [200, 401],
  });
});
