import { z } from "zod";
import { NO_DRIFT, type ResourceType } from "./resource.ts";

const nothing = z.object({});

/**
 * Changes nothing. The engine reads it before every run, and the provider then checks that the kubeconfig
 * still leads to its cluster: for objects of another provider on that cluster, which deletes by name.
 */
export const clusterCheck: ResourceType<object, object> = {
  inputs: nothing,
  computed: nothing,
  replaceOn: [],
  derived: [],
  drifts: true,
  id: () => "cluster",
  create: () => Promise.resolve({}),
  read: () => Promise.resolve({ computed: {}, drift: NO_DRIFT }),
  update: () => Promise.resolve({}),
  delete: () => Promise.resolve(),
};
