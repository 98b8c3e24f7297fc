import { Server, ServerCredentials } from "@grpc/grpc-js";
import { EngineService, type IEngineServer } from "@pulumi/pulumi/proto/engine_grpc_pb.js";
import type enginepb from "@pulumi/pulumi/proto/engine_pb.js";
import emptypb from "google-protobuf/google/protobuf/empty_pb.js";

/** The part of the engine that providers call: it records their log messages. */
export async function fakeEngine() {
  const logs: enginepb.LogRequest.AsObject[] = [];
  const service: Pick<IEngineServer, "log"> = {
    log(call, callback) {
      logs.push(call.request.toObject());
      callback(null, new emptypb.Empty());
    },
  };
  const server = new Server();
  server.addService(EngineService, service);
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync("127.0.0.1:0", ServerCredentials.createInsecure(), (error, bound) => {
      if (error === null) resolve(bound);
      else reject(error);
    });
  });
  return {
    address: `127.0.0.1:${port}`,
    logs,
    stop: () => {
      server.forceShutdown();
    },
  };
}
