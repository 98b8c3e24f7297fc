import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { messageOf } from "../../../core/records.ts";
import { log } from "./cluster.ts";
import type { ResourceId } from "./kbs.ts";

/** The CDH's error for every resource that it cannot get, as in the tutorial. */
export const FAILED =
  'rpc status: Status { code: INTERNAL, message: "[CDH] [ERROR]: Get Resource failed", details: [], special_fields: ' +
  "SpecialFields { unknown_fields: UnknownFields { fields: None }, cached_size: CachedSize { size: 0 } } }";

const RESOURCE = /^(?:http:\/\/127\.0\.0\.1:8006)?\/cdh\/resource\/([^/?]+)\/([^/?]+)\/([^/?]+)$/;

/** A pod's confidential data hub, on a port of 127.0.0.1. The pod's processes use it as their HTTP proxy. */
export interface CdhEndpoint {
  readonly port: number;
  close(): void;
}

/** @param get returns the resource, or undefined if it is denied or missing */
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
        log(`ERROR CDH: ${messageOf(error)}`);
        response.writeHead(500).end(FAILED);
      },
    );
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return { port: (server.address() as AddressInfo).port, close: () => server.close() };
}
