import type { Obstacle } from "./errors.ts";

/** The proxy through which an API server is reached. */
export interface ProxyInUse {
  /** Without its credentials. */
  readonly url: string;
  /** The setting that names it: `$HTTPS_PROXY`, or the kubeconfig's cluster. */
  readonly from: string;
  /** The host of the API server. */
  readonly host: string;
}

/** A proxy's URL without user and password. */
export function withoutCredentials(proxy: string): string {
  const url = URL.parse(proxy);
  return url === null ? "(not a URL)" : `${url.protocol}//${url.host}`;
}

/**
 * Whether an error or its cause is a failed connection: with a proxy, the first connection is to the proxy.
 */
function isConnecting(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  if (error instanceof AggregateError && error.errors.some(isConnecting)) return true;
  const { syscall, code } = error as NodeJS.ErrnoException;
  if (syscall === "connect" || syscall === "getaddrinfo" || code === "UND_ERR_CONNECT_TIMEOUT") return true;
  return isConnecting(error.cause);
}

/**
 * Describes a request that got no answer through a proxy.
 * @param reason Node's message
 */
export function proxyProblem({ url, from, host }: ProxyInUse, error: Error, reason: string): Obstacle {
  const named = `the proxy ${url} (${from})`;
  const instead = from.startsWith("$")
    ? `, or name ${host} in $NO_PROXY`
    : ", or remove it from the kubeconfig";
  return {
    detail: isConnecting(error)
      ? `${named} cannot be reached: ${reason}`
      : `through ${named}, the API server cannot be reached: ${reason}`,
    next: `Start that proxy or correct ${from}${instead}.`,
  };
}
