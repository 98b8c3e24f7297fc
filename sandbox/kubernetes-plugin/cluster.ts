import type { KubeConfig } from "@kubernetes/client-node";
import type { JsonObject } from "../../protocol/index.ts";
import { ApiError, UnknownKindError } from "./api-error.ts";
import { ApiServer } from "./http.ts";
import { at, listAt, refOf, textAt, type ObjectRef } from "./object.ts";

/** How the API server serves a kind. */
interface Mapping {
  readonly plural: string;
  readonly namespaced: boolean;
}

export interface ApplyOptions {
  readonly fieldManager: string;
  /** Take fields over that others manage. */
  readonly force: boolean;
  /** Ask what would come out; write nothing. */
  readonly dryRun: boolean;
}

export type PropagationPolicy = "Foreground" | "Background" | "Orphan";

/** The objects of one cluster, of any kind that it serves. */
export class Cluster {
  readonly #api: ApiServer;
  /** By apiVersion; forgotten when a kind is not in it, since definitions may have come since. */
  readonly #mappings = new Map<string, ReadonlyMap<string, Mapping>>();
  /** Where objects go that name no namespace. */
  readonly defaultNamespace: string;

  constructor(config: KubeConfig, namespace: string | undefined) {
    this.#api = new ApiServer(config);
    const contextual = config.getContextObject(config.getCurrentContext())?.namespace ?? "";
    this.defaultNamespace = namespace ?? (contextual === "" ? "default" : contextual);
  }

  /** Undefined if the cluster does not serve the kind. */
  async mapping(apiVersion: string, kind: string, signal: AbortSignal): Promise<Mapping | undefined> {
    const known = this.#mappings.get(apiVersion)?.get(kind);
    if (known !== undefined) return known;
    const found = await this.#discover(apiVersion, signal);
    this.#mappings.set(apiVersion, found);
    return found.get(kind);
  }

  /** Undefined if there is no such object. */
  async get(ref: ObjectRef, signal: AbortSignal): Promise<JsonObject | undefined> {
    const path = await this.#path(ref, signal);
    try {
      return await this.#api.request({ method: "GET", path }, signal);
    } catch (error) {
      if (error instanceof ApiError && error.isNotFound) return undefined;
      throw error;
    }
  }

  /** Server-side apply: creates the object or sets exactly the fields that it declares. */
  async apply(object: JsonObject, options: ApplyOptions, signal: AbortSignal): Promise<JsonObject> {
    const path = await this.#path(refOf(object), signal);
    const query = {
      fieldManager: options.fieldManager,
      force: String(options.force),
      ...(options.dryRun ? { dryRun: "All" } : {}),
    };
    const contentType = "application/apply-patch+yaml";
    return await this.#api.request({ method: "PATCH", path, query, body: object, contentType }, signal);
  }

  /** False if it was not there. */
  async delete(ref: ObjectRef, propagationPolicy: PropagationPolicy, signal: AbortSignal): Promise<boolean> {
    const path = await this.#path(ref, signal);
    const body = { apiVersion: "v1", kind: "DeleteOptions", propagationPolicy };
    try {
      await this.#api.request({ method: "DELETE", path, body }, signal);
      return true;
    } catch (error) {
      if (error instanceof ApiError && error.isNotFound) return false;
      throw error;
    }
  }

  async #path(ref: ObjectRef, signal: AbortSignal): Promise<string> {
    const mapping = await this.mapping(ref.apiVersion, ref.kind, signal);
    if (mapping === undefined) throw new UnknownKindError(ref.apiVersion, ref.kind);
    const namespace = mapping.namespaced
      ? `/namespaces/${encodeURIComponent(ref.namespace || this.defaultNamespace)}`
      : "";
    return `${group(ref.apiVersion)}${namespace}/${mapping.plural}/${encodeURIComponent(ref.name)}`;
  }

  async #discover(apiVersion: string, signal: AbortSignal): Promise<ReadonlyMap<string, Mapping>> {
    let list: JsonObject;
    try {
      list = await this.#api.request({ method: "GET", path: group(apiVersion) }, signal);
    } catch (error) {
      if (error instanceof ApiError && error.isNotFound) return new Map();
      throw error;
    }
    return new Map(
      listAt(list, "resources")
        .filter((resource) => !textAt(resource, "name").includes("/"))
        .map((resource) => [
          textAt(resource, "kind"),
          { plural: textAt(resource, "name"), namespaced: at(resource, "namespaced") === true },
        ]),
    );
  }
}

/** The path that an apiVersion is served under. */
function group(apiVersion: string): string {
  return apiVersion.includes("/") ? `/apis/${apiVersion}` : `/api/${apiVersion}`;
}
