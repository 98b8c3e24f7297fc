import { own } from "../core/records.ts";
import { shownText } from "../core/policy/shown-name.ts";
import { systemClock, type Clock } from "../kube/clock.ts";
import { urnOf } from "../core/policy/owner.ts";
import {
  changes,
  detailedDiff,
  UnimplementedError,
  type CallContext,
  type Log,
  type PropertyMap,
  type PropertyValue,
  type Provider,
} from "./protocol/index.ts";
import { generatedValue } from "./generated-value.ts";
import { getInitdata } from "./get-initdata.ts";
import { getPodCluster } from "./get-pod-cluster.ts";
import { getTrustee } from "./get-trustee.ts";
import { handlerOf, type ResourceHandler, type Start } from "./handler.ts";
import { kbsSecretEntry } from "./kbs-secret-entry.ts";
import { checkPlace, Places } from "./places.ts";
import { referenceValues } from "./reference-values.ts";
import { resourcePolicy } from "./resource-policy.ts";
import { retirement } from "./retirement.ts";
import { rollout } from "./rollout.ts";

const GENERATED_VALUE = "trustee:index:GeneratedValue";

/**
 * The provider `trustee`: the edits to Trustee's shared objects that no stock resource can make safely.
 * @param clock only tests give one
 */
export function trusteeProvider(clock: Clock = systemClock): Provider {
  let places: Places | undefined;
  let takeOver = false;

  const placeOf = (resource: PropertyMap): ReturnType<Places["of"]> => {
    if (places === undefined) throw new Error("The provider trustee was not configured before it was used.");
    return places.of(resource);
  };
  /** Before anything is read or written: what leads to a resource's cluster may lead to another one by now. */
  const find = async (type: string, resource: PropertyMap): Promise<void> => {
    // In the state alone: a refresh gets through with the settings of a run that had wrong ones.
    if (type !== GENERATED_VALUE) await placeOf(resource).place.find();
  };
  const start: Start = (context, { urn, owner, previous, resource }, preview = false) => {
    const { place } = placeOf(resource);
    const kube = once(() => place.kube(context.signal));
    return {
      get kube() {
        return kube();
      },
      kubeWith: (signal) => place.kube(signal),
      log: context.log,
      signal: context.signal,
      preview,
      owner,
      wasOwner: (one) =>
        one !== owner && (one === urn || one === previous || (takeOver && urnOf(one) === urn)),
      takeOver,
      clock,
      written: place.written,
      turns: place.turns,
    };
  };
  const handlers: Readonly<Record<string, ResourceHandler>> = {
    [GENERATED_VALUE]: handlerOf(generatedValue, start),
    "trustee:index:KbsSecretEntry": handlerOf(kbsSecretEntry, start),
    "trustee:index:ReferenceValues": handlerOf(referenceValues, start),
    "trustee:index:ResourcePolicy": handlerOf(resourcePolicy, start),
    // What the state of an older version calls a ResourcePolicy: the engine refreshes and deletes it by this type.
    "trustee:index:ConfigMapEntry": handlerOf(resourcePolicy, start),
    "trustee:index:Retirement": handlerOf(retirement, start),
    "trustee:index:Rollout": handlerOf(rollout, start),
  };

  const handler = (type: string): ResourceHandler => {
    const found = own(handlers, type);
    if (found === undefined) throw new UnimplementedError(`The provider trustee has no resource ${type}.`);
    return found;
  };

  return {
    checkConfig: (request) => checkPlace(request, clock),
    diffConfig: ({ oldInputs, newInputs }) =>
      Promise.resolve({ detailedDiff: detailedDiff(changes(settingsOf(oldInputs), settingsOf(newInputs))) }),
    configure: ({ args }) => {
      places = new Places(args, clock);
      takeOver = isTrue(args["takeOver"]);
      return Promise.resolve();
    },
    check: async (request, context) => handler(request.type).check(request, context),
    diff: async (request, context) => handler(request.type).diff(request, context),
    create: (request, context) =>
      ended(context, async (shown) => {
        await find(request.type, request.inputs);
        return handler(request.type).create(request, shown);
      }),
    read: (request, context) =>
      ended(context, async (shown) => {
        // It is about to be replaced: what became of it there does not matter.
        const { id, inputs, outputs } = request;
        if (placeOf(outputs).isEarlier) return { id, inputs, outputs, refreshBeforeUpdate: true };
        await find(request.type, outputs);
        return handler(request.type).read(request, shown);
      }),
    update: (request, context) =>
      ended(context, async (shown) => {
        await find(request.type, request.newInputs);
        return handler(request.type).update(request, shown);
      }),
    delete: (request, context) =>
      ended(context, async (shown) => {
        await find(request.type, request.outputs);
        return handler(request.type).delete(request, shown);
      }),
    invoke: (request, context) =>
      ended(context, async ({ log }) => {
        const { place } = placeOf({});
        await place.find();
        const kube = place.kube(context.signal);
        switch (request.token) {
          case "trustee:index:getTrustee":
            return getTrustee(request.args, kube, log, takeOver);
          case "trustee:index:getInitdata":
            return getInitdata(request.args, kube);
          case "trustee:index:getPodCluster":
            return getPodCluster(request.args, kube);
          default:
            throw new UnimplementedError(`The provider trustee has no function ${request.token}.`);
        }
      }),
  };
}

/** What is made when it is first asked for. */
function once<T>(make: () => T): () => T {
  let made: { readonly value: T } | undefined;
  return () => (made ??= { value: make() }).value;
}

/** The engine may hold a provider's settings as texts. */
function isTrue(value: PropertyValue | undefined): boolean {
  return value === true || value === "true";
}

/** Without what is only remembered: it changes nothing. */
function settingsOf({ facts: _, earlier: __, namespace: ___, ...settings }: PropertyMap): PropertyMap {
  return Object.fromEntries(Object.entries(settings).filter(([name]) => !name.startsWith("__")));
}

/**
 * Does a call, whose messages may quote what is live: none of them steers a terminal. Whatever it throws once its signal has fired
 * is because of that: the signal's reason says it better.
 */
async function ended<Response>(
  context: CallContext,
  work: (context: CallContext) => Promise<Response>,
): Promise<Response> {
  try {
    return await work({ ...context, log: shownLog(context.log) });
  } catch (error) {
    if (context.signal.aborted && isInterruption(error)) throw context.signal.reason;
    if (error instanceof Error) error.message = shownText(error.message);
    throw error;
  }
}

function shownLog(log: Log): Log {
  return {
    debug: (message) => {
      log.debug(shownText(message));
    },
    info: (message) => {
      log.info(shownText(message));
    },
    warn: (message) => {
      log.warn(shownText(message));
    },
    error: (message) => {
      log.error(shownText(message));
    },
    status: (message) => {
      log.status(shownText(message));
    },
  };
}

function isInterruption(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  return error.name === "AbortError" || ("failure" in error && error.failure === "aborted");
}
