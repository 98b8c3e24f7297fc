import type { AgentOptions, RequestOptions } from "node:https";
import { isDeepStrictEqual } from "node:util";
import type { Cluster } from "@kubernetes/client-node";
import { KubeConfig, type RequestContext } from "./client-library.ts";
import type { ImpersonationHeaders } from "./impersonation.ts";
import { withoutCredentials, type ProxyInUse } from "./proxy.ts";

type Dispatcher = NonNullable<ReturnType<RequestContext["getDispatcher"]>>;
type DispatcherOptions = ReturnType<KubeConfig["createDispatcherOptions"]>;

/**
 * The library's kubeconfig, with one sign-in at a time. A plugin may open a browser, so it runs once for
 * concurrent requests. The waiting ones use the library's cache, or fail with the same error.
 */
export class ClusterConfig extends KubeConfig {
  /** Sent in addition to Impersonate-User, which the library sends. */
  impersonation: ImpersonationHeaders = {};
  /** The variable with the current cluster's proxy (`$HTTPS_PROXY`), unless the kubeconfig has it. */
  proxyVariable: string | undefined;
  /** The last sign-in that has not ended. */
  #last: Promise<void> | undefined;
  /** The connection options of the current sign-in. */
  #wanted: DispatcherOptions | undefined;
  #connections:
    { readonly wanted: DispatcherOptions | undefined; readonly dispatcher: Dispatcher } | undefined;

  /**
   * @throws the reason of the context's signal, as soon as it fires. A plugin keeps running for the other
   *   requests
   */
  override async applySecurityAuthentication(context: RequestContext): Promise<void> {
    const signal = context.getSignal();
    await this.#inTurn(signal, async () => {
      await super.applySecurityAuthentication(context);
      this.#shareConnections(context);
    });
    for (const [name, value] of Object.entries(this.impersonation)) context.setHeaderParam(name, value);
  }

  override createDispatcherOptions(cluster: Cluster | null, options: AgentOptions): DispatcherOptions {
    this.#wanted = super.createDispatcherOptions(cluster, options);
    return this.#wanted;
  }

  /** Shares connections among requests with the same certificates and keys. The library would not. */
  #shareConnections(context: RequestContext): void {
    const dispatcher = context.getDispatcher();
    if (dispatcher === undefined) return;
    const known = this.#connections;
    const shared =
      known !== undefined && isDeepStrictEqual(known.wanted, this.#wanted)
        ? known
        : { wanted: this.#wanted, dispatcher };
    this.#connections = shared;
    context.setDispatcher(shared.dispatcher);
  }

  override async applyToHTTPSOptions(options: RequestOptions): Promise<void> {
    await this.#inTurn(options.signal, () => super.applyToHTTPSOptions(options));
    options.headers = { ...(options.headers as Record<string, string>), ...this.impersonation };
  }

  async #inTurn(signal: AbortSignal | undefined, signIn: () => Promise<void>): Promise<void> {
    signal?.throwIfAborted();
    const turn = async (): Promise<void> => (signal?.aborted === true ? undefined : signIn());
    const mine = this.#last === undefined ? turn() : this.#last.then(turn);
    this.#last = mine;
    const ended = (): void => {
      if (this.#last === mine) this.#last = undefined;
    };
    mine.then(ended, ended);
    await unlessAborted(mine, signal);
  }
}

/** The proxy of the current cluster. */
export function proxyOf(config: KubeConfig): ProxyInUse | undefined {
  const cluster = config.getCurrentCluster();
  if (cluster === null || (cluster.proxyUrl ?? "") === "") return undefined;
  const variable = config instanceof ClusterConfig ? config.proxyVariable : undefined;
  return {
    url: withoutCredentials(cluster.proxyUrl ?? ""),
    from: variable ?? `proxy-url of the kubeconfig's cluster "${cluster.name}"`,
    host: URL.parse(cluster.server)?.hostname ?? cluster.server,
  };
}

async function unlessAborted(work: Promise<void>, signal: AbortSignal | undefined): Promise<void> {
  if (signal === undefined) return work;
  const aborted = Promise.withResolvers<never>();
  const abort = (): void => {
    aborted.reject(signal.reason as Error);
  };
  signal.addEventListener("abort", abort, { once: true });
  try {
    await Promise.race([work, aborted.promise]);
  } finally {
    signal.removeEventListener("abort", abort);
  }
}
