import { credentials, type Client, type MethodDefinition } from "@grpc/grpc-js";
import { ResourceProviderClient } from "@pulumi/pulumi/proto/provider_grpc_pb.js";
import { channelOptions } from "../../../provider/protocol/engine-log.ts";

export { ResourceProviderService as methods } from "@pulumi/pulumi/proto/provider_grpc_pb.js";

export const connect = (port: number): ResourceProviderClient =>
  new ResourceProviderClient(`127.0.0.1:${port}`, credentials.createInsecure(), channelOptions);

export function ask<Request, Response>(
  client: Client,
  { path, requestSerialize, responseDeserialize }: MethodDefinition<Request, Response>,
  request: Request,
): Promise<Response> {
  return new Promise((resolve, reject) => {
    client.makeUnaryRequest(path, requestSerialize, responseDeserialize, request, (error, response) => {
      if (error === null && response !== undefined) resolve(response);
      else reject(error ?? new Error("no answer"));
    });
  });
}
