import { z } from "zod";
import { own } from "../core/records.ts";
import type { Before } from "../core/policy/registry.ts";
import { liveKey, siblingKeys } from "../core/trustee/generation.ts";
import { UserError } from "../core/issues.ts";
import type { KubeObject, ObjectRef } from "../kube/objects.ts";
import type { Target } from "./change.ts";

/** The parts of a ConfigMap that are merged here. */
export interface ConfigMap {
  readonly data: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
}

const dataSchema = z.record(z.string(), z.string()).nullish();

export function configMapRef(namespace: string, name: string): ObjectRef {
  return { kind: "ConfigMap", namespace, name };
}

/** The ConfigMap, and what its merge reads: these keys and, if given, this annotation. */
export function configMapTarget(
  ref: ObjectRef,
  keys: readonly (string | undefined)[],
  annotation?: string,
): Target {
  const named = [...new Set(keys.filter((key) => key !== undefined))];
  const data = named.map((key) => ["data", key]);
  return { ref, basis: annotation === undefined ? data : [...data, ["metadata", "annotations", annotation]] };
}

/**
 * The ConfigMap, if it can be written.
 * @throws UserError if it is missing, being deleted, or immutable
 */
export function writableConfigMap(live: KubeObject | undefined, ref: ObjectRef): ConfigMap {
  if (live === undefined) {
    throw new UserError(
      "TA804",
      `There is no ConfigMap "${ref.name}" in namespace "${ref.namespace}". The Trustee operator makes it: ` +
        "install Trustee first, or correct the name and the namespace.",
    );
  }
  if (live.metadata.deletionTimestamp !== undefined) {
    throw new UserError(
      "TA805",
      `ConfigMap "${ref.name}" in namespace "${ref.namespace}" is being deleted. Run again once it has been recreated.`,
    );
  }
  if (live["immutable"] === true) {
    throw new UserError(
      "TA805",
      `ConfigMap "${ref.name}" in namespace "${ref.namespace}" is immutable, so nothing can be written into it. ` +
        "Replace it by one without `immutable: true`, then run again.",
    );
  }
  return readConfigMap(live);
}

export function readConfigMap(live: KubeObject): ConfigMap {
  return { data: dataSchema.parse(live["data"]) ?? {}, annotations: live.metadata.annotations ?? {} };
}

/** Reads or merges a content. An error about it names the ConfigMap, which `core/` does not know. */
export function ofConfigMap<Result>(ref: ObjectRef, work: () => Result): Result {
  try {
    return work();
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    throw new UserError(error.code, `ConfigMap "${ref.name}" in namespace "${ref.namespace}": ${error.text}`);
  }
}

export function contentOf(map: ConfigMap, key: string): Before {
  return own(map.data, key) ?? null;
}

/**
 * The key to write: the live candidate, else the one that this resource wrote before, else the only
 * candidate.
 * @throws UserError if it is unknown which key Trustee reads
 */
export function keyToWrite(
  map: ConfigMap,
  ref: ObjectRef,
  candidates: readonly string[],
  remembered?: string,
): string {
  const live = liveKey(map.data, candidates);
  if (live !== undefined) return live;
  if (remembered !== undefined && candidates.includes(remembered)) return remembered;
  const [only, ...more] = candidates;
  if (only !== undefined && more.length === 0) return only;
  throw new UserError(
    "TA810",
    `ConfigMap "${ref.name}" in namespace "${ref.namespace}" has none of the keys ${candidates
      .map((key) => `"${key}"`)
      .join(
        ", ",
      )}, so it is unknown which one Trustee reads. Set trustee.policyKey or trustee.referenceValuesKey.`,
  );
}

/** The key that Trustee reads now: the live candidate or, after an upgrade, another generation's. */
export function keyReadNow(map: ConfigMap, candidates: readonly string[], ours: string): string | undefined {
  return liveKey(map.data, candidates) ?? liveKey(map.data, siblingKeys(ours));
}

/** Explains the move to another key after an upgrade of Trustee. The diff of the inputs does not show it. */
export function movedMessage(ref: ObjectRef, from: string, to: string): string {
  return (
    `Trustee now reads the key "${to}" of ConfigMap "${ref.name}" instead of "${from}". ` +
    `This stack's part moves to "${to}", and "${from}" gets back its content from before this stack.`
  );
}

/** The patch that sets keys and an annotation (`null` removes them), or `undefined` if nothing changes. */
export function configMapPatch(
  map: ConfigMap,
  data: Readonly<Record<string, Before>>,
  annotation?: { readonly name: string; readonly value: string | null },
): Readonly<Record<string, unknown>> | undefined {
  const changed = Object.entries(data).filter(([key, content]) => content !== contentOf(map, key));
  const annotated =
    annotation === undefined || (own(map.annotations, annotation.name) ?? null) === annotation.value;
  if (annotated && changed.length === 0) return undefined;
  return {
    ...(changed.length === 0 ? {} : { data: Object.fromEntries(changed) }),
    ...(annotated ? {} : { metadata: { annotations: { [annotation.name]: annotation.value } } }),
  };
}

/** The object, or `undefined` if it is gone or being deleted: then there is nothing to remove from it. */
export function staying(live: KubeObject | undefined): KubeObject | undefined {
  return live?.metadata.deletionTimestamp === undefined ? live : undefined;
}
