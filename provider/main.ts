import { flushCompileCache } from "node:module";
import { serve, UnimplementedError, type Provider } from "./protocol/index.ts";

/**
 * The provider, loaded with the first call to it. The engine starts one provider after another, each when the one before says
 * that it is there; so this process says so before it has loaded the client of Kubernetes, three quarters of the whole.
 */
function onDemand(load: () => Promise<Provider>): Provider {
  let loading: Promise<Provider> | undefined;
  const loaded = (): Promise<Provider> => (loading ??= load());
  return {
    checkConfig: async (request, context) => {
      const provider = await loaded();
      return (await provider.checkConfig?.(request, context)) ?? { inputs: request.newInputs };
    },
    diffConfig: async (request, context) => {
      const provider = await loaded();
      return (await provider.diffConfig?.(request, context)) ?? { detailedDiff: {} };
    },
    configure: async (request, context) => (await loaded()).configure(request, context),
    check: async (request, context) => (await loaded()).check(request, context),
    diff: async (request, context) => (await loaded()).diff(request, context),
    create: async (request, context) => (await loaded()).create(request, context),
    read: async (request, context) => (await loaded()).read(request, context),
    update: async (request, context) => (await loaded()).update(request, context),
    delete: async (request, context) => (await loaded()).delete(request, context),
    invoke: async (request, context) => {
      const provider = await loaded();
      if (provider.invoke === undefined)
        throw new UnimplementedError(`there is no function ${request.token}`);
      return provider.invoke(request, context);
    },
  };
}

const provider = onDemand(async () => {
  const { trusteeProvider } = await import("./trustee-provider.ts");
  // See pulumi-resource-trustee. Now, and not only when this process ends, since the engine may kill it.
  flushCompileCache();
  return trusteeProvider();
});

await serve(provider, { name: "trustee", version: "0.1.0" });
