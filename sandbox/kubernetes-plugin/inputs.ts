/** From what a program declares to what is applied: names, namespaces, and one form for things that can be said in two. */
import { createHash } from "node:crypto";
import {
  isArray,
  isMap,
  mapValues,
  markSecret,
  reveal,
  Secret,
  Unknown,
  type PropertyMap,
  type PropertyValue,
} from "../../protocol/index.ts";
import { annotations, isSecretKind, type ObjectRef } from "./object.ts";

/** What only the API server sets; a program that copies an object whole does not mean them. */
const serverSide = [
  "creationTimestamp",
  "deletionGracePeriodSeconds",
  "deletionTimestamp",
  "generation",
  "managedFields",
  "resourceVersion",
  "selfLink",
  "uid",
];

/** The map under a key, secret or not; empty if there is none. */
export function mapAt(map: PropertyMap, key: string): PropertyMap {
  const value = map[key] instanceof Secret ? map[key].value : map[key];
  return isMap(value) ? value : {};
}

export function without(map: PropertyMap, ...keys: readonly string[]): PropertyMap {
  return Object.fromEntries(Object.entries(map).filter(([key]) => !keys.includes(key)));
}

/** The name that is declared: a string, an {@link Unknown}, or undefined. */
function declaredName(inputs: PropertyMap): PropertyValue | undefined {
  const name = reveal(mapAt(inputs, "metadata")["name"] ?? null);
  return name === null || name === "" ? undefined : name;
}

export function isAutonamed(inputs: PropertyMap): boolean {
  return reveal(mapAt(mapAt(inputs, "metadata"), "annotations")[annotations.autonamed] ?? null) === "true";
}

/** Null is how JSON says that a field is not set; the API server drops it. */
function withoutNulls(value: PropertyMap): PropertyMap;
function withoutNulls(value: PropertyValue): PropertyValue;
function withoutNulls(value: PropertyValue): PropertyValue {
  if (value instanceof Secret) return new Secret(withoutNulls(value.value));
  if (isArray(value)) return value.map((element) => withoutNulls(element));
  if (!isMap(value)) return value;
  const kept = Object.entries(value).filter(([, element]) => element !== null);
  return Object.fromEntries(kept.map(([key, element]) => [key, withoutNulls(element)]));
}

/** What a Secret's stringData says is what the API server keeps as data; both are secret, whatever the program says. */
function normalizeSecret(inputs: PropertyMap): PropertyMap {
  const { data, stringData, ...rest } = inputs;
  if (data === undefined && stringData === undefined) return inputs;
  const unknown = [data, stringData]
    .map((value) => reveal(value ?? null))
    .find((value) => value instanceof Unknown);
  if (unknown !== undefined) return { ...rest, data: markSecret(unknown) };
  const encoded = mapValues(mapAt(inputs, "stringData"), (value) => {
    const text = reveal(value);
    return typeof text === "string" ? Buffer.from(text).toString("base64") : text;
  });
  // The server decodes and encodes again, which drops line breaks.
  const given = mapValues(mapAt(inputs, "data"), (value) => {
    const text = reveal(value);
    return typeof text === "string" && isBase64(text) ? Buffer.from(text, "base64").toString("base64") : text;
  });
  return { ...rest, data: markSecret({ ...given, ...encoded }) };
}

function isBase64(text: string): boolean {
  return /^[A-Za-z0-9+/\s]*={0,2}\s*$/.test(text);
}

/** The inputs in the form that all later calls compare and apply. */
export function normalize(inputs: PropertyMap, kind: Pick<ObjectRef, "apiVersion" | "kind">): PropertyMap {
  const known = without(withoutNulls(inputs), "status");
  const named = {
    ...known,
    ...kind,
    ...("metadata" in known ? { metadata: without(mapAt(known, "metadata"), ...serverSide) } : {}),
  };
  return isSecretKind(kind) ? normalizeSecret(named) : named;
}

/** The same seed, which is the same at preview and update, gives the same name. */
function generateName(resourceName: string, seed: Uint8Array): string {
  const suffix = createHash("sha256").update(seed).digest("hex").slice(0, 8);
  return `${resourceName}-${suffix}`;
}

export interface Naming {
  readonly resourceName: string;
  readonly seed: Uint8Array;
  readonly oldInputs: PropertyMap;
}

/** Inputs without a name get the one they had, or a new one, and an annotation that says so. */
export function withName(inputs: PropertyMap, { resourceName, seed, oldInputs }: Naming): PropertyMap {
  if (declaredName(inputs) !== undefined) return inputs;
  const old = isAutonamed(oldInputs) ? declaredName(oldInputs) : undefined;
  const metadata = mapAt(inputs, "metadata");
  return {
    ...inputs,
    metadata: {
      ...metadata,
      name: old ?? generateName(resourceName, seed),
      annotations: { ...mapAt(metadata, "annotations"), [annotations.autonamed]: "true" },
    },
  };
}

/** Objects of a namespace that name none are in the default one; others must not name any. */
export function withNamespace(
  inputs: PropertyMap,
  namespaced: boolean,
  defaultNamespace: string,
): PropertyMap {
  const metadata = mapAt(inputs, "metadata");
  if (!namespaced) return { ...inputs, metadata: without(metadata, "namespace") };
  return { ...inputs, metadata: { ...metadata, namespace: metadata["namespace"] ?? defaultNamespace } };
}
