import {
  containsUnknown,
  equalValues,
  fromJson,
  InputPropertiesError,
  PartialFailure,
  reveal,
  toJson,
  UnimplementedError,
  unknown,
  type CallContext,
  type CheckRequest,
  type CheckResponse,
  type ConfigureRequest,
  type CreateRequest,
  type CreateResponse,
  type DeleteRequest,
  type DiffRequest,
  type DiffResponse,
  type JsonObject,
  type PropertyMap,
  type Provider,
  type ReadRequest,
  type ReadResponse,
  type UpdateRequest,
  type UpdateResponse,
} from "../../protocol/index.ts";
import { ApiError, UnknownKindError } from "./api-error.ts";
import { applyWithAdvice, existsError, ImmutableError } from "./apply.ts";
import { awaitGone, awaitReady, NotReadyError } from "./await.ts";
import { parseConfig, type Config } from "./config.ts";
import { compare } from "./differences.ts";
import { isAutonamed, mapAt, normalize, withName, withNamespace } from "./inputs.ts";
import {
  annotation,
  annotations,
  hasAnnotation,
  idOf,
  kindOfToken,
  parseId,
  refOf,
  type ObjectRef,
} from "./object.ts";
import { readiness } from "./readiness.ts";
import { fieldManager, liveInputs, liveOf, outputs, withSecrets } from "./state.ts";
import type { PropagationPolicy } from "./cluster.ts";

/** Kinds whose deletion is not waited for either, if they say that they are not to be waited for. */
const skipsDeletion = ["Namespace", "Pod", "ReplicationController", "DaemonSet", "Deployment", "StatefulSet"];

/** Serves the objects of a cluster as the real plugin does, by server-side apply. */
export class KubernetesProvider implements Provider {
  #config: Config | undefined;

  configure({ args }: ConfigureRequest): Promise<void> {
    this.#config = parseConfig(args);
    return Promise.resolve();
  }

  async check(request: CheckRequest, { signal }: CallContext): Promise<CheckResponse> {
    const { cluster } = this.#configured;
    const kind = kindIn(request.newInputs) ?? kindOfToken(request.type);
    if (kind === undefined || kindOfToken(request.type) === undefined) {
      throw new UnimplementedError(
        `the sandbox's replacement of the Kubernetes plugin does not serve ${request.type}; it serves plain objects only`,
      );
    }
    const mapping = await cluster.mapping(kind.apiVersion, kind.kind, signal);
    const naming = { resourceName: request.name, seed: request.randomSeed, oldInputs: request.oldInputs };
    const named = withName(normalize(request.newInputs, kind), naming);
    const inputs = withNamespace(named, mapping?.namespaced ?? true, cluster.defaultNamespace);
    const generated = mapAt(inputs, "metadata")["generateName"] !== undefined;
    return {
      inputs: withSecrets(inputs, request.newInputs),
      failures: generated
        ? [
            {
              property: "metadata.generateName",
              reason: "is not supported with server-side apply; set metadata.name",
            },
          ]
        : [],
    };
  }

  diff(request: DiffRequest): Promise<DiffResponse> {
    const { oldInputs, newInputs, oldOutputs, ignoreChanges } = request;
    const live = liveOf(oldOutputs);
    const mutability = this.#configured;
    const detailedDiff = compare({ live, oldInputs, newInputs, ignoreChanges, mutability });
    const replaced = Object.values(detailedDiff).some(({ kind }) => kind.endsWith("-replace"));
    const [was, is] = [live, newInputs].map((object): PropertyMap => {
      const { namespace = null, name = null } = mapAt(object, "metadata");
      return { namespace, name };
    });
    const sameName = was !== undefined && is !== undefined && equalValues(was, is);
    return Promise.resolve({
      detailedDiff,
      deleteBeforeReplace: replaced && !isAutonamed(newInputs) && sameName,
    });
  }

  async create(request: CreateRequest, context: CallContext): Promise<CreateResponse> {
    const { inputs, preview, timeoutSeconds, urn } = request;
    const { cluster, upsertExistingObjects } = this.#configured;
    if (preview && containsUnknown(inputs)) return { id: "", outputs: inputs };
    const object = toJson(inputs);
    const manager = fieldManager(urn, object, {});
    let applied: JsonObject;
    try {
      if (!upsertExistingObjects && (await cluster.get(refOf(object), context.signal)) !== undefined) {
        // A preview of a replacement under the same name comes here too, so it is no error yet.
        if (preview) return { id: "", outputs: inputs };
        throw existsError(refOf(object));
      }
      applied = await applyWithAdvice(
        { cluster, object, inputs, manager, force: this.#forces(object) || preview, dryRun: preview },
        context,
      );
    } catch (error) {
      // What is replaced under the same name is still there in a preview.
      const later =
        error instanceof UnknownKindError ||
        error instanceof ImmutableError ||
        (error instanceof ApiError && error.isMissingNamespace);
      if (preview && later) return { id: "", outputs: inputs };
      throw error;
    }
    if (preview) return { id: "", outputs: previewed(outputs(fromJson(applied), inputs, manager)) };
    const id = idOf(refOf(applied));
    const live = await this.#awaited(applied, timeoutSeconds, context, (seen) => ({
      id,
      outputs: outputs(fromJson(seen), inputs, manager),
    }));
    return { id, outputs: outputs(fromJson(live), inputs, manager) };
  }

  async read(request: ReadRequest, { signal }: CallContext): Promise<ReadResponse | undefined> {
    const { cluster } = this.#configured;
    const { id, inputs, urn } = request;
    const live = await cluster.get(this.#refOf(request), signal).catch((error: unknown) => {
      // Its definition is gone, and it went with it.
      if (error instanceof UnknownKindError) return undefined;
      throw error;
    });
    if (live === undefined) return undefined;
    const declared = liveInputs(fromJson(live), inputs);
    const state = {
      id: id || idOf(refOf(live)),
      inputs: declared,
      outputs: outputs(fromJson(live), declared, fieldManager(urn, live, request.outputs)),
    };
    const { ready, messages } = readiness(live);
    const isImport = Object.keys(inputs).length === 0;
    if (ready || isImport || hasAnnotation(live, annotations.skipAwait)) return state;
    throw new PartialFailure(state, messages);
  }

  async update(request: UpdateRequest, context: CallContext): Promise<UpdateResponse> {
    const { id, newInputs, oldOutputs, preview, timeoutSeconds, urn } = request;
    const { cluster } = this.#configured;
    if (preview && containsUnknown(newInputs)) return { outputs: newInputs };
    const object = toJson(newInputs);
    const manager = fieldManager(urn, object, oldOutputs);
    if ((await cluster.get(refOf(object), context.signal)) === undefined) {
      throw new Error(`${id} is gone from the cluster. Run pulumi refresh, then pulumi up creates it again.`);
    }
    const applied = await applyWithAdvice(
      { cluster, object, inputs: newInputs, manager, force: this.#forces(object), dryRun: preview },
      context,
    );
    if (preview) return { outputs: previewed(outputs(fromJson(applied), newInputs, manager)) };
    const live = await this.#awaited(applied, timeoutSeconds, context, (seen) => ({
      id,
      outputs: outputs(fromJson(seen), newInputs, manager),
    }));
    return { outputs: outputs(fromJson(live), newInputs, manager) };
  }

  async delete(request: DeleteRequest, context: CallContext): Promise<void> {
    const { cluster } = this.#configured;
    const ref = this.#refOf({ ...request, inputs: request.oldInputs });
    const deleted = toJson(liveOf(request.outputs));
    try {
      if (!(await cluster.delete(ref, propagation(deleted), context.signal))) return;
      if (hasAnnotation(deleted, annotations.skipAwait) && skipsDeletion.includes(ref.kind)) return;
      await awaitGone(cluster, ref, deleted, request.timeoutSeconds, context);
    } catch (error) {
      if (!(error instanceof UnknownKindError)) throw error;
    }
  }

  get #configured(): Config {
    if (this.#config === undefined) throw new Error("the Kubernetes plugin has not been configured");
    return this.#config;
  }

  #forces(object: JsonObject): boolean {
    return this.#configured.enablePatchForce || hasAnnotation(object, annotations.patchForce);
  }

  async #awaited(
    applied: JsonObject,
    timeoutSeconds: number,
    context: CallContext,
    state: (seen: JsonObject) => { readonly id: string; readonly outputs: PropertyMap },
  ): Promise<JsonObject> {
    try {
      return await awaitReady(this.#configured.cluster, applied, timeoutSeconds, context);
    } catch (error) {
      if (error instanceof NotReadyError) throw new PartialFailure(state(error.live), error.reasons);
      // Whatever went wrong while waiting, the object is there and must not be lost.
      if (error instanceof Error) throw new PartialFailure(state(applied), [error.message]);
      throw error;
    }
  }

  /** By the id for name and namespace; by state, inputs or the type for the kind. */
  #refOf(request: { id: string; type: string; inputs: PropertyMap; outputs: PropertyMap }): ObjectRef {
    const kind = kindIn(request.outputs) ?? kindIn(request.inputs) ?? kindOfToken(request.type);
    const { namespace, name } = parseId(request.id);
    if (kind === undefined || name === "") {
      throw new InputPropertiesError(`"${request.id}" does not name an object of type ${request.type}`, [
        { propertyPath: "id", reason: "should be namespace/name, or name for what belongs to no namespace" },
      ]);
    }
    return { ...kind, namespace, name };
  }
}

function kindIn(object: PropertyMap): Pick<ObjectRef, "apiVersion" | "kind"> | undefined {
  const [apiVersion, kind] = [reveal(object["apiVersion"] ?? null), reveal(object["kind"] ?? null)];
  if (typeof apiVersion !== "string" || typeof kind !== "string") return undefined;
  // The SDK spells the core group out in places.
  return { apiVersion: apiVersion.replace(/^core\//, ""), kind };
}

/** What a dry run says of who the object is and how it does is not how it will be. */
function previewed(state: PropertyMap): PropertyMap {
  return { ...state, status: unknown };
}

/** Foreground, like the real plugin: the object goes when all that it owns is gone. */
function propagation(object: JsonObject): PropagationPolicy {
  switch (annotation(object, annotations.deletionPropagationPolicy).toLowerCase()) {
    case "orphan":
      return "Orphan";
    case "background":
      return "Background";
    default:
      return "Foreground";
  }
}
