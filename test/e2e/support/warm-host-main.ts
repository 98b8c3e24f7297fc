// Runs as a program of its own, in a stack's folder and environment: serves its Pulumi program and the provider
// `trustee` to one run of pulumi after another, so that each does not load the code again. Prints both ports.
import { createRequire } from "node:module";
import { Server, ServerCredentials, type UntypedServiceImplementation } from "@grpc/grpc-js";
import { LanguageRuntimeService } from "@pulumi/pulumi/proto/language_grpc_pb.js";
import type { RunRequest } from "@pulumi/pulumi/proto/language_pb.js";
import { declareStack } from "../../../components/declare-stack.ts";
import type { Provider } from "../../../provider/protocol/index.ts";
import { startServer } from "../../../provider/protocol/server.ts";
import { trusteeProvider } from "../../../provider/trustee-provider.ts";

interface LanguageServer extends UntypedServiceImplementation {
  run(call: { readonly request: RunRequest }, callback: unknown): void;
}

/** The one with which Pulumi's Automation API serves a program; without types, as it is internal. */
const { LanguageServer } = createRequire(import.meta.url)("@pulumi/pulumi/automation/server.js") as {
  readonly LanguageServer: new (program: () => Promise<unknown>) => LanguageServer;
};

async function serveProgram(): Promise<number> {
  const languageServer = new LanguageServer(declareStack);
  const run = languageServer.run.bind(languageServer);
  languageServer.run = (call, callback) => {
    // As the language host does.
    process.env["PULUMI_CONFIG_SECRET_KEYS"] = JSON.stringify(call.request.getConfigsecretkeysList());
    run(call, callback);
  };
  const server = new Server();
  server.addService(LanguageRuntimeService, languageServer);
  return new Promise((resolve, reject) => {
    server.bindAsync("127.0.0.1:0", ServerCredentials.createInsecure(), (error, port) => {
      if (error === null) resolve(port);
      else reject(error);
    });
  });
}

/** Begins anew with each Configure, as the process does that the engine starts for it. */
function renewed(): Provider {
  let current = trusteeProvider();
  return {
    checkConfig: async (request, context) => current.checkConfig(request, context),
    diffConfig: async (request, context) => current.diffConfig(request, context),
    configure: async (request, context) => {
      current = trusteeProvider();
      await current.configure(request, context);
    },
    check: async (request, context) => current.check(request, context),
    diff: async (request, context) => current.diff(request, context),
    create: async (request, context) => current.create(request, context),
    read: async (request, context) => current.read(request, context),
    update: async (request, context) => current.update(request, context),
    delete: async (request, context) => current.delete(request, context),
    invoke: async (request, context) => current.invoke(request, context),
  };
}

const program = await serveProgram();
const { port: provider } = await startServer(renewed(), { version: "0.1.0" });
process.stdout.write(`${JSON.stringify({ program, provider })}\n`);
// The test's end closes it.
process.stdin.resume().on("end", () => process.exit());
