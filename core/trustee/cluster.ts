import { z } from "zod";
import { parseJson } from "../records.ts";

/** Facts that distinguish clusters. */
export interface ClusterFacts {
  /** The API server's URL. */
  readonly server: string;
  /** sha256 of the CA's certificate in hex; empty if the kubeconfig has none. */
  readonly ca: string;
  /** A namespace, and its uid if this account may read it. */
  readonly namespace?: { readonly name: string; readonly uid: string } | undefined;
  /** The cluster did not answer when it was read. */
  readonly silent?: true | undefined;
}

/** Whether two clusters have the same URL and CA. */
export function sameServer(one: ClusterFacts, other: ClusterFacts): boolean {
  return one.server === other.server && one.ca === other.ca;
}

/**
 * Whether two are the same cluster: same URL and CA, or the same namespace in it. A cluster may have several
 * URLs; a namespace may have been created again in the same cluster.
 */
export function isSameCluster(one: ClusterFacts, other: ClusterFacts): boolean {
  const [ours, theirs] = [one.namespace, other.namespace];
  return (
    sameServer(one, other) || (ours !== undefined && ours.name === theirs?.name && ours.uid === theirs.uid)
  );
}

const factsSchema = z.object({
  server: z.string(),
  ca: z.string(),
  namespace: z.object({ name: z.string(), uid: z.string() }).optional().catch(undefined),
  silent: z.literal(true).optional().catch(undefined),
});

/** Parses the facts; `undefined` for anything else. */
export function readFacts(text: unknown): ClusterFacts | undefined {
  return factsSchema.safeParse(typeof text === "string" ? parseJson(text) : undefined).data;
}
