import { at, isObject, listAt, textAt } from "./object.ts";
import type { JsonObject } from "../../protocol/index.ts";

/** The API server refused a request. The message is its own. */
export class ApiError extends Error {
  /** HTTP status. */
  readonly code: number;
  /** The metav1.Status that came with it. */
  readonly status: JsonObject;

  constructor(code: number, status: JsonObject) {
    super(textAt(status, "message") || `the API server answered with HTTP status ${code}`);
    this.name = "ApiError";
    this.code = code;
    this.status = status;
  }

  get reason(): string {
    return textAt(this.status, "reason");
  }

  /** The object is missing, not its namespace or its kind. */
  get isNotFound(): boolean {
    return this.code === 404;
  }

  get isMissingNamespace(): boolean {
    return this.code === 404 && textAt(this.status, "details", "kind") === "namespaces";
  }

  /** The object exists, and cannot become what is asked for: it would have to be replaced. */
  get isImmutable(): boolean {
    return this.code === 422 && /field is immutable|updates (?:to|may not change)/.test(this.message);
  }

  /** The field managers that a server-side apply ran into, if that is what failed. */
  get conflictingManagers(): readonly string[] {
    if (this.code !== 409) return [];
    return listAt(this.status, "details", "causes")
      .filter((cause) => textAt(cause, "reason") === "FieldManagerConflict")
      .map((cause) => /^conflict with "([^"]*)"/.exec(textAt(cause, "message"))?.[1] ?? "");
  }
}

/** There was no answer of the API server at all. */
export class UnreachableError extends Error {
  constructor(server: string, why: string) {
    super(
      `configured Kubernetes cluster is unreachable: ${server}: ${why}. ` +
        "Check the kubeconfig, its context and the network, then run again.",
    );
    this.name = "UnreachableError";
  }
}

/** The cluster serves no such kind: its CustomResourceDefinition is not there (yet). */
export class UnknownKindError extends Error {
  constructor(apiVersion: string, kind: string) {
    super(
      `the cluster has no kind ${kind} in ${apiVersion}. Create its CustomResourceDefinition first, or correct apiVersion and kind.`,
    );
    this.name = "UnknownKindError";
  }
}

/** The body of a failed request, which is a metav1.Status unless something else than the API server answered. */
export function toApiError(code: number, body: unknown): ApiError {
  return new ApiError(code, isObject(body) && at(body, "kind") === "Status" ? body : {});
}
