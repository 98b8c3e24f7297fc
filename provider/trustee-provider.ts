import type { KubeConfig } from "@kubernetes/client-node";
import { own } from "../core/own.ts";
import { KubeClient } from "../kube/client.ts";
import { loadCluster } from "../kube/cluster.ts";
import {
  reveal,
  UnimplementedError,
  type CallContext,
  type PropertyMap,
  type Provider,
} from "../protocol/index.ts";
import { generatedValue } from "./generated-value.ts";
import { getInitdata } from "./get-initdata.ts";
import { getTrustee } from "./get-trustee.ts";
import { handlerOf, type ResourceHandler, type Start } from "./handler.ts";
import { kbsSecretEntry } from "./kbs-secret-entry.ts";
import { referenceValues } from "./reference-values.ts";
import { resourcePolicy } from "./resource-policy.ts";
import { retirement } from "./retirement.ts";
import { rollout } from "./rollout.ts";
import { Turns } from "./turns.ts";
import { Written } from "./written.ts";

function textOf(args: PropertyMap, name: string): string | undefined {
  const value = own(reveal(args), name);
  return typeof value === "string" && value !== "" ? value : undefined;
}

/** The provider `trustee`: the edits to Trustee's shared objects that no stock resource can make safely. */
export function trusteeProvider(now: () => Date = () => new Date()): Provider {
  let cluster: KubeConfig | undefined;
  const written = new Written();
  const turns = new Turns();

  const kubeWith = (signal: AbortSignal): KubeClient => {
    if (cluster === undefined) throw new Error("The provider trustee was not configured before it was used.");
    return new KubeClient(cluster, signal);
  };
  const start: Start = (context, owner, preview = false) => ({
    kube: kubeWith(context.signal),
    kubeWith,
    log: context.log,
    signal: context.signal,
    preview,
    owner,
    now,
    written,
    turns,
  });
  const handlers: Readonly<Record<string, ResourceHandler>> = {
    "trustee:index:GeneratedValue": handlerOf(generatedValue, start),
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
    configure: ({ args }) => {
      cluster = loadCluster({ ...optional("kubeconfig", args), ...optional("context", args) });
      return Promise.resolve();
    },
    check: async (request, context) => handler(request.type).check(request, context),
    diff: async (request, context) => handler(request.type).diff(request, context),
    create: (request, context) => ended(context, async () => handler(request.type).create(request, context)),
    read: (request, context) => ended(context, async () => handler(request.type).read(request, context)),
    update: (request, context) => ended(context, async () => handler(request.type).update(request, context)),
    delete: (request, context) => ended(context, async () => handler(request.type).delete(request, context)),
    invoke: (request, context) =>
      ended(context, async () => {
        const kube = kubeWith(context.signal);
        switch (request.token) {
          case "trustee:index:getTrustee":
            return getTrustee(request.args, kube, context.log);
          case "trustee:index:getInitdata":
            return getInitdata(request.args, kube);
          default:
            throw new UnimplementedError(`The provider trustee has no function ${request.token}.`);
        }
      }),
  };
}

function optional<Name extends string>(name: Name, args: PropertyMap): Partial<Record<Name, string>> {
  const value = textOf(args, name);
  return value === undefined ? {} : ({ [name]: value } as Record<Name, string>);
}

/** Whatever a call throws once its signal has fired is because of that: the signal's reason says it better. */
async function ended<Response>(context: CallContext, work: () => Promise<Response>): Promise<Response> {
  try {
    return await work();
  } catch (error) {
    if (context.signal.aborted && isInterruption(error)) throw context.signal.reason;
    throw error;
  }
}

function isInterruption(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  return error.name === "AbortError" || ("failure" in error && error.failure === "aborted");
}
