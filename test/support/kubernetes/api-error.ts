import type { Json } from "./patches.ts";
import type { Resource } from "./resources.ts";

/** An error with the API server's message. */
export class ApiError extends Error {
  readonly code: number;
  readonly reason: string;
  readonly details: Json;

  constructor(code: number, reason: string, message: string, details: Json) {
    super(message);
    this.code = code;
    this.reason = reason;
    this.details = details;
  }
}

/** The names of a resource in messages. */
type Named = Pick<Resource, "plural" | "group" | "qualified">;

function detailsOf({ plural, group }: Named, name: string): Json {
  return { name, ...(group === "" ? {} : { group }), kind: plural };
}

export function notFound(resource: Resource, name: string): ApiError {
  const details = detailsOf(resource, name);
  return new ApiError(404, "NotFound", `${resource.qualified} "${name}" not found`, details);
}

export function alreadyExists(resource: Resource, name: string): ApiError {
  const details = detailsOf(resource, name);
  return new ApiError(409, "AlreadyExists", `${resource.qualified} "${name}" already exists`, details);
}

export function conflict(resource: Named, name: string, why: string): ApiError {
  const message = `Operation cannot be fulfilled on ${resource.qualified} "${name}": ${why}`;
  return new ApiError(409, "Conflict", message, detailsOf(resource, name));
}

/** A deletion whose precondition does not hold. Its message names the kind. */
export function unmet(
  { kind, group }: Resource,
  name: string,
  { field, wanted, found }: { readonly field: string; readonly wanted: string; readonly found: string },
): ApiError {
  const why = {
    UID: "The object might have been deleted and then recreated",
    ResourceVersion: "The object might have been modified",
  }[field];
  const named = { plural: kind, group, qualified: group === "" ? kind : `${kind}.${group}` };
  const message = `the ${field} in the precondition (${wanted}) does not match the ${field} in record (${found}). ${why ?? ""}`;
  return conflict(named, name, message);
}

/** A JSON patch that cannot be applied. The message does not depend on the cause. */
export const unpatchable = (): ApiError =>
  new ApiError(422, "Invalid", "the server rejected our request due to an error in our request", {});

export function disrupted(budget: string, needed: number, healthy: number): ApiError {
  const message = `The disruption budget ${budget} needs ${needed} healthy pods and has ${healthy} currently`;
  return new ApiError(
    429,
    "TooManyRequests",
    "Cannot evict pod as it would violate the pod's disruption budget.",
    { causes: [{ reason: "DisruptionBudget", message }] },
  );
}
