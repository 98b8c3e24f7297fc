import fc from "fast-check";
import structpb from "google-protobuf/google/protobuf/struct_pb.js";
import { deepStrictEqual } from "node:assert/strict";
import { inspect } from "node:util";
import { describe, expect, test } from "vitest";
import {
  containsSecret,
  containsUnknown,
  copySecrets,
  equalValues,
  formatPath,
  fromJson,
  markSecret,
  Opaque,
  reveal,
  Secret,
  toJson,
  Unknown,
  unknown,
  type Json,
  type PropertyMap,
  type PropertyValue,
} from "../../protocol/property-value.ts";
import {
  assetSignature,
  decodeMap,
  encodeMap,
  resourceSignature,
  signatureKey,
} from "../../protocol/wire.ts";

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
    fc
      .constantFrom("boolean" as const, "number", "string", "array", "asset", "archive", "object")
      .map((type) => new Unknown(type)),
    fc.array(tie("value")),
    tie("map"),
    tie("value").map((value) => new Secret(value)),
    fc
      .record({ signature: fc.constantFrom(assetSignature, resourceSignature), fields: tie("map") })
      .map(({ signature, fields }) => new Opaque(signature, fields)),
  ),
  map: fc.dictionary(keys, tie("value"), { noNullPrototype: true }),
}));

/** Through the bytes, as the engine would get them. */
function overTheWire(map: PropertyMap): PropertyMap {
  return decodeMap(structpb.Struct.deserializeBinary(encodeMap(map).serializeBinary()));
}

// Vitest's toStrictEqual takes a property named "constructor" for an object's class; Node's does not.
describe("on the wire", () => {
  test("every value comes back as it was", () => {
    fc.assert(
      fc.property(maps, (map) => {
        deepStrictEqual(overTheWire(map), map);
      }),
    );
  });

  test("is what the engine's Go code writes and reads", () => {
    const engine = {
      plain: "text",
      nothing: null,
      password: { [signatureKey]: "1b47061264138c4ac30d75fd1eb44270", value: "hunter2" },
      unknownSecret: {
        [signatureKey]: "1b47061264138c4ac30d75fd1eb44270",
        value: "04da6b54-80e4-46f7-96ec-b56ff0331ba9",
      },
      later: "04da6b54-80e4-46f7-96ec-b56ff0331ba9",
      laterNumber: "3eeb2bf0-c639-47a8-9e75-3b44932eb421",
      laterObject: "dd056dcd-154b-4c76-9bd3-c8f88648b5ff",
      bucket: { [signatureKey]: "5cf8f73096256a8f31e491e813e4eb8e", urn: "urn:pulumi:a::b::c::d", id: "i" },
      __defaults: ["plain"],
    };
    const ours: PropertyMap = {
      plain: "text",
      nothing: null,
      password: new Secret("hunter2"),
      unknownSecret: new Secret(new Unknown("string")),
      later: new Unknown("string"),
      laterNumber: new Unknown("number"),
      laterObject: new Unknown("object"),
      bucket: new Opaque("5cf8f73096256a8f31e491e813e4eb8e", { urn: "urn:pulumi:a::b::c::d", id: "i" }),
      __defaults: ["plain"],
    };
    expect(decodeMap(structpb.Struct.fromJavaScript(engine))).toStrictEqual(ours);
    expect(encodeMap(ours).toJavaScript()).toStrictEqual(engine);
  });

  test("an output value is its value, unknown or secret", () => {
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

  test("a secret without a value is refused, and so is the one key that protobuf would lose", () => {
    const secret = structpb.Struct.fromJavaScript({
      p: { [signatureKey]: "1b47061264138c4ac30d75fd1eb44270" },
    });
    expect(() => decodeMap(secret)).toThrow("malformed property value: a secret without a value");
    const lost = Object.fromEntries([["__proto__", 1]]);
    expect(() => encodeMap(lost)).toThrow('a property cannot be named "__proto__"');
  });
});

describe("secrets and unknowns", () => {
  test("are found at any depth, and revealing leaves no secret and changes no unknown", () => {
    fc.assert(
      fc.property(maps, (map) => {
        const revealed = reveal(map);
        const text = JSON.stringify(encodeMap(map).toJavaScript());
        expect(containsSecret(map)).toBe(text.includes('"1b47061264138c4ac30d75fd1eb44270"'));
        expect(containsUnknown(revealed)).toBe(containsUnknown(map));
        deepStrictEqual(reveal(revealed), revealed);
      }),
    );
    expect(containsSecret({ a: [{ b: new Secret(1) }] })).toBe(true);
    expect(containsUnknown({ a: new Secret([unknown]) })).toBe(true);
    expect(containsUnknown({ a: new Opaque(assetSignature, { b: unknown }) })).toBe(true);
    expect(containsUnknown({ a: "b" })).toBe(false);
  });

  test("a secret prints as one, however it is printed", () => {
    const secret = new Secret("hunter2");
    expect([
      String(secret),
      JSON.stringify({ secret }),
      inspect({ secret }),
      secret.toString(),
    ]).toStrictEqual(["[secret]", '{"secret":"[secret]"}', "{ secret: [secret] }", "[secret]"]);
    expect(markSecret(secret)).toBe(secret);
  });

  test("JSON without secret marks, or an error that names the path", () => {
    expect(toJson({ a: new Secret({ b: [1, new Secret("c")] }), d: null })).toStrictEqual({
      a: { b: [1, "c"] },
      d: null,
    });
    expect(() => toJson({ metadata: { labels: { "a.b/c": unknown } } })).toThrow(
      'metadata.labels["a.b/c"] is not known yet',
    );
    expect(() => toJson({ a: [new Opaque(assetSignature, {})] })).toThrow(
      "a[0] is an asset, an archive or a resource, not a plain value",
    );
  });

  test("JSON goes into property values and out again", () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        const json = value as Json;
        deepStrictEqual(toJson(fromJson(json)), json);
      }),
    );
  });

  test("secretness goes from inputs to outputs", () => {
    expect(
      copySecrets(
        { data: { key: "k", other: "o" }, list: ["a", "b"], extra: 1, same: "s" },
        { data: { key: new Secret("k"), other: "o" }, list: ["a", new Secret("b")], same: "s" },
      ),
    ).toStrictEqual({
      data: { key: new Secret("k"), other: "o" },
      list: new Secret(["a", "b"]),
      extra: 1,
      same: "s",
    });
    expect(copySecrets({ constructor: "x" }, {})).toStrictEqual({ constructor: "x" });
  });
});

describe("equality", () => {
  test("a value equals itself without its secret marks, unless something in it is unknown", () => {
    fc.assert(
      fc.property(values, (value) => {
        expect(equalValues(value, reveal(value))).toBe(!containsUnknown(value));
      }),
    );
  });

  test("is symmetric", () => {
    fc.assert(
      fc.property(values, values, (left, right) => {
        expect(equalValues(left, right)).toBe(equalValues(right, left));
      }),
    );
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
