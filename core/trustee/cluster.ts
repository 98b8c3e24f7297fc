import { isRecord, parseJson } from "../records.ts";

/** What tells a cluster from another one. */
export interface ClusterFacts {
  /** The API server's URL. */
  readonly server: string;
  /** sha256 of the CA's certificate, hex; empty where the kubeconfig has none. */
  readonly ca: string;
  /** The namespace that is looked at, with its uid where this account may read it. */
  readonly namespace?: { readonly name: string; readonly uid: string } | undefined;
  /** It has not answered yet when it was looked at. */
  readonly silent?: true | undefined;
}

/** Whether two were reached in the same way. */
export function sameServer(one: ClusterFacts, other: ClusterFacts): boolean {
  return one.server === other.server && one.ca === other.ca;
}

/**
 * Whether two are one cluster: reached in the same way, or with the same namespace in it. A cluster may have several URLs, and a
 * namespace that was made again is in the same cluster.
 */
export function isSameCluster(one: ClusterFacts, other: ClusterFacts): boolean {
  const [ours, theirs] = [one.namespace, other.namespace];
  return (
    sameServer(one, other) || (ours !== undefined && ours.name === theirs?.name && ours.uid === theirs.uid)
  );
}

/** The facts in a text; `undefined` for anything else. */
export function readFacts(text: unknown): ClusterFacts | undefined {
  const facts = typeof text === "string" ? parseJson(text) : undefined;
  if (!isRecord(facts)) return undefined;
  const { server, ca, namespace, silent } = facts;
  if (typeof server !== "string" || typeof ca !== "string") return undefined;
  const { name, uid } = isRecord(namespace) ? namespace : {};
  return {
    server,
    ca,
    ...(typeof name === "string" && typeof uid === "string" ? { namespace: { name, uid } } : {}),
    ...(silent === true ? { silent } : {}),
  };
}
