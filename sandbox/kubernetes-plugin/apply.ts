import { setTimeout as sleep } from "node:timers/promises";
import type { CallContext, JsonObject, PropertyMap } from "../../protocol/index.ts";
import { ApiError, UnknownKindError } from "./api-error.ts";
import type { Cluster } from "./cluster.ts";
import { annotations, describe, refOf, type ObjectRef } from "./object.ts";
import { redact } from "./state.ts";

export interface Apply {
  readonly cluster: Cluster;
  readonly object: JsonObject;
  /** The same with its secret marks, so that no error quotes a secret. */
  readonly inputs: PropertyMap;
  readonly manager: string;
  readonly force: boolean;
  readonly dryRun: boolean;
}

/** The object exists, and cannot become what is asked for: it would have to be replaced. */
export class ImmutableError extends Error {
  override readonly name = "ImmutableError";
}

/** Waits before another try, in milliseconds, for a namespace or a definition that is being created right now. */
const waits = [250, 500, 1_000, 2_000, 4_000];

/** People's own edits, which a declared state overrules as the real plugin does; other programs' are conflicts. */
const overruled = ["kubectl", "before-first-apply", "pulumi-kubernetes", "pulumi-resource-kubernetes"];

/**
 * Server-side apply. Waits a little for what the object needs, takes over what people edited by hand, and says what to
 * do about a conflict with another program.
 */
export async function applyWithAdvice(apply: Apply, context: CallContext): Promise<JsonObject> {
  try {
    return await applyWhenPossible(apply, context);
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    const { conflictingManagers: managers } = error;
    if (managers.length > 0 && managers.every((name) => overruled.some((start) => name.startsWith(start)))) {
      return await applyWithAdvice({ ...apply, force: true }, context);
    }
    throw readable(error, apply);
  }
}

async function applyWhenPossible(apply: Apply, { signal, log }: CallContext): Promise<JsonObject> {
  const { cluster, object, manager, force, dryRun } = apply;
  const once = () => cluster.apply(object, { fieldManager: manager, force, dryRun }, signal);
  if (dryRun) return await once();
  for (const wait of waits) {
    try {
      return await once();
    } catch (error) {
      const mayCome = error instanceof UnknownKindError || (error instanceof ApiError && error.isNotFound);
      if (!mayCome) throw error;
      log.status(`trying again: ${redact(error.message, apply.inputs)}`);
      await sleep(wait, undefined, { signal }).catch(() => undefined);
      signal.throwIfAborted();
    }
  }
  return await once();
}

function readable(error: ApiError, { object, inputs, manager }: Apply): Error {
  const what = describe(refOf(object));
  const message = redact(error.message, inputs);
  if (error.isMissingNamespace) return error;
  if (error.conflictingManagers.length === 0) {
    const refused = `the Kubernetes API server refused ${what}: ${message}`;
    return error.isImmutable ? new ImmutableError(refused) : new Error(refused);
  }
  return new Error(
    `${what} has fields that others manage, so field manager "${manager}" cannot set them: ${message}\n` +
      `Leave those fields out of the program, or take them over with the annotation ${annotations.patchForce}: "true".`,
  );
}

/** The object is there already, and nothing says that it is ours. */
export function existsError(ref: ObjectRef): Error {
  return new Error(
    `${describe(ref)} already exists in the cluster. Import it with pulumi import, rename the new one, ` +
      "or set upsertExistingObjects on the provider to take it over.",
  );
}
