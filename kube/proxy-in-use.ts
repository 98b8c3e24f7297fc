import type { Obstacle } from "./errors.ts";

/** The proxy through which an API server is asked. */
export interface ProxyInUse {
  /** Without its credentials. */
  readonly url: string;
  /** What names it: `$HTTPS_PROXY`, or the kubeconfig's cluster. */
  readonly from: string;
  /** The host of the API server. */
  readonly host: string;
}

/** What a proxy's URL may show: no user, no password. */
export function withoutCredentials(proxy: string): string {
  const url = URL.parse(proxy);
  return url === null ? "(not a URL)" : `${url.protocol}//${url.host}`;
}

/** Whether an error, or what caused it, is that no connection could be made: with a proxy, the first one is to the proxy. */
function isConnecting(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  if (error instanceof AggregateError && error.errors.some(isConnecting)) return true;
  const { syscall, code } = error as NodeJS.ErrnoException;
  if (syscall === "connect" || syscall === "getaddrinfo" || code === "UND_ERR_CONNECT_TIMEOUT") return true;
  return isConnecting(error.cause);
}

/** What to say of a request that got no answer through a proxy. @param said what Node says of it */
export function proxyProblem({ url, from, host }: ProxyInUse, error: Error, said: string): Obstacle {
  const named = `the proxy ${url} (${from})`;
  const instead = from.startsWith("$")
    ? `, or name ${host} in $NO_PROXY`
    : ", or take it out of the kubeconfig";
  return {
    detail: isConnecting(error)
      ? `${named} cannot be reached: ${said}`
      : `through ${named}, the API server cannot be reached: ${said}`,
    next: `Start that proxy or correct ${from}${instead}.`,
  };
}
