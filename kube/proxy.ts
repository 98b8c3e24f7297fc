import { BlockList, isIP } from "node:net";
import { own } from "../core/records.ts";
import { UserError } from "../core/issues.ts";

type Environment = Readonly<Record<string, string | undefined>>;

/** The first variable that is not empty, and its value. */
function setting(environment: Environment, ...names: readonly string[]): [string, string] | undefined {
  for (const name of names) {
    const value = own(environment, name);
    if (value !== undefined && value !== "") return [name, value];
  }
  return undefined;
}

const family = (address: string): "ipv4" | "ipv6" => (isIP(address) === 6 ? "ipv6" : "ipv4");

const loopback = new BlockList();
loopback.addSubnet("127.0.0.0", 8, "ipv4");
loopback.addAddress("::1", "ipv6");

/** The host and port of an entry of NO_PROXY. An IPv6 address has a port only if it is in brackets. */
function hostAndPort(entry: string): { readonly host: string; readonly port: string } {
  const found = /^(?:\[([^\]]*)\]|([^:]*)):(\d+)$/.exec(entry);
  if (found !== null) return { host: found[1] ?? found[2] ?? "", port: found[3] ?? "" };
  return { host: entry.replace(/^\[(.*)\]$/, "$1"), port: "" };
}

function inNetwork(entry: string, address: string): boolean {
  const [network = "", bits = ""] = entry.split("/");
  const prefix = /^\d{1,3}$/.test(bits) ? Number(bits) : Number.NaN;
  if (isIP(network) === 0 || !(prefix <= (isIP(network) === 6 ? 128 : 32))) return false;
  const list = new BlockList();
  list.addSubnet(network, prefix, family(network));
  return isIP(address) !== 0 && list.check(address, family(address));
}

/** Whether an entry of NO_PROXY matches: a network, or an address or domain with or without a port. */
function exempts(entry: string, host: string, port: string): boolean {
  if (entry === "*") return true;
  if (entry.includes("/")) return inNetwork(entry, host);
  const named = hostAndPort(entry);
  if (named.host === "" || (named.port !== "" && named.port !== port)) return false;
  if (isIP(named.host) !== 0) return inNetwork(`${named.host}/${isIP(named.host) === 6 ? 128 : 32}`, host);
  const domain = named.host.replace(/^\*\./, ".");
  return domain.startsWith(".") ? host.endsWith(domain) : host === domain || host.endsWith(`.${domain}`);
}

/**
 * The environment's proxy for a server, by the rules of Go's http.ProxyFromEnvironment, which kubectl
 * follows:
 * - HTTPS_PROXY or HTTP_PROXY, by the server's scheme; http:// if the proxy has none
 * - NO_PROXY, with networks, ports, and domains with all below them
 * - never for this machine
 * The npm packages for this support neither networks nor the domains below one, and read ALL_PROXY, which Go
 * does not.
 * @throws UserError if the value is not a URL; without its text, which may hold a password
 */
export function findProxy(
  server: string,
  environment: Environment,
): { readonly url: string; readonly variable: string } | undefined {
  const url = URL.parse(server);
  if (url?.protocol !== "https:" && url?.protocol !== "http:") return undefined;
  const secure = url.protocol === "https:";
  const names = secure ? ["HTTPS_PROXY", "https_proxy"] : ["HTTP_PROXY", "http_proxy"];
  const found = setting(environment, ...names);
  if (found === undefined) return undefined;
  const host = url.hostname.toLowerCase().replace(/^\[(.*)\]$/, "$1");
  if (host === "localhost" || (isIP(host) !== 0 && loopback.check(host, family(host)))) return undefined;
  const port = url.port === "" ? (secure ? "443" : "80") : url.port;
  const entries = (setting(environment, "NO_PROXY", "no_proxy")?.[1] ?? "").split(",");
  if (entries.some((entry) => exempts(entry.trim().toLowerCase(), host, port))) return undefined;
  const [name, value] = found;
  const proxy = /^[a-z][a-z0-9+.-]*:\/\//i.test(value) ? value : `http://${value}`;
  if (URL.canParse(proxy)) return { url: proxy, variable: name };
  throw new UserError(
    "TA833",
    `$${name} is not the URL of a proxy. Correct it, for example to http://proxy.example:3128, or name ${host} in $NO_PROXY.`,
  );
}

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

/** Whether an error or its cause is a failed connection to the proxy. */
function isConnecting(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  if (error instanceof AggregateError && error.errors.some(isConnecting)) return true;
  const { syscall, code } = error as NodeJS.ErrnoException;
  if (syscall === "connect" || syscall === "getaddrinfo" || code === "UND_ERR_CONNECT_TIMEOUT") return true;
  return isConnecting(error.cause);
}

/** A problem on the way to the API server. */
export interface Obstacle {
  /** A sentence's beginning, without an end. */
  readonly detail: string;
  /** What to do, as sentences. */
  readonly next: string;
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
