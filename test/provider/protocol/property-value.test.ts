import fc from "fast-check";
import structpb from "google-protobuf/google/protobuf/struct_pb.js";
import { deepStrictEqual } from "node:assert/strict";
import { inspect } from "node:util";
import { describe, expect, test } from "vitest";
import {
  containsSecret,
  containsUnknown,
  formatPath,
  markSecret,
  reveal,
  Secret,
  toJson,
  Unknown,
  unknown,
  type PropertyMap,
  type PropertyValue,
} from "../../../provider/protocol/property-value.ts";
import { equalValues } from "../../../provider/protocol/diff.ts";
import { decodeMap, encodeMap } from "../../../provider/protocol/wire.ts";
import { forAll } from "../../support/for-all.ts";

const signatureKey = "4dabf18193072939515e22adb298388d";
const resourceSignature = "5cf8f73096256a8f31e491e813e4eb8e";
const assetSignature = "c44067f5952c0a294b673a41bacd8c17";

const keys = fc.oneof(
  fc.string({ unit: "grapheme" }).filter((key) => key !== "__proto__" && key !== signatureKey),
  fc.constantFrom("__defaults", "__internal", "constructor", "toString", "hasOwnProperty", ""),
);

const { map: maps, value: values } = fc.letrec<{ value: PropertyValue; map: PropertyMap }>((tie) => ({
  value: fc.oneof(
    { depthSize: "small", withCrossShrink: true },
    fc.constant(null),
    fc.boolean(),
    fc.double(),
    fc.string({ unit: "grapheme" }),
    fc.constant(unknown),
    fc.array(tie("value")),
    tie("map"),
    tie("value").map((value) => new Secret(value)),
    fc
      .record({ signature: fc.constantFrom(assetSignature, resourceSignature), fields: tie("map") })
      .map(({ signature, fields }) => ({ [signatureKey]: signature, ...fields })),
  ),
  map: fc.dictionary(keys, tie("value"), { noNullPrototype: true }),
}));

/** Encodes to bytes and back, as the engine does. */
const overTheWire = (map: PropertyMap): PropertyMap =>
  decodeMap(structpb.Struct.deserializeBinary(encodeMap(map).serializeBinary()));

// Vitest's toStrictEqual uses a property named "constructor" as the object's class; Node's does not.
describe("on the wire", () => {
  test("every value survives the round trip", () => {
    forAll(maps, (map) => {
      deepStrictEqual(overTheWire(map), map);
    });
  });

  test("matches what the engine's Go code writes and reads", () => {
    const engine = {
      plain: "text",
      nothing: null,
      password: { [signatureKey]: "1b47061264138c4ac30d75fd1eb44270", value: "hunter2" },
      unknownSecret: {
        [signatureKey]: "1b47061264138c4ac30d75fd1eb44270",
        value: "04da6b54-80e4-46f7-96ec-b56ff0331ba9",
      },
      later: "04da6b54-80e4-46f7-96ec-b56ff0331ba9",
      bucket: { [signatureKey]: resourceSignature, urn: "urn:pulumi:a::b::c::d", id: "i" },
      __defaults: ["plain"],
    };
    const ours: PropertyMap = {
      plain: "text",
      nothing: null,
      password: new Secret("hunter2"),
      unknownSecret: new Secret(new Unknown()),
      later: new Unknown(),
      bucket: { [signatureKey]: resourceSignature, urn: "urn:pulumi:a::b::c::d", id: "i" },
      __defaults: ["plain"],
    };
    expect(decodeMap(structpb.Struct.fromJavaScript(engine))).toStrictEqual(ours);
    expect(encodeMap(ours).toJavaScript()).toStrictEqual(engine);
  });

  test("an unknown of any type is read as unknown, and sent as an unknown string", () => {
    const sentinels = [
      "1c4a061d-8072-4f0a-a4cb-0ff528b18fe7",
      "3eeb2bf0-c639-47a8-9e75-3b44932eb421",
      "6a19a0b0-7e62-4c92-b797-7f8e31da9cc2",
      "030794c1-ac77-496b-92df-f27374a8bd58",
      "e48ece36-62e2-4504-bad9-02848725956a",
      "dd056dcd-154b-4c76-9bd3-c8f88648b5ff",
    ];
    const read = decodeMap(structpb.Struct.fromJavaScript({ sentinels }));
    expect(read).toStrictEqual({ sentinels: sentinels.map(() => unknown) });
    expect(encodeMap(read).toJavaScript()).toStrictEqual({
      sentinels: sentinels.map(() => "04da6b54-80e4-46f7-96ec-b56ff0331ba9"),
    });
  });

  test("an output value is read as its value, unknown or secret", () => {
    const output = (fields: Record<string, structpb.JavaScriptValue>) => ({
      [signatureKey]: "d0e6a833031e9bbcd3f4e8bde6ca49a4",
      ...fields,
    });
    const struct = structpb.Struct.fromJavaScript({
      known: output({ value: 1, dependencies: ["urn:pulumi:a::b::c::d"] }),
      knownNull: output({ value: null }),
      unknown: output({}),
      secret: output({ value: "s", secret: true }),
      unknownSecret: output({ secret: true }),
    });
    expect(decodeMap(struct)).toStrictEqual({
      known: 1,
      knownNull: null,
      unknown: new Unknown(),
      secret: new Secret("s"),
      unknownSecret: new Secret(new Unknown()),
    });
  });

  test("a secret without a value is refused, and so is the key that protobuf would drop", () => {
    const secret = structpb.Struct.fromJavaScript({
      p: { [signatureKey]: "1b47061264138c4ac30d75fd1eb44270" },
    });
    expect(() => decodeMap(secret)).toThrow("malformed property value: a secret without a value");
    const lost = Object.fromEntries([["__proto__", 1]]);
    expect(() => encodeMap(lost)).toThrow('a property cannot be named "__proto__"');
  });
});

describe("secrets and unknowns", () => {
  test("are found at any depth; reveal removes every secret mark and no unknown", () => {
    forAll(maps, (map) => {
      const revealed = reveal(map);
      const text = JSON.stringify(encodeMap(map).toJavaScript());
      expect(containsSecret(map)).toBe(text.includes('"1b47061264138c4ac30d75fd1eb44270"'));
      expect(containsUnknown(revealed)).toBe(containsUnknown(map));
      deepStrictEqual(reveal(revealed), revealed);
    });
    expect(containsSecret({ a: [{ b: new Secret(1) }] })).toBe(true);
    expect(containsUnknown({ a: new Secret([unknown]) })).toBe(true);
    expect(containsUnknown({ a: "b" })).toBe(false);
  });

  test("a secret is hidden by every way to print it", () => {
    const secret = new Secret("hunter2");
    expect([
      String(secret),
      JSON.stringify({ secret }),
      inspect({ secret }),
      secret.toString(),
    ]).toStrictEqual(["[secret]", '{"secret":"[secret]"}', "{ secret: [secret] }", "[secret]"]);
    expect(markSecret(secret)).toBe(secret);
  });

  test("become JSON without secret marks, or an error that names the path", () => {
    expect(toJson({ a: new Secret({ b: [1, new Secret("c")] }), d: null })).toStrictEqual({
      a: { b: [1, "c"] },
      d: null,
    });
    expect(() => toJson({ metadata: { labels: { "a.b/c": unknown } } })).toThrow(
      'metadata.labels["a.b/c"] is not known yet',
    );
  });
});

describe("equality", () => {
  test("a value equals itself without its secret marks, unless something in it is unknown", () => {
    forAll(values, (value) => {
      expect(equalValues(value, reveal(value))).toBe(!containsUnknown(value));
    });
  });

  test("is symmetric", () => {
    forAll(values, values, (left, right) => {
      expect(equalValues(left, right)).toBe(equalValues(right, left));
    });
  });

  test.each<[PropertyValue, PropertyValue, boolean]>([
    [{ a: null }, {}, false],
    [{ a: null }, { b: null }, false],
    [[1, 2], [2, 1], false],
    [[1], { 0: 1 }, false],
    [0, -0, true],
    [Number.NaN, Number.NaN, true],
    ["1", 1, false],
    [{ a: 1, b: 2 }, { b: 2, a: new Secret(1) }, true],
  ])("of %j and %j is %j", (left, right, equal) => {
    expect(equalValues(left, right)).toBe(equal);
  });
});

test.each([
  [[], ""],
  [["data"], "data"],
  [["spec", "containers", 0, "image"], "spec.containers[0].image"],
  [["metadata", "annotations", "a.b/c"], 'metadata.annotations["a.b/c"]'],
  [["a.b"], '["a.b"]'],
  [["a", 'q"\\'], String.raw`a["q\"\\"]`],
])("the path %j is written %s", (path, text) => {
  expect(formatPath(path)).toBe(text);
});
