import { readFileSync } from "node:fs";
import type { IncomingMessage, ServerResponse } from "node:http";
import { createServer } from "node:https";
import type { Duplex } from "node:stream";
import { connect } from "node:tls";
import { refusal } from "./agent.ts";
import { log } from "./cluster.ts";
import { isOfGuest, serveGuest } from "./guest-route.ts";
import type { Kbs } from "./kbs.ts";
import type { Pods } from "./pods.ts";

export interface KubeletOptions {
  readonly port: number;
  /** The port of kwok's own kubelet server, which runs the commands. */
  readonly kwokPort: number;
  /** The container in which kwok runs them, whatever pod is asked for: a secret between the two. */
  readonly execContainer: string;
  /** PEM files. Only a client with a certificate of that CA is served. */
  readonly certificate: string;
  readonly key: string;
  readonly ca: string;
  readonly opa: string;
  /** The curl program, which is all that there is in the sandbox's containers. */
  readonly curl: string;
}

/**
 * The kubelet of the sandbox's node, in front of kwok's. It serves logs, and lets kwok run a command only after the
 * pod's agent policy has allowed it, with the environment in which 127.0.0.1:8006 is that pod's own CDH. By it the guests
 * of another sandbox reach the KBS of this one.
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
          response.writeHead(500).end(error instanceof Error ? error.message : "failed");
        });
      },
    );
    server.on("upgrade", (request: IncomingMessage, socket: Duplex, head: Buffer) => {
      socket.on("error", () => undefined);
      this.#exec(request, socket, head).catch((error: unknown) => {
        refuse(socket, error instanceof Error ? error.message : "failed");
      });
    });
    await new Promise<void>((resolve, reject) => {
      server.once("error", reject);
      server.listen(port, "127.0.0.1", resolve);
    });
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
      const why = await refusal(
        this.#options.opa,
        found.confidential.guest.measurement,
        "ReadStreamRequest",
        {},
      );
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

  /** Passes the connection on to kwok, with another request line. */
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

function refuse(socket: Duplex, message: string): void {
  const body = Buffer.from(message);
  const header = `HTTP/1.1 500 Internal Server Error\r\ncontent-type: text/plain\r\ncontent-length: ${body.length}\r\nconnection: close\r\n\r\n`;
  socket.end(Buffer.concat([Buffer.from(header), body]));
}

/** The log of a KBS, as a kubelet sends it: tailLines, sinceSeconds, timestamps and follow are honoured. */
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
