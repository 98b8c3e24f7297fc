import structpb from "google-protobuf/google/protobuf/struct_pb.js";
import {
  isArray,
  isMap,
  Secret,
  Unknown,
  unknown,
  type PropertyMap,
  type PropertyValue,
} from "./property-value.ts";

/** The key that marks an object on the wire as a special value. */
const signatureKey = "4dabf18193072939515e22adb298388d";
const secretSignature = "1b47061264138c4ac30d75fd1eb44270";
const outputSignature = "d0e6a833031e9bbcd3f4e8bde6ca49a4";

/** The sentinel of an unknown string; sent for every unknown value, as the engine does for most. */
const unknownString = "04da6b54-80e4-46f7-96ec-b56ff0331ba9";

/**
 * The sentinels of unknown values.
 * Source: UnknownStringValue and its siblings, sdk/go/common/resource/plugin/rpc.go of pulumi/pulumi.
 */
const unknownSentinels: ReadonlySet<string> = new Set([
  "1c4a061d-8072-4f0a-a4cb-0ff528b18fe7", // boolean
  "3eeb2bf0-c639-47a8-9e75-3b44932eb421", // number
  unknownString,
  "6a19a0b0-7e62-4c92-b797-7f8e31da9cc2", // array
  "030794c1-ac77-496b-92df-f27374a8bd58", // asset
  "e48ece36-62e2-4504-bad9-02848725956a", // archive
  "dd056dcd-154b-4c76-9bd3-c8f88648b5ff", // object
]);

/** An absent struct is an empty map. */
export function decodeMap(struct: structpb.Struct | undefined): PropertyMap {
  const entries = struct?.getFieldsMap().getEntryList() ?? [];
  const fields = struct?.getFieldsMap();
  return Object.fromEntries(
    entries.map(([key]) => {
      const value = fields?.get(key);
      return [key, value === undefined ? null : decodeValue(value)];
    }),
  );
}

function decodeValue(value: structpb.Value): PropertyValue {
  switch (value.getKindCase()) {
    case structpb.Value.KindCase.BOOL_VALUE:
      return value.getBoolValue();
    case structpb.Value.KindCase.NUMBER_VALUE:
      return value.getNumberValue();
    case structpb.Value.KindCase.STRING_VALUE: {
      const text = value.getStringValue();
      return unknownSentinels.has(text) ? unknown : text;
    }
    case structpb.Value.KindCase.LIST_VALUE:
      return (value.getListValue()?.getValuesList() ?? []).map((element) => decodeValue(element));
    case structpb.Value.KindCase.STRUCT_VALUE:
      return decodeSigned(decodeMap(value.getStructValue()));
    case structpb.Value.KindCase.NULL_VALUE:
    case structpb.Value.KindCase.KIND_NOT_SET:
      return null;
  }
}

function decodeSigned(map: PropertyMap): PropertyValue {
  const { [signatureKey]: signature, ...fields } = map;
  if (signature === undefined) return map;
  if (typeof signature !== "string")
    throw new Error("malformed property value: its signature is not a string");
  switch (signature) {
    case secretSignature:
      if (fields["value"] === undefined)
        throw new Error("malformed property value: a secret without a value");
      return new Secret(fields["value"]);
    case outputSignature: {
      const value = fields["value"] ?? (Object.hasOwn(fields, "value") ? null : unknown);
      return fields["secret"] === true ? new Secret(value) : value;
    }
    default:
      return map;
  }
}

export function encodeMap(map: PropertyMap): structpb.Struct {
  const struct = new structpb.Struct();
  const fields = struct.getFieldsMap();
  for (const [key, value] of Object.entries(map)) {
    // google-protobuf keeps its entries in a plain object, which would silently drop this one.
    if (key === "__proto__") throw new Error('a property cannot be named "__proto__"');
    fields.set(key, encodeValue(value));
  }
  return struct;
}

function encodeValue(value: PropertyValue): structpb.Value {
  const encoded = new structpb.Value();
  if (value === null) encoded.setNullValue(structpb.NullValue.NULL_VALUE);
  else if (typeof value === "boolean") encoded.setBoolValue(value);
  else if (typeof value === "number") encoded.setNumberValue(value);
  else if (typeof value === "string") encoded.setStringValue(value);
  else if (value instanceof Unknown) encoded.setStringValue(unknownString);
  else if (value instanceof Secret)
    encoded.setStructValue(encodeMap({ [signatureKey]: secretSignature, value: value.value }));
  else if (isArray(value)) {
    const list = new structpb.ListValue();
    list.setValuesList(value.map((element) => encodeValue(element)));
    encoded.setListValue(list);
  } else if (isMap(value)) encoded.setStructValue(encodeMap(value));
  return encoded;
}
