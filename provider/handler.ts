import type { z } from "zod";
import { ownerOf } from "../core/policy/owner.ts";
import { shownLine } from "../core/policy/shown-name.ts";
import { mapValues, own } from "../core/records.ts";
import {
  changes,
  containsSecret,
  containsUnknown,
  detailedDiff,
  markSecret,
  toJson,
  unknown,
  type CallContext,
  type CheckFailure,
  type PropertyMap,
  type PropertyValue,
  type Provider,
} from "./protocol/index.ts";
import { NO_DRIFT, type Operation, type ResourceType } from "./resource.ts";
import { schemaPath } from "./function-args.ts";

/** Who a resource is to the others on the same object. */
export interface Self {
  readonly urn: string;
  readonly owner: string;
  /** The name that its state has for it, where that is another. */
  readonly previous?: string;
  /** Its properties, which say on which cluster it is. */
  readonly resource: PropertyMap;
}

/** Makes the operation of one call. */
export type Start = (context: CallContext, self: Self, preview?: boolean) => Operation;

/** One kind of resource in the protocol's terms. */
export type ResourceHandler = Pick<Provider, "check" | "diff" | "create" | "read" | "update" | "delete">;

/**
 * What every resource may have beside its own inputs: which cluster it is on. Another one needs a new resource; one whose state does
 * not say it yet stays where it is.
 */
const CLUSTER = "cluster";

/** Names beginning so are the engine's and the SDK's own. */
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
      reason: `there is no such input; there are: ${Object.keys(shape).join(", ")}`,
    }));
  const wrong = Object.entries(shape).flatMap(([name, schema]) => {
    const value = own(inputs, name);
    if (value !== undefined && containsUnknown(value)) return [];
    const result = (schema as z.ZodType).safeParse(value === undefined ? undefined : toJson(value, [name]));
    return result.success ? [] : failuresOf(name, result.error);
  });
  return [...extra, ...wrong];
}

/** The handler of one kind of resource. */
export function handlerOf<Inputs extends object, Computed extends object>(
  type: ResourceType<Inputs, Computed>,
  start: Start,
): ResourceHandler {
  const inputNames = Object.keys(type.inputs.shape);
  const computedNames = Object.keys(type.computed.shape);
  const inputsOf = (map: PropertyMap): Inputs => type.inputs.parse(toJson(pick(map, inputNames)));
  const computedOf = (map: PropertyMap): Computed => type.computed.parse(toJson(pick(map, computedNames)));

  /** The outputs: the inputs, and what was computed, which is secret where an input is that it is derived from. */
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
      const replaceOn: readonly (string | number | undefined)[] = type.replaceOn;
      const found = changes(known(oldInputs), known(newInputs));
      return Promise.resolve({
        detailedDiff: detailedDiff(
          found,
          ({ path, kind }) => replaceOn.includes(path[0]) || (path[0] === CLUSTER && kind === "update"),
        ),
      });
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
        throw new Error(
          "This kind of resource cannot be imported: declare it, and it takes over what is there.",
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
      // A preview without --diff would only say that there is drift.
      if (drift !== NO_DRIFT) context.log.info(`not as it was left: ${drift}`);
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

function pick(map: PropertyMap, names: readonly string[]): PropertyMap {
  return Object.fromEntries(Object.entries(map).filter(([name]) => names.includes(name)));
}

/** Without the names that are the engine's own. */
function known(map: PropertyMap): PropertyMap {
  return Object.fromEntries(Object.entries(map).filter(([name]) => !name.startsWith(INTERNAL)));
}

/** A state from before its kind of resource could drift has none. */
function driftOf(outputs: PropertyMap): string {
  const drift: PropertyValue | undefined = outputs["drift"];
  return typeof drift === "string" ? drift : NO_DRIFT;
}

/** Absent: its stack has none, as with an older release. */
function identityOf({ identity }: PropertyMap): string | undefined {
  return typeof identity === "string" ? identity : undefined;
}

function ownerIn(outputs: PropertyMap, urn: string): string {
  const owner: PropertyValue | undefined = outputs["owner"];
  return typeof owner === "string" ? owner : urn;
}
