/**
 * Pulumi's property values as TypeScript data: what resource inputs and outputs are made of.
 *
 * Plain JSON is itself. What JSON lacks is an instance of one of three classes: {@link Unknown}, {@link Secret} and
 * {@link Opaque}. Output values, which the engine sends only to providers that ask for them, are read as the engine
 * itself reads them for all others: as their value, as Unknown, or as a Secret of either; their dependencies are
 * dropped.
 */
export type PropertyValue =
  null | boolean | number | string | readonly PropertyValue[] | PropertyMap | Unknown | Secret | Opaque;

/** An object of property values. Keys may be any string; `__defaults` and other internal keys are kept as they are. */
export interface PropertyMap {
  readonly [key: string]: PropertyValue;
}

/** JSON: a property value that holds no secret, no unknown and nothing opaque. */
export type Json = null | boolean | number | string | readonly Json[] | JsonObject;

export interface JsonObject {
  readonly [key: string]: Json;
}

export type UnknownType = "boolean" | "number" | "string" | "array" | "asset" | "archive" | "object";

/** A value that a preview cannot know yet, because it comes out of something that has not been created. */
export class Unknown {
  /** The type that the value is going to have; engines send "string" for nearly everything. */
  readonly unknownType: UnknownType;

  constructor(unknownType: UnknownType = "string") {
    this.unknownType = unknownType;
  }

  toString(): string {
    return "[unknown]";
  }
}

/** A value that the state keeps encrypted and that is never shown. It may hold an {@link Unknown}. */
export class Secret {
  readonly value: PropertyValue;

  constructor(value: PropertyValue) {
    this.value = value;
  }

  toString(): string {
    return "[secret]";
  }

  /** A secret that is printed by mistake stays one. */
  toJSON(): string {
    return "[secret]";
  }

  [Symbol.for("nodejs.util.inspect.custom")](): string {
    return "[secret]";
  }
}

/** An asset, an archive, a resource reference or a byte string: carried through, never looked into. */
export class Opaque {
  /** Pulumi's signature of its type. */
  readonly signature: string;
  /** All other fields of the value, as they are on the wire. */
  readonly fields: PropertyMap;

  constructor(signature: string, fields: PropertyMap) {
    this.signature = signature;
    this.fields = fields;
  }
}

export const unknown = new Unknown();

/** The value as a secret; what is one already is returned as it is. */
export function markSecret(value: PropertyValue): Secret {
  return value instanceof Secret ? value : new Secret(value);
}

export function isArray(value: PropertyValue | undefined): value is readonly PropertyValue[] {
  return Array.isArray(value);
}

export function isMap(value: PropertyValue | undefined): value is PropertyMap {
  return (
    typeof value === "object" &&
    value !== null &&
    !Array.isArray(value) &&
    !(value instanceof Unknown) &&
    !(value instanceof Secret) &&
    !(value instanceof Opaque)
  );
}

/** Whether the predicate holds for the value or for anything within it, looking into secrets too. */
function some(value: PropertyValue, predicate: (value: PropertyValue) => boolean): boolean {
  if (predicate(value)) return true;
  if (value instanceof Secret) return some(value.value, predicate);
  if (value instanceof Opaque) return some(value.fields, predicate);
  if (isArray(value)) return value.some((element) => some(element, predicate));
  if (isMap(value)) return Object.values(value).some((element) => some(element, predicate));
  return false;
}

export function containsUnknown(value: PropertyValue): boolean {
  return some(value, (each) => each instanceof Unknown);
}

export function containsSecret(value: PropertyValue): boolean {
  return some(value, (each) => each instanceof Secret);
}

/** A map made of the entries of another; safe with any key, `__proto__` included. */
export function mapValues<From, To>(
  map: Readonly<Record<string, From>>,
  change: (value: From, key: string) => To,
): Record<string, To> {
  return Object.fromEntries(Object.entries(map).map(([key, value]) => [key, change(value, key)]));
}

/** The value without its secret marks, at any depth; unknowns stay. Ask {@link containsSecret} first to mark it again. */
export function reveal(value: PropertyMap): PropertyMap;
export function reveal(value: PropertyValue): PropertyValue;
export function reveal(value: PropertyValue): PropertyValue {
  if (value instanceof Secret) return reveal(value.value);
  if (isArray(value)) return value.map((element) => reveal(element));
  if (isMap(value)) return mapValues(value, (element) => reveal(element));
  return value;
}

/**
 * The value as JSON, without its secret marks.
 * @throws {Error} naming the property path, if an unknown or an opaque value is in it.
 */
export function toJson(value: PropertyMap, path?: readonly PathSegment[]): JsonObject;
export function toJson(value: PropertyValue, path?: readonly PathSegment[]): Json;
export function toJson(value: PropertyValue, path: readonly PathSegment[] = []): Json {
  if (value instanceof Secret) return toJson(value.value, path);
  if (value instanceof Unknown) throw new Error(`${formatPath(path)} is not known yet`);
  if (value instanceof Opaque)
    throw new Error(`${formatPath(path)} is an asset, an archive or a resource, not a plain value`);
  if (isArray(value)) return value.map((element, index) => toJson(element, [...path, index]));
  if (isMap(value)) return mapValues(value, (element, key) => toJson(element, [...path, key]));
  return value;
}

/** JSON as a property value. The same data; the types of two recursive unions need a function between them. */
export function fromJson(value: JsonObject): PropertyMap;
export function fromJson(value: Json): PropertyValue;
export function fromJson(value: Json): PropertyValue {
  if (isJsonArray(value)) return value.map((element) => fromJson(element));
  if (typeof value === "object" && value !== null) return mapValues(value, (element) => fromJson(element));
  return value;
}

function isJsonArray(value: Json): value is readonly Json[] {
  return Array.isArray(value);
}

export type PathSegment = string | number;

/**
 * A property path as Pulumi writes it: `data.key`, `spec.containers[0].image`, `metadata.annotations["a.b/c"]`.
 * The empty path is the empty string.
 */
export function formatPath(path: readonly PathSegment[]): string {
  return path
    .map((segment, index) => {
      if (typeof segment === "number") return `[${segment}]`;
      if (/^[^.[\]"\\]+$/.test(segment)) return index === 0 ? segment : `.${segment}`;
      return `["${segment.replaceAll(/[\\"]/g, String.raw`\$&`)}"]`;
    })
    .join("");
}

/** What a map holds itself under a name: one that every object inherits is no property of it. */
export function own(map: PropertyMap, key: string): PropertyValue | undefined {
  return Object.hasOwn(map, key) ? map[key] : undefined;
}

/**
 * Copies secretness from inputs to outputs, as the engine does for providers that know nothing of secrets: objects
 * are walked side by side; elsewhere, an output whose input holds a secret becomes one as a whole. (So it does in an
 * array with one secret in it, whose order may differ.)
 */
export function copySecrets(outputs: PropertyMap, inputs: PropertyMap): PropertyMap {
  return mapValues(outputs, (output, key) => {
    const input = own(inputs, key);
    if (input === undefined || output instanceof Secret) return output;
    if (isMap(output) && isMap(input)) return copySecrets(output, input);
    return containsSecret(input) ? markSecret(output) : output;
  });
}

/** Whether both are the same value. Secret marks do not count; two unknowns are never equal. */
export function equalValues(left: PropertyValue, right: PropertyValue): boolean {
  if (left instanceof Secret) return equalValues(left.value, right);
  if (right instanceof Secret) return equalValues(left, right.value);
  if (left instanceof Unknown || right instanceof Unknown) return false;
  if (left instanceof Opaque || right instanceof Opaque) {
    return (
      left instanceof Opaque &&
      right instanceof Opaque &&
      left.signature === right.signature &&
      equalValues(left.fields, right.fields)
    );
  }
  if (isArray(left) || isArray(right)) {
    if (!isArray(left) || !isArray(right) || left.length !== right.length) return false;
    return left.every((element, index) => equalValues(element, right[index] ?? null));
  }
  if (isMap(left) && isMap(right)) {
    const keys = Object.keys(left);
    return (
      keys.length === Object.keys(right).length &&
      keys.every(
        (key) => Object.hasOwn(right, key) && equalValues(own(left, key) ?? null, own(right, key) ?? null),
      )
    );
  }
  return Object.is(left, right) || (typeof left === "number" && left === right);
}
