import { registerHooks, type LoadHookSync, type ResolveHookSync } from "node:module";
import type * as library from "@kubernetes/client-node";

/**
 * The parts of Kubernetes' client library that this project uses: kubeconfig sign-in and HTTP. The library's
 * own entry also loads over a thousand files of models and APIs, most of the provider's start time. Only
 * `config.js` imports that index here, and needs two functions of it. So a hook loads a short index instead.
 * If the library's layout is not the pinned version's, the hook changes nothing and all of it is loaded.
 */
const CONFIG = "/@kubernetes/client-node/dist/config.js";
const INDEX = "./gen/index.js";
/** Marks the import of the short index. */
const SHORT = "?without-models";

const SHORT_INDEX = `export * from "./http/http.js";
export * from "./auth/auth.js";
export { createConfiguration } from "./configuration.js";
export * from "./servers.js";
`;

const resolve: ResolveHookSync = (specifier, context, next) => {
  const resolved = next(specifier, context);
  const wanted = specifier === INDEX && context.parentURL?.endsWith(CONFIG) === true;
  return wanted ? { ...resolved, url: resolved.url + SHORT } : resolved;
};

const load: LoadHookSync = (url, context, next) =>
  url.endsWith(SHORT) ? { format: "module", source: SHORT_INDEX, shortCircuit: true } : next(url, context);

const hooks = registerHooks({ resolve, load });
const [config, http, fetch] = await Promise.all([
  import("@kubernetes/client-node/dist/config.js"),
  import("@kubernetes/client-node/dist/gen/http/http.js"),
  import("@kubernetes/client-node/dist/gen/http/isomorphic-fetch.js"),
]);
hooks.deregister();

export const { KubeConfig } = config;
export type KubeConfig = library.KubeConfig;
export const { HttpMethod, RequestContext } = http;
export type HttpMethod = library.HttpMethod;
export type RequestContext = library.RequestContext;
export const { IsomorphicFetchHttpLibrary } = fetch;
