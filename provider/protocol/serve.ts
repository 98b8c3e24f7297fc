import { Console } from "node:console";
import process from "node:process";
import { watchEngine } from "./engine-watch.ts";
import { fullMessage } from "./errors.ts";
import type { Provider } from "./provider.ts";
import { startServer } from "./server.ts";

export interface ServeOptions {
  /** The package's name, for messages. */
  readonly name: string;
  /** Semantic version, without a leading v. */
  readonly version: string;
}

/** The engine passes its address as the last argument, after flags for logging and tracing. */
function engineAddress(args: readonly string[]): string | undefined {
  const last = args.at(-1);
  return last !== undefined && /^[^-].*:\d+$/.test(last) ? last : undefined;
}

/**
 * Makes this process a provider plugin: serves the provider, prints the port on standard output, and exits on
 * SIGINT or SIGTERM, or when the engine is gone. Nothing else may be printed on standard output, so console
 * writes to standard error.
 */
export async function serve(provider: Provider, options: ServeOptions): Promise<void> {
  globalThis.console = new Console(process.stderr, process.stderr);
  const ignore = () => undefined;
  process.stdout.on("error", ignore);
  process.stderr.on("error", ignore);

  const address = engineAddress(process.argv.slice(2));
  const server = await startServer(provider, { version: options.version, engineAddress: address });

  const uncaught = (thrown: unknown) => {
    const error = new Error(
      `the provider ${options.name} failed while working on this or another resource: ${fullMessage(thrown)}`,
      { cause: thrown },
    );
    console.error(thrown);
    server.calls.fail(error);
  };
  process.on("uncaughtException", uncaught);
  process.on("unhandledRejection", uncaught);

  let stopping = false;
  const stop = () => {
    if (stopping) process.exit(1);
    stopping = true;
    server.stop().then(
      () => process.exit(0),
      () => process.exit(1),
    );
  };
  process.on("SIGINT", stop);
  process.on("SIGTERM", stop);
  if (address !== undefined) {
    watchEngine(server.log, (how) => {
      console.error(`the provider ${options.name} ends: ${how}`);
      stop();
    });
  }

  process.stdout.write(`${server.port}\n`);
}
