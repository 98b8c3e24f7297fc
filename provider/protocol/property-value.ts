import { mapValues, own } from "../../core/records.ts";

/**
 * Pulumi's property values as TypeScript data: what resource inputs and outputs are made of.
 *
 * Plain JSON is itself. What JSON lacks is an instance of one of two classes: {@link Unknown} and {@link Secret}. Assets,
 * archives and resource references are maps, as they are on the wire. Output values, which the engine sends only to
 * providers that ask for them, are read as the engine itself reads them for all others: as their value, as Unknown, or as
 * a Secret of either; their dependencies are dropped.
 */
export type PropertyValue =
  null | boolean | number | string | readonly PropertyValue[] | PropertyMap | Unknown | Secret;

/** An object of property values. Keys may be any string; `__defaults` and other internal keys are kept as they are. */
export interface PropertyMap {
  readonly [key: string]: PropertyValue;
}

/** JSON: a property value that holds no secret and no unknown. */
export type Json = null | boolean | number | string | readonly Json[] | JsonObject;

export interface JsonObject {
  readonly [key: string]: Json;
}

/** A value that a preview cannot know yet, because it comes out of something that has not been created. */
export class Unknown {
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
    !(value instanceof Secret)
  );
}

/** Whether the predicate holds for the value or for anything within it, looking into secrets too. */
function some(value: PropertyValue, predicate: (value: PropertyValue) => boolean): boolean {
  if (predicate(value)) return true;
  if (value instanceof Secret) return some(value.value, predicate);
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
 * @throws {Error} naming the property path, if an unknown value is in it.
 */
export function toJson(value: PropertyMap, path?: readonly PathSegment[]): JsonObject;
export function toJson(value: PropertyValue, path?: readonly PathSegment[]): Json;
export function toJson(value: PropertyValue, path: readonly PathSegment[] = []): Json {
  if (value instanceof Secret) return toJson(value.value, path);
  if (value instanceof Unknown) throw new Error(`${formatPath(path)} is not known yet`);
  if (isArray(value)) return value.map((element, index) => toJson(element, [...path, index]));
  if (isMap(value)) return mapValues(value, (element, key) => toJson(element, [...path, key]));
  return value;
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

/** Whether both are the same value. Secret marks do not count; two unknowns are never equal. */
export function equalValues(left: PropertyValue, right: PropertyValue): boolean {
  if (left instanceof Secret) return equalValues(left.value, right);
  if (right instanceof Secret) return equalValues(left, right.value);
  if (left instanceof Unknown || right instanceof Unknown) return false;
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
