import type { z } from "zod";
import { ownerOf } from "../core/policy/owner.ts";
import { shownLine } from "../core/shown.ts";
import { mapValues, own, pick } from "../core/records.ts";
import { UserError } from "../core/issues.ts";
import {
  changes,
  containsSecret,
  containsUnknown,
  detailedDiff,
  markSecret,
  toJson,
  unknown,
  type CallContext,
  type Change,
  type CheckFailure,
  type PropertyMap,
  type PropertyValue,
  type Provider,
} from "./protocol/index.ts";
import { NO_DRIFT, type Operation, type ResourceType } from "./resource.ts";
import { schemaPath } from "./function-args.ts";

/** Identifies a resource among ours on the same object. */
export interface Self {
  readonly urn: string;
  readonly owner: string;
  /** The owner in its state, if that is another one. */
  readonly previous?: string;
  /** Its properties, which name its cluster. */
  readonly resource: PropertyMap;
}

/** Creates the operation for one call. */
export type Start = (context: CallContext, self: Self, preview?: boolean) => Operation;

/** One kind of resource in the protocol's terms. */
export type ResourceHandler = Pick<Provider, "check" | "diff" | "create" | "read" | "update" | "delete">;

/**
 * The cluster of a resource, an input of every kind. Another cluster replaces the resource. A resource whose
 * state names no cluster yet stays where it is.
 */
const CLUSTER = "cluster";

/** The prefix of the engine's and the SDK's own names. */
const INTERNAL = "__";

function failuresOf(property: string, error: z.ZodError): CheckFailure[] {
  return error.issues.map((issue) => ({
    property: schemaPath([property, ...issue.path]),
    reason: issue.message,
  }));
}

function checkInputs<Inputs extends object, Computed extends object>(
  type: ResourceType<Inputs, Computed>,
  inputs: PropertyMap,
): readonly CheckFailure[] {
  const shape = type.inputs.shape;
  const extra = Object.keys(inputs)
    .filter((name) => !Object.hasOwn(shape, name) && name !== CLUSTER && !name.startsWith(INTERNAL))
    .map((property) => ({
      property,
      reason: `unknown input; the inputs are: ${Object.keys(shape).join(", ")}`,
    }));
  const wrong = Object.entries(shape).flatMap(([name, schema]) => {
    const value = own(inputs, name);
    if (value !== undefined && containsUnknown(value)) return [];
    const result = (schema as z.ZodType).safeParse(value === undefined ? undefined : toJson(value, [name]));
    return result.success ? [] : failuresOf(name, result.error);
  });
  return [...extra, ...wrong];
}

export function handlerOf<Inputs extends object, Computed extends object>(
  type: ResourceType<Inputs, Computed>,
  start: Start,
): ResourceHandler {
  const inputNames = Object.keys(type.inputs.shape);
  const computedNames = Object.keys(type.computed.shape);
  const inputsOf = (map: PropertyMap): Inputs => type.inputs.parse(toJson(pick(map, inputNames)));
  const computedOf = (map: PropertyMap): Computed => type.computed.parse(toJson(pick(map, computedNames)));

  /** The inputs and the computed outputs. A derived output is secret if any input is. */
  const outputsOf = (inputs: PropertyMap, computed: PropertyMap, owner: string): PropertyMap => {
    const secret = containsSecret(inputs);
    const derived: readonly string[] = type.derived;
    const marked = mapValues(computed, (value, name) =>
      secret && derived.includes(name) ? markSecret(value) : value,
    );
    return { ...inputs, ...marked, owner };
  };
  const allUnknown = (): PropertyMap => Object.fromEntries(computedNames.map((name) => [name, unknown]));
  const refreshBeforeUpdate = type.drifts;

  return {
    check: ({ newInputs }) => {
      const given = Object.fromEntries(Object.entries(newInputs).filter(([name]) => name !== "drift"));
      const inputs = type.drifts ? { ...given, drift: NO_DRIFT } : given;
      return Promise.resolve({ inputs, failures: checkInputs(type, given) });
    },

    diff: ({ oldInputs, newInputs }) => {
      const replaceOn: readonly (string | number | undefined)[] = [...type.replaceOn, CLUSTER];
      const found = changes(known(oldInputs), known(newInputs));
      // The state of an older release may lack an input, and keeps the resource.
      const replaces = ({ path, kind }: Change): boolean => kind === "update" && replaceOn.includes(path[0]);
      return Promise.resolve(detailedDiff(found, replaces));
    },

    create: async ({ inputs, preview, urn }, context) => {
      if (preview && containsUnknown(inputs)) {
        return { id: "", outputs: outputsOf(inputs, allUnknown(), urn), refreshBeforeUpdate };
      }
      const plain = inputsOf(inputs);
      const owner = ownerOf(urn, identityOf(inputs));
      const computed = await type.create(plain, start(context, { urn, owner, resource: inputs }, preview));
      return { id: type.id(plain), outputs: outputsOf(inputs, computed, owner), refreshBeforeUpdate };
    },

    read: async ({ id, inputs, outputs, urn }, context) => {
      if (Object.keys(outputs).length === 0) {
        throw new UserError(
          "TA816",
          "This kind of resource cannot be imported. Declare it, and it takes over what exists.",
        );
      }
      const owner = ownerIn(outputs, urn);
      const found = await type.read(
        inputsOf(inputs),
        computedOf(outputs),
        start(context, { urn, owner, resource: outputs }),
      );
      if (found === undefined) return undefined;
      const asRead = type.drifts ? { ...inputs, drift: shownLine(found.drift) } : inputs;
      return { id, inputs: asRead, outputs: outputsOf(asRead, found.computed, owner), refreshBeforeUpdate };
    },

    update: async ({ oldOutputs, newInputs, preview, urn }, context) => {
      const previous = ownerIn(oldOutputs, urn);
      const identity = identityOf(newInputs);
      const owner = identity === undefined ? previous : ownerOf(urn, identity);
      const drift = driftOf(oldOutputs);
      // Without --diff, a preview shows only that there is drift, not which.
      if (drift !== NO_DRIFT) context.log.info(`drift: ${drift}`);
      if (preview && containsUnknown(newInputs)) {
        return { outputs: outputsOf(newInputs, allUnknown(), owner), refreshBeforeUpdate };
      }
      const old = { inputs: inputsOf(oldOutputs), computed: computedOf(oldOutputs), drift };
      const computed = await type.update(
        inputsOf(newInputs),
        old,
        start(context, { urn, owner, previous, resource: newInputs }, preview),
      );
      return { outputs: outputsOf(newInputs, computed, owner), refreshBeforeUpdate };
    },

    delete: async ({ outputs, urn }, context) => {
      const self = { urn, owner: ownerIn(outputs, urn), resource: outputs };
      await type.delete(inputsOf(outputs), computedOf(outputs), start(context, self));
    },
  };
}

/** Without the engine's own names. */
function known(map: PropertyMap): PropertyMap {
  return Object.fromEntries(Object.entries(map).filter(([name]) => !name.startsWith(INTERNAL)));
}

/** An older release's state may have no `drift`. */
function driftOf(outputs: PropertyMap): string {
  const drift: PropertyValue | undefined = outputs["drift"];
  return typeof drift === "string" ? drift : NO_DRIFT;
}

/** Absent if the stack has no identity, as in an older release. */
function identityOf({ identity }: PropertyMap): string | undefined {
  return typeof identity === "string" ? identity : undefined;
}

function ownerIn(outputs: PropertyMap, urn: string): string {
  const owner: PropertyValue | undefined = outputs["owner"];
  return typeof owner === "string" ? owner : urn;
}
