import { mapValues } from "../../core/records.ts";

/**
 * Pulumi's property values as TypeScript data: the inputs and outputs of resources.
 * - Plain JSON represents itself.
 * - {@link Unknown} and {@link Secret} are classes, because JSON lacks them.
 * - Assets, archives and resource references are maps, as on the wire.
 * - An output value is read as its value, as Unknown, or as a Secret of either; its dependencies are dropped.
 *   The engine does the same for providers that do not accept output values.
 */
export type PropertyValue =
  null | boolean | number | string | readonly PropertyValue[] | PropertyMap | Unknown | Secret;

/** An object of property values. Any key is allowed; internal ones such as `__defaults` are kept. */
export interface PropertyMap {
  readonly [key: string]: PropertyValue;
}

/** JSON: a property value that holds no secret and no unknown. */
export type Json = null | boolean | number | string | readonly Json[] | JsonObject;

export interface JsonObject {
  readonly [key: string]: Json;
}

/** A value that is unknown in a preview because it depends on something that does not exist yet. */
export class Unknown {
  toString(): string {
    return "[unknown]";
  }
}

/** A value that is encrypted in the state and never shown. It may hold an {@link Unknown}. */
export class Secret {
  readonly value: PropertyValue;

  constructor(value: PropertyValue) {
    this.value = value;
  }

  toString(): string {
    return "[secret]";
  }

  /** Hides the value if it is printed by mistake. */
  toJSON(): string {
    return "[secret]";
  }

  [Symbol.for("nodejs.util.inspect.custom")](): string {
    return "[secret]";
  }
}

export const unknown = new Unknown();

/** Wraps a value in a Secret, unless it is one. */
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

/** Whether the predicate holds for the value or for any value nested in it, including in secrets. */
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

/** Removes secret marks at any depth; unknowns stay. {@link containsSecret} tells whether there were any. */
export function reveal(value: PropertyMap): PropertyMap;
export function reveal(value: PropertyValue): PropertyValue;
export function reveal(value: PropertyValue): PropertyValue {
  if (value instanceof Secret) return reveal(value.value);
  if (isArray(value)) return value.map((element) => reveal(element));
  if (isMap(value)) return mapValues(value, (element) => reveal(element));
  return value;
}

/**
 * The value as JSON, without secret marks.
 * @throws Error with the property path of an unknown value
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
