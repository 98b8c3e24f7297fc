import type { UntypedServiceImplementation } from "@grpc/grpc-js";
import pluginpb from "@pulumi/pulumi/proto/plugin_pb.js";
import type { IResourceProviderServer } from "@pulumi/pulumi/proto/provider_grpc_pb.js";
import providerpb from "@pulumi/pulumi/proto/provider_pb.js";
import emptypb from "google-protobuf/google/protobuf/empty_pb.js";
import type { CallSubject, Calls } from "./calls.ts";
import { changes, detailedDiff } from "./diff.ts";
import type { EngineLog } from "./engine-log.ts";
import { UnimplementedError } from "./errors.ts";
import {
  checkRequest,
  checkResponse,
  createRequest,
  deleteRequest,
  diffRequest,
  diffResponse,
  readRequest,
  readResponse,
  updateRequest,
} from "./messages.ts";
import type { Provider } from "./provider.ts";
import { decodeMap, encodeMap } from "./wire.ts";

export interface ServiceOptions {
  /** Semantic version, without a leading v. */
  readonly version: string;
  readonly calls: Calls;
  readonly log: EngineLog;
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
      const response = new providerpb.ProviderHandshakeResponse();
      response.setAcceptSecrets(true);
      return Promise.resolve(response);
    }),

    attach: calls.unary((request) => {
      calls.renew();
      log.connect(request.getAddress());
      return Promise.resolve(new emptypb.Empty());
    }),

    getPluginInfo: calls.unary(() => {
      const response = new pluginpb.PluginInfo();
      response.setVersion(version);
      return Promise.resolve(response);
    }),

    checkConfig: calls.unary(async (message, context) => {
      const request = checkRequest(message);
      const response = (await provider.checkConfig?.(request, context)) ?? { inputs: request.newInputs };
      return checkResponse(response);
    }, subject),

    diffConfig: calls.unary(async (message, context) => {
      const request = diffRequest(message);
      const response = (await provider.diffConfig?.(request, context)) ?? {
        detailedDiff: detailedDiff(changes(request.oldInputs, request.newInputs)),
      };
      return diffResponse(response);
    }, subject),

    configure: calls.unary(async (message, context) => {
      calls.renew();
      await provider.configure({ args: decodeMap(message.getArgs()) }, context);
      const response = new providerpb.ConfigureResponse();
      response.setAcceptsecrets(true);
      response.setSupportspreview(true);
      return response;
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
      const { id, outputs, refreshBeforeUpdate } = await provider.create(createRequest(message), context);
      const response = new providerpb.CreateResponse();
      response.setId(id);
      response.setProperties(encodeMap(outputs));
      response.setRefreshBeforeUpdate(refreshBeforeUpdate ?? false);
      return response;
    }, timedSubject),

    read: calls.unary(
      async (message, context) => readResponse(await provider.read(readRequest(message), context)),
      timedSubject,
    ),

    update: calls.unary(async (message, context) => {
      const { outputs, refreshBeforeUpdate } = await provider.update(updateRequest(message), context);
      const response = new providerpb.UpdateResponse();
      response.setProperties(encodeMap(outputs));
      response.setRefreshBeforeUpdate(refreshBeforeUpdate ?? false);
      return response;
    }, timedSubject),

    delete: calls.unary(async (message, context) => {
      await provider.delete(deleteRequest(message), context);
      return new emptypb.Empty();
    }, timedSubject),

    invoke: calls.unary(async (message, context) => {
      const request = { token: message.getTok(), args: decodeMap(message.getArgs()) };
      if (provider.invoke === undefined)
        throw new UnimplementedError(`there is no function ${request.token}`);
      const { result } = await provider.invoke(request, context);
      const response = new providerpb.InvokeResponse();
      response.setReturn(encodeMap(result));
      return response;
    }),

    cancel: calls.unary(() => {
      calls.cancel();
      return Promise.resolve(new emptypb.Empty());
    }),
  };
  return service as UntypedServiceImplementation;
}
