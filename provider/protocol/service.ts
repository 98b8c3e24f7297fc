import type { UntypedServiceImplementation } from "@grpc/grpc-js";
import pluginpb from "@pulumi/pulumi/proto/plugin_pb.js";
import type { IResourceProviderServer } from "@pulumi/pulumi/proto/provider_grpc_pb.js";
import providerpb from "@pulumi/pulumi/proto/provider_pb.js";
import emptypb from "google-protobuf/google/protobuf/empty_pb.js";
import type { CallSubject, Calls } from "./calls.ts";
import type { EngineLog } from "./engine-log.ts";
import type { CheckResponse, DetailedDiff, DiffKind, InputsRequest, Provider } from "./provider.ts";
import { decodeMap, encodeMap } from "./wire.ts";

export interface ServiceOptions {
  /** Semantic version, without a leading v. */
  readonly version: string;
  readonly calls: Calls;
  readonly log: EngineLog;
}

const Kind = providerpb.PropertyDiff.Kind;

const kinds: Readonly<Record<DiffKind, providerpb.PropertyDiff.Kind>> = {
  add: Kind.ADD,
  "add-replace": Kind.ADD_REPLACE,
  delete: Kind.DELETE,
  "delete-replace": Kind.DELETE_REPLACE,
  update: Kind.UPDATE,
  "update-replace": Kind.UPDATE_REPLACE,
};

/** Engines before 3.134 send only the URN: `urn:pulumi:stack::project::parent$type::name`. */
function identity(request: { getUrn(): string; getType(): string }): { urn: string; type: string } {
  const urn = request.getUrn();
  const qualifiedType = urn.split("::")[2] ?? "";
  return { urn, type: request.getType() || qualifiedType.slice(qualifiedType.lastIndexOf("$") + 1) };
}

function checkRequest(message: providerpb.CheckRequest): InputsRequest {
  return {
    ...identity(message),
    oldInputs: decodeMap(message.getOlds()),
    newInputs: decodeMap(message.getNews()),
  };
}

function checkResponse({ inputs, failures = [] }: CheckResponse): providerpb.CheckResponse {
  return new providerpb.CheckResponse()
    .setInputs(encodeMap(inputs))
    .setFailuresList(
      failures.map(({ property, reason }) =>
        new providerpb.CheckFailure().setProperty(property).setReason(reason),
      ),
    );
}

function diffRequest(message: providerpb.DiffRequest): InputsRequest {
  return {
    ...identity(message),
    oldInputs: decodeMap(message.getOldInputs()),
    newInputs: decodeMap(message.getNews()),
  };
}

/** The first name in a property path: `metadata` of `metadata.annotations["a.b"]`. */
function topLevel(path: string): string {
  const quoted = /^\["((?:[^"\\]|\\.)*)"\]/.exec(path)?.[1];
  return quoted?.replaceAll(/\\(.)/g, "$1") ?? /^[^.[]*/.exec(path)?.[0] ?? path;
}

function diffResponse(diff: DetailedDiff): providerpb.DiffResponse {
  const paths = Object.entries(diff);
  const replaced = paths.filter(([, kind]) => kind.endsWith("-replace"));
  const { DIFF_NONE, DIFF_SOME } = providerpb.DiffResponse.DiffChanges;
  const message = new providerpb.DiffResponse()
    .setChanges(paths.length > 0 ? DIFF_SOME : DIFF_NONE)
    .setDiffsList([...new Set(paths.map(([path]) => topLevel(path)))])
    .setReplacesList([...new Set(replaced.map(([path]) => topLevel(path)))])
    .setHasdetaileddiff(true);
  for (const [path, kind] of paths) {
    const change = new providerpb.PropertyDiff().setKind(kinds[kind]).setInputdiff(true);
    message.getDetaileddiffMap().set(path, change);
  }
  return message;
}

const subject = (request: { getUrn(): string }): CallSubject => ({ urn: request.getUrn() });
const timedSubject = (request: { getUrn(): string; getTimeout(): number }): CallSubject => ({
  urn: request.getUrn(),
  timeoutSeconds: request.getTimeout(),
});

/** The gRPC service of a provider. The gRPC library answers UNIMPLEMENTED for all other methods. */
export function providerService(provider: Provider, options: ServiceOptions): UntypedServiceImplementation {
  const { version, calls, log } = options;
  const service: Partial<IResourceProviderServer> = {
    handshake: calls.unary((request) => {
      calls.renew();
      if (request.getEngineAddress() !== "") log.connect(request.getEngineAddress());
      return Promise.resolve(new providerpb.ProviderHandshakeResponse().setAcceptSecrets(true));
    }),

    attach: calls.unary((request) => {
      calls.renew();
      log.connect(request.getAddress());
      return Promise.resolve(new emptypb.Empty());
    }),

    getPluginInfo: calls.unary(() => Promise.resolve(new pluginpb.PluginInfo().setVersion(version))),

    checkConfig: calls.unary(
      async (message, context) => checkResponse(await provider.checkConfig(checkRequest(message), context)),
      subject,
    ),

    diffConfig: calls.unary(
      async (message, context) => diffResponse(await provider.diffConfig(diffRequest(message), context)),
      subject,
    ),

    configure: calls.unary(async (message, context) => {
      calls.renew();
      await provider.configure(decodeMap(message.getArgs()), context);
      return new providerpb.ConfigureResponse().setAcceptsecrets(true).setSupportspreview(true);
    }),

    check: calls.unary(
      async (message, context) => checkResponse(await provider.check(checkRequest(message), context)),
      subject,
    ),

    diff: calls.unary(
      async (message, context) => diffResponse(await provider.diff(diffRequest(message), context)),
      subject,
    ),

    create: calls.unary(async (message, context) => {
      const inputs = decodeMap(message.getProperties());
      const request = { ...identity(message), inputs, preview: message.getPreview() };
      const { id, outputs, refreshBeforeUpdate } = await provider.create(request, context);
      return new providerpb.CreateResponse()
        .setId(id)
        .setProperties(encodeMap(outputs))
        .setRefreshBeforeUpdate(refreshBeforeUpdate);
    }, timedSubject),

    read: calls.unary(async (message, context) => {
      const state = { inputs: decodeMap(message.getInputs()), outputs: decodeMap(message.getProperties()) };
      const found = await provider.read({ ...identity(message), id: message.getId(), ...state }, context);
      // An empty ID reports that the resource is gone.
      if (found === undefined) return new providerpb.ReadResponse();
      return new providerpb.ReadResponse()
        .setId(found.id)
        .setInputs(encodeMap(found.inputs))
        .setProperties(encodeMap(found.outputs))
        .setRefreshBeforeUpdate(found.refreshBeforeUpdate);
    }, timedSubject),

    update: calls.unary(async (message, context) => {
      const change = { oldOutputs: decodeMap(message.getOlds()), newInputs: decodeMap(message.getNews()) };
      const request = { ...identity(message), ...change, preview: message.getPreview() };
      const { outputs, refreshBeforeUpdate } = await provider.update(request, context);
      return new providerpb.UpdateResponse()
        .setProperties(encodeMap(outputs))
        .setRefreshBeforeUpdate(refreshBeforeUpdate);
    }, timedSubject),

    delete: calls.unary(async (message, context) => {
      const outputs = decodeMap(message.getProperties());
      await provider.delete({ ...identity(message), outputs }, context);
      return new emptypb.Empty();
    }, timedSubject),

    invoke: calls.unary(async (message, context) => {
      const request = { token: message.getTok(), args: decodeMap(message.getArgs()) };
      return new providerpb.InvokeResponse().setReturn(encodeMap(await provider.invoke(request, context)));
    }),

    cancel: calls.unary(() => {
      calls.cancel();
      return Promise.resolve(new emptypb.Empty());
    }),
  };
  return service as UntypedServiceImplementation;
}
