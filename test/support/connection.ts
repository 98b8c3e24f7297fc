import { request as requestPlain, type ClientRequest } from "node:http";
import { request as requestSecure, type RequestOptions } from "node:https";
import { loadCluster } from "../../kube/cluster.ts";

/** Sends plain HTTP requests to an API server. */
export interface Connection {
  readonly secure: boolean;
  /** PEM in base64; undefined without TLS. */
  readonly ca: string | undefined;
  /** @param path with the query */
  readonly request: (path: string, options: Pick<RequestOptions, "method" | "headers">) => ClientRequest;
}

/** @param kubeconfig a file or its content, with a client certificate if the server needs one */
export function connectionOf(kubeconfig: string): Connection {
  const config = loadCluster({ kubeconfig });
  const [server = "", user] = [config.getCurrentCluster()?.server, config.getCurrentUser()];
  const secure = server.startsWith("https:");
  const ca = config.getCurrentCluster()?.caData;
  const decode = (data: string | undefined): Buffer => Buffer.from(data ?? "", "base64");
  const tls = { ca: decode(ca), cert: decode(user?.certData), key: decode(user?.keyData) };
  return {
    ...{ secure, ca },
    request: (path, options) =>
      secure ? requestSecure(server + path, { ...options, ...tls }) : requestPlain(server + path, options),
  };
}
