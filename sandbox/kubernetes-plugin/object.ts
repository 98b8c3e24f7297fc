import type { Json, JsonObject } from "../../protocol/index.ts";

/** What names an object in the cluster. */
export interface ObjectRef {
  readonly apiVersion: string;
  readonly kind: string;
  /** Empty for an object that belongs to no namespace. */
  readonly namespace: string;
  readonly name: string;
}

/** Annotations with which a program tells the Kubernetes plugin what to do; the real one's. */
export const annotations = {
  autonamed: "pulumi.com/autonamed",
  skipAwait: "pulumi.com/skipAwait",
  patchForce: "pulumi.com/patchForce",
  patchFieldManager: "pulumi.com/patchFieldManager",
  timeoutSeconds: "pulumi.com/timeoutSeconds",
  deletionPropagationPolicy: "pulumi.com/deletionPropagationPolicy",
} as const;

export function isObject(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function isList(value: Json | undefined): value is readonly Json[] {
  return Array.isArray(value);
}

/** What is at a path of keys, if everything above it is an object. */
export function at(object: Json | undefined, ...path: readonly string[]): Json | undefined {
  let value = object;
  for (const key of path) {
    if (!isObject(value)) return undefined;
    value = Object.hasOwn(value, key) ? value[key] : undefined;
  }
  return value;
}

/** The string at a path; empty if there is none. */
export function textAt(object: Json | undefined, ...path: readonly string[]): string {
  const value = at(object, ...path);
  return typeof value === "string" ? value : "";
}

export function numberAt(object: Json | undefined, ...path: readonly string[]): number | undefined {
  const value = at(object, ...path);
  return typeof value === "number" ? value : undefined;
}

export function listAt(object: Json | undefined, ...path: readonly string[]): readonly Json[] {
  const value = at(object, ...path);
  return isList(value) ? value : [];
}

/** The strings of a list. */
export function textsAt(object: Json | undefined, ...path: readonly string[]): readonly string[] {
  return listAt(object, ...path).filter((element) => typeof element === "string");
}

export function annotation(object: JsonObject, name: string): string {
  return textAt(object, "metadata", "annotations", name);
}

export function hasAnnotation(object: JsonObject, name: string): boolean {
  return annotation(object, name).toLowerCase() === "true";
}

export function refOf(object: JsonObject): ObjectRef {
  return {
    apiVersion: textAt(object, "apiVersion"),
    kind: textAt(object, "kind"),
    namespace: textAt(object, "metadata", "namespace"),
    name: textAt(object, "metadata", "name"),
  };
}

/** The resource's id, as the real plugin makes it: `namespace/name`, or `name` for what belongs to no namespace. */
export function idOf({ namespace, name }: ObjectRef): string {
  return namespace === "" ? name : `${namespace}/${name}`;
}

export function parseId(id: string): Pick<ObjectRef, "namespace" | "name"> {
  const slash = id.indexOf("/");
  return slash === -1
    ? { namespace: "", name: id }
    : { namespace: id.slice(0, slash), name: id.slice(slash + 1) };
}

/** For messages: `secrets "p2-secret"` would need the plural; this needs nothing: `Secret "default/p2-secret"`. */
export function describe(ref: ObjectRef): string {
  return `${ref.kind} "${idOf(ref)}"`;
}

/** A Secret of the core group: what is in it is secret wherever it appears. */
export function isSecretKind({ apiVersion, kind }: Pick<ObjectRef, "apiVersion" | "kind">): boolean {
  return apiVersion === "v1" && kind === "Secret";
}

/**
 * apiVersion and kind of a type token: `kubernetes:core/v1:Pod` is v1 Pod, `kubernetes:apps/v1:Deployment` is apps/v1
 * Deployment. Undefined for what is no object of the cluster (charts, files), and for Patch and List types.
 */
export function kindOfToken(token: string): Pick<ObjectRef, "apiVersion" | "kind"> | undefined {
  const [, module = "", kind = ""] = token.split(":");
  if (module.startsWith("helm.sh/") || module.startsWith("kustomize") || module.startsWith("yaml"))
    return undefined;
  if (/^([^/]+\/)?v\d+((alpha|beta)\d+)?$/.exec(module) === null || /(Patch|List)$/.test(kind))
    return undefined;
  return { apiVersion: module.startsWith("core/") ? module.slice("core/".length) : module, kind };
}
