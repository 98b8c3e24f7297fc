import { createServer, request } from "node:http";
import { connect, type Socket } from "node:net";
import { afterEach, beforeEach, describe, expect, onTestFinished, test, vi } from "vitest";
import { KubeClient } from "../../kube/client.ts";
import { loadCluster } from "../../kube/cluster.ts";
import { UserError } from "../../core/issues.ts";
import { findProxy } from "../../kube/proxy.ts";
import { closedPort } from "../support/closed-port.ts";
import { listening } from "../support/listening.ts";
import { apiServer, certified, clientOf, folderWith, kubeconfigOf, ref } from "./api-server.ts";

beforeEach(() => {
  for (const name of ["HTTPS_PROXY", "HTTP_PROXY", "NO_PROXY"]) {
    vi.stubEnv(name, undefined);
    vi.stubEnv(name.toLowerCase(), undefined);
  }
});

afterEach(() => {
  vi.unstubAllEnvs();
});

/** A proxy that forwards everything to one local port, and records the requests. */
async function proxyTo(target: number): Promise<{ url: string; requests: string[]; credentials: unknown[] }> {
  const requests: string[] = [];
  const credentials: unknown[] = [];
  const sockets: Socket[] = [];
  const server = createServer((incoming, outgoing) => {
    requests.push(`${incoming.method ?? ""} ${incoming.url ?? ""}`);
    const path = new URL(incoming.url ?? "").pathname;
    request({ port: target, host: "127.0.0.1", path }, (answer) => answer.pipe(outgoing)).end();
  });
  server.on("connect", (incoming, socket: Socket) => {
    requests.push(`CONNECT ${incoming.url ?? ""}`);
    credentials.push(incoming.headers["proxy-authorization"]);
    const through = connect(target, "127.0.0.1", () => {
      socket.write("HTTP/1.1 200 Connection Established\r\n\r\n");
      through.pipe(socket).pipe(through);
    });
    sockets.push(socket, through);
    for (const each of [socket, through]) each.on("error", () => each.destroy());
  });
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy();
  });
  return { url: `127.0.0.1:${await listening(server)}`, requests, credentials };
}

const get = (kubeconfig: string): Promise<unknown> => clientOf({ kubeconfig }).get(ref);

describe("the environment's proxy", () => {
  test("is used for https, with its password, and the certificate is the API server's", async () => {
    const { files, tls } = await certified(folderWith({}), "server", "DNS:kube.example");
    const server = await apiServer(tls);
    const proxy = await proxyTo(server.port);
    vi.stubEnv("https_proxy", `http://me:pass@${proxy.url}`);
    const cluster = { "certificate-authority": files.certificate };
    expect(await get(kubeconfigOf({ server: "https://kube.example:6443", cluster }))).toBeDefined();
    expect(proxy.requests).toEqual(["CONNECT kube.example:6443"]);
    expect(proxy.credentials).toEqual([`Basic ${Buffer.from("me:pass").toString("base64")}`]);
  });

  test("is used for http, unless the kubeconfig has its own", async () => {
    const server = await apiServer();
    const [proxy, own] = [await proxyTo(server.port), await proxyTo(server.port)];
    vi.stubEnv("HTTP_PROXY", proxy.url);
    expect(await get(kubeconfigOf({ server: "http://kube.example" }))).toBeDefined();
    expect(proxy.requests).toHaveLength(1);
    const cluster = { "proxy-url": `http://${own.url}` };
    expect(await get(kubeconfigOf({ server: "http://kube.example", cluster }))).toBeDefined();
    expect(proxy.requests).toHaveLength(1);
    expect(own.requests).toHaveLength(1);
  });

  test("is not used for this machine", async () => {
    const server = await apiServer();
    vi.stubEnv("HTTP_PROXY", "http://nobody.example:3128");
    expect(await get(kubeconfigOf({ server: server.url }))).toBeDefined();
  });
});

describe("a proxy that fails", () => {
  /** The error of a failed read, without waits between tries. */
  async function refusal(kubeconfig: string): Promise<string> {
    const clock = { sleep: () => Promise.resolve() };
    const signal = new AbortController().signal;
    const kube = new KubeClient(loadCluster({ kubeconfig }), signal, undefined, clock);
    const error: unknown = await kube.get(ref).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ failure: "unreachable" });
    return (error as Error).message.replace(/^TA801 cannot get [^:]*: /, "");
  }

  test.each(["https", "http"])("is named if nothing listens there, with %s", async (scheme) => {
    const port = await closedPort();
    const variable = `${scheme.toUpperCase()}_PROXY`;
    vi.stubEnv(variable, `http://me:pass@127.0.0.1:${port}`);
    expect(await refusal(kubeconfigOf({ server: `${scheme}://kube.example:6443` }))).toBe(
      `the proxy http://127.0.0.1:${port} ($${variable}) cannot be reached: connect ECONNREFUSED 127.0.0.1:${port}. ` +
        `Start that proxy or correct $${variable}, or name kube.example in $NO_PROXY.`,
    );
  });

  test("is named if the kubeconfig sets it and its host does not exist", async () => {
    const cluster = { "proxy-url": "http://nobody.invalid:3128" };
    expect(await refusal(kubeconfigOf({ server: "https://kube.example:6443", cluster }))).toMatch(
      /^the proxy http:\/\/nobody\.invalid:3128 \(proxy-url of the kubeconfig's cluster "c"\) cannot be reached: getaddrinfo \w+ nobody\.invalid\. Start that proxy or correct proxy-url of the kubeconfig's cluster "c", or remove it from the kubeconfig\.$/,
    );
  });

  test("is named if it answers but cannot reach the API server", async () => {
    const server = createServer().on("connect", (_, socket: Socket) => {
      socket.end("HTTP/1.1 502 Bad Gateway\r\n\r\n");
    });
    const url = `http://127.0.0.1:${await listening(server)}`;
    vi.stubEnv("HTTPS_PROXY", url);
    expect(await refusal(kubeconfigOf({ server: "https://kube.example:6443" }))).toMatch(
      new RegExp(
        `^through the proxy ${url} \\(\\$HTTPS_PROXY\\), the API server cannot be reached: .*502.*\\. Start that`,
      ),
    );
  });
});

test.each([
  ["https://kube.example", { HTTPS_PROXY: "http://a:1", https_proxy: "http://b:1" }, "http://a:1"],
  ["https://kube.example", { HTTPS_PROXY: "", https_proxy: "http://b:1" }, "http://b:1"],
  ["https://kube.example", { HTTP_PROXY: "http://a:1", ALL_PROXY: "http://a:1" }, undefined],
  ["http://kube.example", { HTTPS_PROXY: "http://a:1" }, undefined],
  ["https://kube.example", { HTTPS_PROXY: "a:1" }, "http://a:1"],
  ["https://kube.example", { HTTPS_PROXY: "socks5://a:1" }, "socks5://a:1"],
  ["https://localhost:6443", { HTTPS_PROXY: "http://a:1" }, undefined],
  ["https://127.8.0.1", { HTTPS_PROXY: "http://a:1" }, undefined],
  ["https://[::1]:6443", { HTTPS_PROXY: "http://a:1" }, undefined],
  ["no URL", { HTTPS_PROXY: "http://a:1" }, undefined],
])("%s with %j", (server, environment, proxy) => {
  expect(findProxy(server, environment)?.url).toBe(proxy);
});

test.each([
  ["https://kube.example", "kube.example", true],
  ["https://KUBE.example", "Kube.Example", true],
  ["https://kube.example", "example", true],
  ["https://kube.example", ".example", true],
  ["https://kube.example", "*.example", true],
  ["https://kube.example", ".kube.example", false],
  ["https://kube.example", "be.example", false],
  ["https://kube.example", "other.example, kube.example", true],
  ["https://kube.example", "*", true],
  ["https://kube.example", " , ,", false],
  ["https://kube.example:6443", "kube.example:6443", true],
  ["https://kube.example:6443", "kube.example:443", false],
  ["https://kube.example", "example:443", true],
  ["https://10.1.2.3:6443", "10.0.0.0/8", true],
  ["https://10.1.2.3:6443", "10.1.2.3", true],
  ["https://10.1.2.3:6443", "10.1.2.3:443", false],
  ["https://11.1.2.3", "10.0.0.0/8", false],
  ["https://11.1.2.3", "10.0.0.0/99,x/8,10.0.0.0/", false],
  ["https://kube.example", "0.0.0.0/0", false],
  ["https://[fd00::1]:6443", "fd00::/8", true],
  ["https://[fd00::1]:6443", "fd00:0::1", true],
  ["https://[fd00::1]:6443", "[fd00::1]:6443", true],
  ["https://[fd00::1]:6443", "[fd00::1]:443", false],
  ["https://[fd00::1]:6443", "10.0.0.0/8", false],
])("%s with NO_PROXY=%s goes directly: %s", (server, no_proxy, direct) => {
  const proxy = "http://proxy.example:3128";
  const environment = { HTTPS_PROXY: proxy, no_proxy };
  expect(findProxy(server, environment)?.url).toBe(direct ? undefined : proxy);
});

test("refuses an invalid URL without quoting it", () => {
  expect(() => findProxy("https://kube.example", { HTTPS_PROXY: "http://me:secret@:x" })).toThrow(
    new UserError(
      "TA833",
      "$HTTPS_PROXY is not the URL of a proxy. Correct it, for example to http://proxy.example:3128, or name kube.example in $NO_PROXY.",
    ),
  );
});
