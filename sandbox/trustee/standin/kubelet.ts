import { once } from "node:events";
import { readFileSync } from "node:fs";
import type { IncomingMessage, ServerResponse } from "node:http";
import { createServer } from "node:https";
import type { Duplex } from "node:stream";
import { connect } from "node:tls";
import { messageOf } from "../../../core/records.ts";
import { log } from "./cluster.ts";
import { isOfGuest, serveGuest } from "./guest-route.ts";
import type { Kbs } from "./kbs.ts";
import type { Measurement } from "./measurement.ts";
import type { Pods } from "./pods.ts";
import { evaluate } from "./rego.ts";

interface KubeletOptions {
  readonly port: number;
  /** The port of kwok's kubelet server, which runs the commands. */
  readonly kwokPort: number;
  /** The secret container name for kwok's exec. */
  readonly execContainer: string;
  /** PEM files. Clients need a certificate of this CA. */
  readonly certificate: string;
  readonly key: string;
  readonly ca: string;
  readonly opa: string;
  /** The curl program, the only one in the sandbox's containers. */
  readonly curl: string;
}

/**
 * The kubelet of the sandbox's node, in front of kwok's.
 * - It serves logs.
 * - It forwards an exec to kwok if the pod's agent policy allows it. In the command, 127.0.0.1:8006 is the
 *   pod's CDH.
 * - It lets guests of other sandboxes reach this sandbox's KBS.
 */
export class Kubelet {
  readonly #pods: Pods;
  readonly #options: KubeletOptions;

  constructor(pods: Pods, options: KubeletOptions) {
    this.#pods = pods;
    this.#options = options;
  }

  async start(): Promise<void> {
    const { certificate, key, ca, port } = this.#options;
    const server = createServer(
      { cert: readFileSync(certificate), key: readFileSync(key), ca: readFileSync(ca), requestCert: true },
      (request, response) => {
        this.#respond(request, response).catch((error: unknown) => {
          response.writeHead(500).end(messageOf(error));
        });
      },
    );
    server.on("upgrade", (request: IncomingMessage, socket: Duplex, head: Buffer) => {
      socket.on("error", () => undefined);
      this.#exec(request, socket, head).catch((error: unknown) => {
        refuse(socket, messageOf(error));
      });
    });
    server.listen(port, "127.0.0.1");
    await once(server, "listening");
  }

  async #respond(request: IncomingMessage, response: ServerResponse): Promise<void> {
    if (!isOfGuest(request)) await this.#logs(request, response);
    else await serveGuest(request, response, async (asked) => this.#pods.answer(asked));
  }

  async #logs(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? "", "https://kubelet");
    const [, kind, namespace = "", name = ""] = url.pathname.split("/");
    const found = this.#pods.find(namespace, name);
    if (kind !== "containerLogs" || found === undefined) {
      response.writeHead(404).end("not found");
      return;
    }
    if (found.confidential !== undefined) {
      const { measurement } = found.confidential.guest;
      const why = await refusal(this.#options.opa, measurement, "ReadStreamRequest", {});
      response.writeHead(why === undefined ? 200 : 500).end(why);
      return;
    }
    if (found.kbs === undefined) response.writeHead(200).end();
    else sendLog(found.kbs, url.searchParams, response);
  }

  async #exec(request: IncomingMessage, socket: Duplex, head: Buffer): Promise<void> {
    const url = new URL(request.url ?? "", "https://kubelet");
    const [, kind, namespace = "", name = ""] = url.pathname.split("/");
    if (kind !== "exec") {
      refuse(socket, `the sandbox has no ${kind ?? ""}: only exec and logs`);
      return;
    }
    const command = url.searchParams.getAll("command");
    const confidential = this.#pods.find(namespace, name)?.confidential;
    if (confidential === undefined) {
      refuse(
        socket,
        `pod ${namespace}/${name} is not a running confidential pod: the sandbox runs commands in those only`,
      );
      return;
    }
    const { opa, curl } = this.#options;
    const why = await refusal(opa, confidential.guest.measurement, "ExecProcessRequest", {
      process: { Args: command },
    });
    if (why !== undefined) {
      log(`exec in ${namespace}/${name} refused by its agent policy: ${command.join(" ")}`);
      refuse(socket, why);
      return;
    }
    const [program = "", ...rest] = command;
    if (program !== "curl") {
      refuse(
        socket,
        `exec: "${program}": executable file not found in $PATH: the sandbox's containers have curl only`,
      );
      return;
    }
    const proxy = `http://127.0.0.1:${confidential.cdh.port}`;
    const environment = [
      "/usr/bin/env",
      "-i",
      "PATH=/usr/bin:/bin",
      "HOME=/nonexistent",
      `http_proxy=${proxy}`,
    ];
    url.searchParams.delete("command");
    for (const part of [...environment, curl, ...rest]) url.searchParams.append("command", part);
    const path = url.pathname.replace(/[^/]+$/, this.#options.execContainer);
    this.#forward(request, `${path}${url.search}`, socket, head);
  }

  /** Forwards the connection to kwok with another request line. */
  #forward(request: IncomingMessage, path: string, socket: Duplex, head: Buffer): void {
    const { kwokPort, ca } = this.#options;
    const kwok = connect({ port: kwokPort, host: "127.0.0.1", ca: readFileSync(ca) }, () => {
      const lines = [`${request.method ?? "GET"} ${path} HTTP/1.1`];
      for (let index = 0; index < request.rawHeaders.length; index += 2) {
        lines.push(`${request.rawHeaders[index] ?? ""}: ${request.rawHeaders[index + 1] ?? ""}`);
      }
      kwok.write(`${lines.join("\r\n")}\r\n\r\n`);
      kwok.write(head);
      kwok.pipe(socket).pipe(kwok);
    });
    kwok.on("error", () => socket.destroy());
    socket.on("close", () => kwok.destroy());
  }
}

/**
 * Evaluates the agent policy in a VM's initdata, as the guest's kata-agent does. Without a policy, the
 * released agent allows everything.
 * @returns why the request is denied, or undefined
 */
async function refusal(
  opa: string,
  { agentPolicy }: Measurement,
  request: "ExecProcessRequest" | "ReadStreamRequest",
  input: unknown,
): Promise<string | undefined> {
  if (agentPolicy === undefined) return undefined;
  const query = `data.agent_policy.${request}`;
  const answer = await evaluate(opa, { policy: agentPolicy, query, input, data: {}, syntax: "v0" });
  if ("value" in answer && answer.value === true) return undefined;
  const why = "error" in answer ? `: ${answer.error.message}` : "";
  return `rpc status: Status { code: PERMISSION_DENIED, message: "\\"${request} is blocked by policy${why}\\"" }`;
}

function refuse(socket: Duplex, message: string): void {
  const body = Buffer.from(message);
  const header = `HTTP/1.1 500 Internal Server Error\r\ncontent-type: text/plain\r\ncontent-length: ${body.length}\r\nconnection: close\r\n\r\n`;
  socket.end(Buffer.concat([Buffer.from(header), body]));
}

/** Sends the log of a KBS. Supports tailLines, sinceSeconds, timestamps and follow. */
function sendLog(kbs: Kbs, options: URLSearchParams, response: ServerResponse): void {
  const since = options.has("sinceSeconds") ? Date.now() - Number(options.get("sinceSeconds")) * 1000 : 0;
  const tail = options.has("tailLines") ? Number(options.get("tailLines")) : Infinity;
  const stamped = options.get("timestamps") === "true";
  const write = (line: { time: Date; text: string }): void => {
    response.write(`${stamped ? `${line.time.toISOString()} ` : ""}${line.text}\n`);
  };
  response.writeHead(200, { "content-type": "text/plain" });
  const lines = kbs.lines.filter((line) => line.time.getTime() >= since);
  lines.slice(Math.max(0, lines.length - tail)).forEach(write);
  if (options.get("follow") !== "true") {
    response.end();
    return;
  }
  response.flushHeaders();
  kbs.events.on("line", write);
  response.on("close", () => kbs.events.off("line", write));
}
