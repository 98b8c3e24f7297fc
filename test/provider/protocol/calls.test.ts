import { status } from "@grpc/grpc-js";
import pluginpb from "@pulumi/pulumi/proto/plugin_pb.js";
import providerpb from "@pulumi/pulumi/proto/provider_pb.js";
import emptypb from "google-protobuf/google/protobuf/empty_pb.js";
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { fullMessage } from "../../../provider/protocol/errors.ts";
import { startServer } from "../../../provider/protocol/server.ts";
import { ask, connect, methods } from "./client.ts";
import { fakeEngine } from "./fake-engine.ts";
import { createRequest, failure, harness, urn } from "./harness.ts";
import { scripted } from "./scripted-provider.ts";

const { engine, server, client, create } = await harness();

describe("errors", () => {
  test("reach the engine as their message", async () => {
    const error = await failure(create(createRequest("throws")));
    expect([error.code, error.details]).toStrictEqual([status.UNKNOWN, "the disk is full"]);
    const many = await failure(create(createRequest("throws-many")));
    expect(many.details).toBe("both failed\nfirst\nsecond");
  });
});

describe("calls that are cancelled", () => {
  const cancel = () => ask(client, methods.cancel, new emptypb.Empty());

  test("end by the timeout of the resource", async () => {
    const error = await failure(create(createRequest("aborted").setTimeout(0.05)));
    expect([error.code, error.details]).toStrictEqual([
      status.DEADLINE_EXCEEDED,
      "not done within its timeout of 0.05 s; raise it with the resource option customTimeouts",
    ]);
  });

  test("end by Cancel, current and later ones, until the next handshake", async () => {
    const first = failure(create(createRequest("aborted")));
    const second = failure(
      ask(client, methods.delete, new providerpb.DeleteRequest().setUrn(urn("aborted"))),
    );
    while (server.calls.count < 2) await sleep(1);
    await cancel();
    const third = failure(create(createRequest("aborted")));
    for (const error of await Promise.all([first, second, third])) {
      expect([error.code, error.details]).toStrictEqual([status.CANCELLED, "cancelled before it was done"]);
    }
    await ask(client, methods.handshake, new providerpb.ProviderHandshakeRequest());
    const fourth = await failure(create(createRequest("aborted").setTimeout(0.01)));
    expect(fourth.code).toBe(status.DEADLINE_EXCEEDED);
  });

  test("end if the caller gives up", async () => {
    const signals: AbortSignal[] = [];
    const watched = await startServer(
      {
        ...scripted,
        create: (request, context) => {
          signals.push(context.signal);
          return scripted.create(request, context);
        },
      },
      { version: "1.2.3" },
    );
    const caller = connect(watched.port);
    const answered = Promise.withResolvers<unknown>();
    const started = caller.create(createRequest("aborted"), (error, response) => {
      if (error === null) answered.resolve(response);
      else answered.reject(error);
    });
    const lost = failure(answered.promise);
    while (watched.calls.count < 1) await sleep(1);
    started.cancel();
    expect((await lost).code).toBe(status.CANCELLED);
    while (watched.calls.count > 0) await sleep(1);
    expect(signals.map(({ reason }) => fullMessage(reason))).toStrictEqual(["the engine went away"]);
    caller.close();
    await watched.stop();
  });
});

describe("the engine's log", () => {
  beforeEach(() => {
    engine.logs.length = 0;
  });

  test("has all messages, in order, before the call is answered", async () => {
    await create(createRequest("chatty"));
    const line = (severity: number, message: string, ephemeral = false) => ({
      severity,
      message,
      urn: urn("chatty"),
      streamid: 0,
      ephemeral,
    });
    expect(engine.logs).toStrictEqual([line(1, "thinking", true), line(1, "i"), line(2, "w")]);
  });

  describe("after the engine sent its address", () => {
    const attach = (address: string) =>
      ask(client, methods.attach, new pluginpb.PluginAttach().setAddress(address));
    let other: Awaited<ReturnType<typeof fakeEngine>>;

    beforeAll(async () => {
      other = await fakeEngine();
    });
    afterEach(() => attach(engine.address));

    test("goes there, and does not wait for an engine that is gone", async () => {
      await attach(other.address);
      await create(createRequest("chatty"));
      expect([engine.logs.length, other.logs.length]).toStrictEqual([0, 3]);
      other.stop();
      const created = await create(createRequest("chatty"));
      expect(created.getId()).toBe("i-1");
    });
  });
});
