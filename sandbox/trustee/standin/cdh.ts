import { createServer, type Server } from "node:http";
import { log } from "./cluster.ts";
import type { ResourceId } from "./kbs.ts";

/** The CDH's words for any resource that it does not get, as the tutorial shows them. */
export const FAILED =
  'rpc status: Status { code: INTERNAL, message: "[CDH] [ERROR]: Get Resource failed", details: [], special_fields: ' +
  "SpecialFields { unknown_fields: UnknownFields { fields: None }, cached_size: CachedSize { size: 0 } } }";

const RESOURCE = /^(?:http:\/\/127\.0\.0\.1:8006)?\/cdh\/resource\/([^/?]+)\/([^/?]+)\/([^/?]+)$/;

/** A pod's confidential data hub, on a port of its own of 127.0.0.1; the pod's processes reach it as their proxy. */
export interface CdhEndpoint {
  readonly port: number;
  close(): void;
}

/** @param get answers with the resource's bytes, or undefined if there is none to be had */
export async function serveCdh(get: (id: ResourceId) => Promise<Buffer | undefined>): Promise<CdhEndpoint> {
  const server = createServer((request, response) => {
    const match = request.method === "GET" ? RESOURCE.exec(request.url ?? "") : null;
    const [, repository, type, tag] = match ?? [];
    if (repository === undefined || type === undefined || tag === undefined) {
      response.writeHead(404).end();
      return;
    }
    get({ repository, type, tag }).then(
      (resource) => {
        if (resource === undefined) response.writeHead(500).end(FAILED);
        else response.writeHead(200, { "content-type": "application/octet-stream" }).end(resource);
      },
      (error: unknown) => {
        log(`ERROR CDH: ${error instanceof Error ? error.message : String(error)}`);
        response.writeHead(500).end(FAILED);
      },
    );
  });
  return { port: await listen(server), close: () => server.close() };
}

async function listen(server: Server): Promise<number> {
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(0, "127.0.0.1", resolve);
  });
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("the CDH endpoint has no port");
  return address.port;
}
