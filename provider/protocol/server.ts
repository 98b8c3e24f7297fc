import { Server, ServerCredentials } from "@grpc/grpc-js";
import { ResourceProviderService } from "@pulumi/pulumi/proto/provider_grpc_pb.js";
import { Calls } from "./calls.ts";
import { channelOptions, EngineLog } from "./engine-log.ts";
import type { Provider } from "./provider.ts";
import { providerService } from "./service.ts";

export interface ServerOptions {
  /** The provider's version: semantic, without a leading v. */
  readonly version: string;
  /** host:port of the engine. Without it, nothing is logged until an engine sends its address. */
  readonly engineAddress?: string | undefined;
}

export interface ProviderServer {
  /** On 127.0.0.1. */
  readonly port: number;
  readonly calls: Calls;
  readonly log: EngineLog;
  /** Aborts all calls, gives them some time to answer, and closes the port. */
  stop(graceMilliseconds?: number): Promise<void>;
}

/** Serves a provider on a free port of 127.0.0.1, without changes to this process. */
export async function startServer(provider: Provider, options: ServerOptions): Promise<ProviderServer> {
  const log = new EngineLog();
  if (options.engineAddress !== undefined) log.connect(options.engineAddress);
  const calls = new Calls(log);
  const server = new Server(channelOptions);
  server.addService(
    ResourceProviderService,
    providerService(provider, { version: options.version, calls, log }),
  );
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync("127.0.0.1:0", ServerCredentials.createInsecure(), (error, bound) => {
      if (error === null) resolve(bound);
      else reject(error);
    });
  });
  return {
    port,
    calls,
    log,
    async stop(graceMilliseconds = 1_000) {
      calls.cancel();
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, graceMilliseconds);
        server.tryShutdown(() => {
          clearTimeout(timer);
          resolve();
        });
      });
      server.forceShutdown();
      log.close();
    },
  };
}
