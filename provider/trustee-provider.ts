import { own } from "../core/records.ts";
import { shownText } from "../core/shown.ts";
import { systemClock, type Clock } from "../kube/retry.ts";
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
import { clusterCheck } from "./cluster-check.ts";
import { generatedValue } from "./generated-value.ts";
import { getInitdata, getPodCluster } from "./get-pods.ts";
import { getTrustee } from "./get-trustee.ts";
import { handlerOf, type ResourceHandler, type Start } from "./handler.ts";
import { kbsSecretEntry } from "./kbs-secret-entry.ts";
import { checkCluster, Places } from "./places.ts";
import { referenceValues } from "./reference-values.ts";
import { resourcePolicy } from "./resource-policy.ts";
import { retirement } from "./retirement.ts";
import { rollout } from "./rollout.ts";

const GENERATED_VALUE = "trustee:index:GeneratedValue";

/**
 * The provider `trustee`: edits of Trustee's shared objects that no stock resource can make safely.
 * @param clock for tests
 */
export function trusteeProvider(clock: Clock = systemClock): Provider {
  let places: Places | undefined;
  let takeOver = false;

  const placeOf = (resource: PropertyMap): ReturnType<Places["of"]> => {
    if (places === undefined) throw new Error("The provider trustee was not configured before it was used.");
    return places.of(resource);
  };
  /** Before any read or write: checks that the kubeconfig still leads to the resource's cluster. */
  const verify = async (type: string, resource: PropertyMap): Promise<void> => {
    // It exists in the state only. Without a check, a refresh works with the settings of a run that had wrong
    // ones.
    if (type !== GENERATED_VALUE) await placeOf(resource).place.verify();
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
    "trustee:index:ClusterCheck": handlerOf(clusterCheck, start),
    "trustee:index:KbsSecretEntry": handlerOf(kbsSecretEntry, start),
    "trustee:index:ReferenceValues": handlerOf(referenceValues, start),
    "trustee:index:ResourcePolicy": handlerOf(resourcePolicy, start),
    // The type of a ResourcePolicy in an older release's state. The engine refreshes and deletes it by this
    // type.
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
    checkConfig: (request) => checkCluster(request, clock),
    diffConfig: ({ oldInputs, newInputs }) =>
      Promise.resolve(detailedDiff(changes(settingsOf(oldInputs), settingsOf(newInputs)))),
    configure: (args) => {
      places = new Places(args, clock);
      takeOver = isTrue(args["takeOver"]);
      return Promise.resolve();
    },
    check: async (request, context) => handler(request.type).check(request, context),
    diff: async (request, context) => handler(request.type).diff(request, context),
    create: (request, context) =>
      runCall(context, async (shown) => {
        await verify(request.type, request.inputs);
        return handler(request.type).create(request, shown);
      }),
    read: (request, context) =>
      runCall(context, async (shown) => {
        // The stack has left this cluster, so the resource will be replaced. Its state there does not matter.
        const { id, inputs, outputs } = request;
        if (placeOf(outputs).isEarlier) return { id, inputs, outputs, refreshBeforeUpdate: true };
        await verify(request.type, outputs);
        return handler(request.type).read(request, shown);
      }),
    update: (request, context) =>
      runCall(context, async (shown) => {
        await verify(request.type, request.newInputs);
        return handler(request.type).update(request, shown);
      }),
    delete: (request, context) =>
      runCall(context, async (shown) => {
        await verify(request.type, request.outputs);
        return handler(request.type).delete(request, shown);
      }),
    invoke: (request, context) =>
      runCall(context, async ({ log }) => {
        const { place } = placeOf({});
        await place.verify();
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

/** Creates a value on first use. */
function once<T>(make: () => T): () => T {
  let made: { readonly value: T } | undefined;
  return () => (made ??= { value: make() }).value;
}

/** The engine may pass a provider's settings as strings. */
function isTrue(value: PropertyValue | undefined): boolean {
  return value === true || value === "true";
}

/** The settings without bookkeeping fields, which change nothing. */
function settingsOf({
  facts: _,
  earlier: __,
  namespace: ___,
  section: ____,
  ...settings
}: PropertyMap): PropertyMap {
  return Object.fromEntries(Object.entries(settings).filter(([name]) => !name.startsWith("__")));
}

/**
 * Runs a call. Its messages may quote live objects, so control characters are removed. An interruption after
 * the signal has fired is reported with the signal's reason.
 */
async function runCall<Response>(
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
  const shown = (level: keyof Log) => (message: string) => {
    log[level](shownText(message));
  };
  return { info: shown("info"), warn: shown("warn"), status: shown("status") };
}

function isInterruption(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  return error.name === "AbortError" || ("failure" in error && error.failure === "aborted");
}
