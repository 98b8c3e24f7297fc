import type { ServiceError } from "@grpc/grpc-js";
import providerpb from "@pulumi/pulumi/proto/provider_pb.js";
import { afterAll } from "vitest";
import type { PropertyMap } from "../../../provider/protocol/property-value.ts";
import { startServer } from "../../../provider/protocol/server.ts";
import { encodeMap } from "../../../provider/protocol/wire.ts";
import { ask, connect, methods } from "./client.ts";
import { fakeEngine } from "./fake-engine.ts";
import { scripted } from "./scripted-provider.ts";

/** The scripted provider, served in this process, with a fake engine and a client. */
export async function harness() {
  const engine = await fakeEngine();
  const server = await startServer(scripted, { version: "1.2.3", engineAddress: engine.address });
  const client = connect(server.port);
  afterAll(async () => {
    client.close();
    await server.stop();
    engine.stop();
  });
  const create = (request: providerpb.CreateRequest) => ask(client, methods.create, request);
  return { engine, server, client, create };
}

export const urn = (name: string) => `urn:pulumi:stack::project::t:m:Parent$t:m:Thing::${name}`;

export const createRequest = (name: string, inputs: PropertyMap = {}): providerpb.CreateRequest =>
  new providerpb.CreateRequest().setUrn(urn(name)).setProperties(encodeMap(inputs));

export async function failure(done: Promise<unknown>): Promise<ServiceError> {
  try {
    await done;
  } catch (error) {
    return error as ServiceError;
  }
  throw new Error("the call succeeded");
}
