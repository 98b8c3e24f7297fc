import { registerHooks, type LoadHookSync, type ResolveHookSync } from "node:module";
import type * as library from "@kubernetes/client-node";

/**
 * The parts of Kubernetes' client library that this project uses: sign-in by a kubeconfig, and HTTP. The library's own
 * entry also loads a class for each kind and each API of Kubernetes, over a thousand files, which are most of what a
 * preview of few pods costs the provider. Only `config.js` asks for that index here, and wants two functions of it; so it is
 * given the index without the generated models and APIs. Where the library is laid out otherwise than in the pinned
 * version, nothing is changed, and all of it is loaded.
 */
const CONFIG = "/@kubernetes/client-node/dist/config.js";
const INDEX = "./gen/index.js";
/** Marks the index that is to be read without models and APIs. */
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
