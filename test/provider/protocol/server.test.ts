import { status } from "@grpc/grpc-js";
import providerpb from "@pulumi/pulumi/proto/provider_pb.js";
import emptypb from "google-protobuf/google/protobuf/empty_pb.js";
import { describe, expect, test } from "vitest";
import { Secret, Unknown, type PropertyMap } from "../../../provider/protocol/property-value.ts";
import { decodeMap, encodeMap } from "../../../provider/protocol/wire.ts";
import { ask, methods } from "./client.ts";
import { createRequest, failure, harness, urn } from "./harness.ts";

const { client, create } = await harness();

describe("the plugin", () => {
  test("answers handshake and info, and refuses methods that it does not offer", async () => {
    const handshake = await ask(client, methods.handshake, new providerpb.ProviderHandshakeRequest());
    expect(handshake.toObject()).toStrictEqual({
      acceptSecrets: true,
      acceptResources: false,
      acceptOutputs: false,
      supportsAutonamingConfiguration: false,
      acceptsByteString: false,
    });
    const info = await ask(client, methods.getPluginInfo, new emptypb.Empty());
    expect(info.getVersion()).toBe("1.2.3");
    const construct = await failure(ask(client, methods.construct, new providerpb.ConstructRequest()));
    expect(construct.code).toBe(status.UNIMPLEMENTED);
  });

  test("takes its configuration, or answers with the error", async () => {
    const request = new providerpb.ConfigureRequest().setArgs(encodeMap({ url: "good" }));
    const configure = () => ask(client, methods.configure, request);
    expect((await configure()).toObject()).toStrictEqual({
      acceptsecrets: true,
      supportspreview: true,
      acceptresources: false,
      acceptoutputs: false,
      supportsAutonamingConfiguration: false,
    });
    request.setArgs(encodeMap({ url: "bad" }));
    const error = await failure(configure());
    expect([error.code, error.details]).toStrictEqual([status.UNKNOWN, "bad url"]);
  });

  test("checks and compares configurations", async () => {
    const check = await ask(
      client,
      methods.checkConfig,
      new providerpb.CheckRequest().setNews(encodeMap({ url: new Secret("u") })),
    );
    expect(decodeMap(check.getInputs())).toStrictEqual({ url: new Secret("u") });
    const diff = await ask(
      client,
      methods.diffConfig,
      new providerpb.DiffRequest().setOldInputs(encodeMap({ a: 1 })).setNews(encodeMap({ a: 2 })),
    );
    expect(diff.toObject()).toMatchObject({
      changes: providerpb.DiffResponse.DiffChanges.DIFF_SOME,
      replacesList: [],
      diffsList: ["a"],
      detaileddiffMap: [["a", { kind: providerpb.PropertyDiff.Kind.UPDATE, inputdiff: true }]],
    });
  });
});

describe("resources", () => {
  const check = (name: string) =>
    ask(
      client,
      methods.check,
      new providerpb.CheckRequest()
        .setUrn(urn(name))
        .setOlds(encodeMap({ a: 1 }))
        .setNews(encodeMap({ later: new Unknown(), password: new Secret("p") })),
    );

  test("are checked", async () => {
    expect(decodeMap((await check("fine")).getInputs())).toStrictEqual({
      later: new Unknown(),
      password: new Secret("p"),
      old: { a: 1 },
    });
    expect((await check("wrong")).toObject().failuresList).toStrictEqual([
      { property: "size", reason: "too large" },
      { property: "tags[0]", reason: "empty" },
    ]);
  });

  test("are compared", async () => {
    const diff = async (olds: PropertyMap, news: PropertyMap) => {
      const request = new providerpb.DiffRequest()
        .setUrn(urn("fine"))
        .setOldInputs(encodeMap(olds))
        .setNews(encodeMap(news));
      const response = await ask(client, methods.diff, request);
      const { detaileddiffMap, ...rest } = response.toObject();
      return { ...rest, detaileddiffMap: Object.fromEntries(detaileddiffMap) };
    };
    const { Kind } = providerpb.PropertyDiff;
    const { DIFF_NONE, DIFF_SOME } = providerpb.DiffResponse.DiffChanges;
    expect(
      await diff(
        { name: "a", list: [1, 2, 3], "x.y": { "a/b.c": 1 }, same: 1, was: 1, secret: new Secret("s") },
        { name: "b", list: [1, 5], "x.y": { "a/b.c": 2 }, same: 1, is: new Unknown(), secret: "s" },
      ),
    ).toStrictEqual({
      changes: DIFF_SOME,
      deletebeforereplace: false,
      diffsList: ["list", "name", "was", "x.y", "is"],
      replacesList: ["name"],
      stablesList: [],
      hasdetaileddiff: true,
      detaileddiffMap: {
        name: { kind: Kind.UPDATE_REPLACE, inputdiff: true },
        "list[1]": { kind: Kind.UPDATE, inputdiff: true },
        "list[2]": { kind: Kind.DELETE, inputdiff: true },
        '["x.y"]["a/b.c"]': { kind: Kind.UPDATE, inputdiff: true },
        was: { kind: Kind.DELETE, inputdiff: true },
        is: { kind: Kind.ADD, inputdiff: true },
      },
    });
    expect(await diff({ a: 1 }, { a: 1 })).toMatchObject({ changes: DIFF_NONE, diffsList: [] });
    expect(await diff({}, { name: "b" })).toMatchObject({
      detaileddiffMap: { name: { kind: Kind.ADD_REPLACE, inputdiff: true } },
    });
    expect(await diff({ name: "b" }, {})).toMatchObject({
      detaileddiffMap: { name: { kind: Kind.DELETE_REPLACE, inputdiff: true } },
    });
  });

  test("are created, and created in a preview", async () => {
    const inputs = { password: new Secret({ nested: "p" }) };
    const created = await create(createRequest("fine", inputs));
    expect([created.getId(), created.getRefreshBeforeUpdate()]).toStrictEqual(["i-1", true]);
    expect(decodeMap(created.getProperties())).toStrictEqual({ ...inputs, address: "10.0.0.1" });
    const preview = await create(createRequest("fine", inputs).setPreview(true));
    expect(preview.getId()).toBe("");
    expect(decodeMap(preview.getProperties())).toStrictEqual({ ...inputs, address: new Unknown() });
  });

  test("are read", async () => {
    const read = (id: string) =>
      ask(
        client,
        methods.read,
        new providerpb.ReadRequest()
          .setUrn(urn("fine"))
          .setId(id)
          .setInputs(encodeMap({ a: 1 }))
          .setProperties(encodeMap({ b: 2 })),
      );
    const found = await read("i-1");
    expect([found.getId(), found.getRefreshBeforeUpdate()]).toStrictEqual(["i-1", true]);
    expect([decodeMap(found.getInputs()), decodeMap(found.getProperties())]).toStrictEqual([
      { a: 1 },
      { b: 2, seen: true },
    ]);
    expect((await read("gone")).toObject()).toStrictEqual({
      id: "",
      properties: undefined,
      inputs: undefined,
      refreshBeforeUpdate: false,
    });
  });

  test("are updated", async () => {
    const request = new providerpb.UpdateRequest()
      .setUrn(urn("fine"))
      .setId("i-1")
      .setOlds(encodeMap({ b: 2 }))
      .setNews(encodeMap({ a: new Unknown() }))
      .setPreview(true);
    const updated = await ask(client, methods.update, request);
    expect(updated.getRefreshBeforeUpdate()).toBe(true);
    expect(decodeMap(updated.getProperties())).toStrictEqual({
      newInputs: { a: new Unknown() },
      oldOutputs: { b: 2 },
      preview: true,
    });
  });

  test("are deleted", async () => {
    const request = new providerpb.DeleteRequest().setUrn(urn("fine")).setId("i-1");
    await expect(ask(client, methods.delete, request)).resolves.toBeInstanceOf(emptypb.Empty);
  });

  test("answers functions", async () => {
    const request = new providerpb.InvokeRequest().setTok("t:m:works").setArgs(encodeMap({ a: 1 }));
    const response = await ask(client, methods.invoke, request);
    expect(decodeMap(response.getReturn())).toStrictEqual({ token: "t:m:works", args: { a: 1 } });
  });
});
