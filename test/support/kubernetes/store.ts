import { randomUUID } from "node:crypto";
import { isDeepStrictEqual } from "node:util";
import { isRecord } from "../../../core/records.ts";
import { alreadyExists, conflict, notFound, unmet } from "./api-error.ts";
import type { TestClock } from "./clock.ts";
import { managedAfter, type ManagedFieldsEntry } from "./managed-fields.ts";
import type { Json } from "./patches.ts";
import { resourceOf, type Resource } from "./resources.ts";

/** A stored object. Each write replaces it. */
export interface Stored extends Json {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: Metadata;
}

interface Metadata extends Json {
  readonly name: string;
  readonly namespace?: string;
  readonly uid: string;
  readonly resourceVersion: string;
  readonly generation?: number;
  readonly creationTimestamp: string;
  readonly deletionTimestamp?: string;
  readonly finalizers?: readonly string[];
  readonly labels?: Readonly<Record<string, string>>;
  readonly managedFields?: readonly ManagedFieldsEntry[];
}

/** The object that a request is about. */
export interface Target {
  readonly resource: Resource;
  readonly namespace: string;
  readonly name: string;
}

interface Preconditions {
  readonly uid?: string;
  readonly resourceVersion?: string;
}

/** Fields that Kubernetes' built-in types omit if empty. */
const omittedEmpty = ["data", "binaryData", "stringData"];
const omittedEmptyMetadata = ["labels", "annotations", "finalizers", "ownerReferences", "managedFields"];

/** The objects of an in-memory cluster, with the write rules of a real API server. */
export class Store {
  readonly #clock: TestClock;
  readonly #objects = new Map<string, Stored>();
  readonly #listeners: ((object: Stored) => void)[] = [];
  #version = 1000;

  constructor(clock: TestClock) {
    this.#clock = clock;
  }

  /** The listener is called with each object that is written or removed. */
  onChange(listener: (object: Stored) => void): void {
    this.#listeners.push(listener);
  }

  get version(): string {
    return String(this.#version);
  }

  get(kind: string, namespace: string, name: string): Stored | undefined {
    return this.#objects.get(key({ resource: resourceOf(kind), namespace, name }));
  }

  /** @throws ApiError 404 */
  need(target: Target): Stored {
    const found = this.#objects.get(key(target));
    if (found === undefined) throw notFound(target.resource, target.name);
    return found;
  }

  /** @param namespace undefined for all */
  list(kind: string, namespace: string | undefined, selector = ""): readonly Stored[] {
    return [...this.#objects]
      .filter(
        ([, { kind: found, metadata }]) =>
          found === kind &&
          (namespace === undefined || metadata.namespace === namespace) &&
          selects(selector, metadata.labels ?? {}),
      )
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([, object]) => object);
  }

  /** @throws ApiError */
  create(target: Target, given: Json, manager: string): Stored {
    const { resource, namespace, name } = target;
    if (this.#objects.has(key(target))) throw alreadyExists(resource, name);
    if (resource.namespaced && this.get("Namespace", "", namespace) === undefined) {
      throw notFound(resourceOf("Namespace"), namespace);
    }
    const { metadata, ...content } = given;
    const { managedFields: _, ...asked } = isRecord(metadata) ? metadata : {};
    const own = {
      ...(resource.namespaced ? { name, namespace } : { name }),
      ...{ uid: randomUUID(), creationTimestamp: this.#time() },
      ...(resource.controlled || resource.custom ? { generation: 1 } : {}),
    };
    const { apiVersion, kind } = resource;
    return this.#write(
      target,
      undefined,
      { ...content, apiVersion, kind, metadata: { ...asked, ...own } },
      manager,
    );
  }

  /**
   * @param manager undefined for a controller, which is not recorded
   * @param change returns the new object
   * @throws ApiError
   */
  update(target: Target, manager: string | undefined, change: (live: Stored) => Json): Stored {
    const live = this.need(target);
    const { metadata, ...content } = change(live);
    const wanted = isRecord(metadata) ? metadata : {};
    const { resourceVersion, uid, creationTimestamp, generation = 0, managedFields = [] } = live.metadata;
    if ((wanted["resourceVersion"] ?? resourceVersion) !== resourceVersion) {
      const why =
        "the object has been modified; please apply your changes to the latest version and try again";
      throw conflict(target.resource, target.name, why);
    }
    const { controlled, custom, apiVersion, kind } = target.resource;
    const apart = controlled && manager !== undefined ? ["status"] : [];
    const own = { name: target.name, uid, creationTimestamp, resourceVersion, managedFields };
    const { status, ...rest } = content;
    const next = tidied({
      ...{ ...rest, apiVersion, kind, metadata: { ...wanted, ...own } },
      ...(apart.length > 0 ? { status: live["status"] } : { status }),
    });
    if (isDeepStrictEqual(next, tidied(live))) return live;
    const specOf = ({ metadata: _, status: __, ...spec }: Json): Json => spec;
    const changed = !isDeepStrictEqual(specOf(next), specOf(live));
    const grown = controlled || custom ? { generation: generation + (changed ? 1 : 0) } : {};
    return this.#write(target, live, { ...next, metadata: { ...next.metadata, ...grown } }, manager);
  }

  /**
   * @returns the object if its deletion has to wait
   * @throws ApiError
   */
  delete(target: Target, preconditions: Preconditions = {}): Stored | undefined {
    const live = this.need(target);
    const { uid, resourceVersion, finalizers = [], deletionTimestamp, generation } = live.metadata;
    const conditions = [
      { field: "UID", wanted: preconditions.uid ?? uid, found: uid },
      {
        field: "ResourceVersion",
        wanted: preconditions.resourceVersion ?? resourceVersion,
        found: resourceVersion,
      },
    ];
    const failed = conditions.find(({ wanted, found }) => wanted !== found);
    if (failed !== undefined) throw unmet(target.resource, target.name, failed);
    const waits = finalizers.length > 0 || target.resource.kind === "Pod";
    if (!waits) {
      this.remove(target);
      return undefined;
    }
    if (deletionTimestamp !== undefined) return live;
    const going = {
      ...{ deletionTimestamp: this.#time(), deletionGracePeriodSeconds: 0 },
      ...(generation === undefined ? {} : { generation: generation + 1 }),
    };
    return this.#write(target, live, { ...live, metadata: { ...live.metadata, ...going } }, undefined);
  }

  /** Removes the object, even if its deletion waits. */
  remove(target: Target): void {
    const live = this.#objects.get(key(target));
    if (live === undefined) return;
    this.#objects.delete(key(target));
    this.#version += 1;
    this.#tell(live);
  }

  #time(): string {
    return `${this.#clock.now().toISOString().slice(0, 19)}Z`;
  }

  #write(target: Target, live: Stored | undefined, next: Json, manager: string | undefined): Stored {
    const tidy = tidied(next);
    const { apiVersion } = target.resource;
    const before = live?.metadata.managedFields ?? [];
    const managedFields =
      manager === undefined
        ? before
        : managedAfter(before, live, tidy, { manager, apiVersion, time: this.#time() });
    const { deletionTimestamp, finalizers = [] } = tidy.metadata;
    const ends = deletionTimestamp !== undefined && finalizers.length === 0 && tidy.kind !== "Pod";
    this.#version += 1;
    // A write that completes a deletion does not change the resourceVersion.
    const resourceVersion = ends && live !== undefined ? live.metadata.resourceVersion : this.version;
    const written = tidied({ ...tidy, metadata: { ...tidy.metadata, managedFields, resourceVersion } });
    if (ends) this.#objects.delete(key(target));
    else this.#objects.set(key(target), written);
    this.#tell(written);
    return written;
  }

  #tell(object: Stored): void {
    for (const listener of this.#listeners) listener(object);
  }
}

function key({ resource, namespace, name }: Target): string {
  return `${resource.kind}/${namespace}/${name}`;
}

/**
 * Normalizes an object like Kubernetes' built-in types: omits empty fields, and encodes a Secret's
 * stringData.
 */
function tidied(object: Json): Stored {
  const { stringData, ...content } = object;
  const texts: Json = Object.fromEntries(
    Object.entries(isRecord(stringData) ? stringData : {}).map(([name, text]) => [
      name,
      Buffer.from(String(text)).toString("base64"),
    ]),
  );
  const data = { ...(isRecord(content["data"]) ? content["data"] : {}), ...texts };
  const whole = isRecord(stringData) ? { ...content, data } : content;
  const metadata = isRecord(object["metadata"]) ? object["metadata"] : {};
  return {
    ...withoutEmpty(whole, omittedEmpty),
    metadata: withoutEmpty(metadata, omittedEmptyMetadata),
  } as Stored;
}

function withoutEmpty(object: Json, names: readonly string[]): Json {
  return Object.fromEntries(
    Object.entries(object).filter(
      ([name, value]) =>
        value !== undefined && !(names.includes(name) && Object.keys(value ?? {}).length === 0),
    ),
  );
}

/** Whether labels match a selector in its query form, for example `a=b,c in (x,y),!d`. */
function selects(selector: string, labels: Readonly<Record<string, string>>): boolean {
  const requirements = selector.split(/,(?![^(]*\))/).filter((each) => each !== "");
  return requirements.every((requirement) => {
    const [, name = "", not, values = ""] = /^(\S+) (not)?in \((.*)\)$/.exec(requirement) ?? [];
    if (name !== "") return values.split(",").includes(labels[name] ?? "") === (not === undefined);
    if (requirement.startsWith("!")) return !(requirement.slice(1) in labels);
    const [key = "", value] = requirement.split("=");
    return value === undefined ? key in labels : labels[key] === value;
  });
}
