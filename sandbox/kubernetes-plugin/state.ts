import { createHash } from "node:crypto";
import {
  copySecrets,
  isMap,
  markSecret,
  reveal,
  Secret,
  type JsonObject,
  type PropertyMap,
  type PropertyValue,
} from "../../protocol/index.ts";
import { prune } from "./differences.ts";
import { mapAt, without } from "./inputs.ts";
import { annotations, annotation, isSecretKind } from "./object.ts";

/** Written by kubectl; holds the whole object that was applied, a Secret's data included. */
const lastApplied = "kubectl.kubernetes.io/last-applied-configuration";

/** Marks as secret what the inputs say is secret, and all data of a Secret. */
export function withSecrets(object: PropertyMap, inputs: PropertyMap): PropertyMap {
  const marked = copySecrets(object, inputs);
  const [apiVersion, kind] = [marked["apiVersion"], marked["kind"]];
  if (typeof apiVersion !== "string" || typeof kind !== "string" || !isSecretKind({ apiVersion, kind }))
    return marked;
  const secret = (map: PropertyMap, key: string): PropertyMap =>
    map[key] === undefined ? map : { ...map, [key]: markSecret(map[key]) };
  const metadata = mapAt(marked, "metadata");
  const applied = { annotations: secret(mapAt(metadata, "annotations"), lastApplied) };
  return {
    ...secret(secret(marked, "data"), "stringData"),
    ...("annotations" in metadata ? { metadata: { ...metadata, ...applied } } : {}),
  };
}

/** The state of a resource in the real plugin's shape: the whole live object, the inputs, and who manages it. */
export function outputs(live: PropertyMap, inputs: PropertyMap, fieldManager: string): PropertyMap {
  return {
    ...withSecrets(live, inputs),
    __inputs: withSecrets(inputs, inputs),
    __initialApiVersion: inputs["apiVersion"] ?? null,
    __fieldManager: fieldManager,
  };
}

/** The live object of a state. */
export function liveOf(state: PropertyMap): PropertyMap {
  return reveal(without(state, "__inputs", "__initialApiVersion", "__fieldManager"));
}

/**
 * Who manages the fields that are applied: the same for all applies of a resource. The real plugin chooses it by
 * chance, keeps it in the state, and lets an annotation set it.
 */
export function fieldManager(urn: string, inputs: JsonObject, state: PropertyMap): string {
  const kept = reveal(state["__fieldManager"] ?? null);
  const suffix = createHash("sha256").update(urn).digest("hex").slice(0, 8);
  return (
    annotation(inputs, annotations.patchFieldManager) ||
    (typeof kept === "string" ? kept : `pulumi-kubernetes-${suffix}`)
  );
}

/** What the inputs would have to be to make the object as it is now. */
export function liveInputs(live: PropertyMap, inputs: PropertyMap): PropertyMap {
  const isImport = Object.keys(inputs).length === 0;
  const declared = isImport ? imported(live) : prune(live, inputs);
  return withSecrets(declared, inputs);
}

function imported(live: PropertyMap): PropertyMap {
  const metadata = mapAt(live, "metadata");
  const given = without(
    metadata,
    ...["creationTimestamp", "generation", "managedFields", "resourceVersion", "uid", "selfLink"],
  );
  const kept = without(mapAt(given, "annotations"), "deployment.kubernetes.io/revision", lastApplied);
  return {
    ...without(live, "status"),
    metadata: {
      ...without(given, "annotations"),
      ...(Object.keys(kept).length > 0 ? { annotations: kept } : {}),
    },
  };
}

/** Every string that is secret in a value, its base64 decoded too. */
function secretTexts(value: PropertyValue, isSecret: boolean): readonly string[] {
  if (value instanceof Secret) return secretTexts(value.value, true);
  if (Array.isArray(value)) return value.flatMap((element: PropertyValue) => secretTexts(element, isSecret));
  if (isMap(value)) return Object.values(value).flatMap((element) => secretTexts(element, isSecret));
  if (!isSecret || typeof value !== "string") return [];
  return [value, Buffer.from(value, "base64").toString("utf8")];
}

/** A message without any secret of the inputs, should the API server quote one. */
export function redact(message: string, inputs: PropertyMap): string {
  const object = withSecrets(inputs, inputs);
  const texts = secretTexts(object, false).filter((text) => text.length >= 4);
  return [...new Set(texts)]
    .toSorted((left, right) => right.length - left.length)
    .reduce((text, secret) => text.replaceAll(secret, "[secret]"), message);
}
