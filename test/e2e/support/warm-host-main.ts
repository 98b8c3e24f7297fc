// A separate process that serves the Pulumi program and the provider `trustee` to all runs of pulumi, one after the other,
// so that the code is loaded once. Each line of its input moves it to a stack's folder and environment; it answers with
// both ports.
import { createRequire } from "node:module";
import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";
import {
  Server,
  ServerCredentials,
  type handleUnaryCall,
  type UntypedServiceImplementation,
} from "@grpc/grpc-js";
import { LanguageRuntimeService } from "@pulumi/pulumi/proto/language_grpc_pb.js";
import type { RunRequest } from "@pulumi/pulumi/proto/language_pb.js";
import { ResourceProviderService } from "@pulumi/pulumi/proto/provider_grpc_pb.js";
import program from "../../../index.ts";
import { Calls } from "../../../provider/protocol/calls.ts";
import { channelOptions, EngineLog } from "../../../provider/protocol/engine-log.ts";
import { providerService } from "../../../provider/protocol/service.ts";
import { trusteeProvider } from "../../../provider/trustee-provider.ts";

// Pulumi's SDK takes a stack trace of each promise. Whole stack traces would take a fifth of a run.
Error.stackTraceLimit = 1;

/** Where the next runs take place. */
export interface Place {
  readonly folder: string;
  readonly env: Readonly<Record<string, string | undefined>>;
}

/** How long a run may take to end after its engine. Milliseconds. If the engine was killed, it may never end. */
const PATIENCE = 2_000;

/** The end of the last run. */
let last: Promise<void> = Promise.resolve();

/** Waits for the end of the last run. @returns whether it has ended */
async function lastEnded(): Promise<boolean> {
  const patience = sleep(PATIENCE).then(() => false);
  return Promise.race([last.then(() => true), patience]);
}

interface LanguageServer extends UntypedServiceImplementation {
  run(call: { readonly request: RunRequest }, callback: unknown): Promise<void>;
}

/** The server for a program in Pulumi's Automation API. It is internal, so it has no types. */
const { LanguageServer } = createRequire(import.meta.url)("@pulumi/pulumi/automation/server.js") as {
  readonly LanguageServer: new (program: () => Promise<unknown>) => LanguageServer;
};

async function listen(server: Server): Promise<number> {
  return new Promise((resolve, reject) => {
    server.bindAsync("127.0.0.1:0", ServerCredentials.createInsecure(), (error, port) => {
      if (error === null) resolve(port);
      else reject(error);
    });
  });
}

async function serveProgram(): Promise<number> {
  const languageServer = new LanguageServer(program);
  const run = languageServer.run.bind(languageServer);
  languageServer.run = (call, callback) => {
    // The end of a run closes the SDK's only connection to the engine. In the next run, the program would then declare
    // nothing without an error, and the engine would delete everything.
    const ended = lastEnded().then(async () => {
      // As the language host does.
      process.env["PULUMI_CONFIG_SECRET_KEYS"] = JSON.stringify(call.request.getConfigsecretkeysList());
      await run(call, callback);
    });
    last = ended.catch(() => undefined);
    return last;
  };
  const server = new Server();
  server.addService(LanguageRuntimeService, languageServer);
  return listen(server);
}

/**
 * Serves a separate provider to each connection, because the engine would start a process for each. A stack has two if it
 * reads its pods' cluster with other credentials. A command with a refresh has each of them twice.
 */
async function serveProvider(): Promise<number> {
  const serve = (): UntypedServiceImplementation => {
    const log = new EngineLog();
    return providerService(trusteeProvider(), { version: "0.1.0", calls: new Calls(log), log });
  };
  const connections = new Map<string, UntypedServiceImplementation>();
  const server = new Server(channelOptions);
  const methods = Object.keys(serve()).map((name) => {
    const dispatch: handleUnaryCall<unknown, unknown> = (call, callback) => {
      const service = connections.get(call.getPeer()) ?? serve();
      connections.set(call.getPeer(), service);
      (service[name] as handleUnaryCall<unknown, unknown>)(call, callback);
    };
    return [name, dispatch];
  });
  server.addService(ResourceProviderService, Object.fromEntries(methods) as UntypedServiceImplementation);
  return listen(server);
}

const ports = { program: await serveProgram(), provider: await serveProvider() };
// The input ends with the process of the tests.
for await (const line of createInterface(process.stdin)) {
  const { folder, env } = JSON.parse(line) as Place;
  if (!(await lastEnded())) process.exit(1);
  process.chdir(folder);
  for (const name of Object.keys(process.env)) Reflect.deleteProperty(process.env, name);
  Object.assign(process.env, env);
  process.stdout.write(`${JSON.stringify(ports)}\n`);
}
process.exit();
