import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import type { KubeConfig } from "@kubernetes/client-node";
import { z } from "zod";
import { own, parseJson, pick } from "../core/records.ts";
import { clusterOf, type NamedCluster } from "../core/settings/cluster.ts";
import { isSameCluster, readFacts, sameServer, type ClusterFacts } from "../core/trustee/cluster.ts";
import { UserError } from "../core/issues.ts";
import { FIELD_MANAGER, KubeClient } from "../kube/client.ts";
import type { Clock } from "../kube/retry.ts";
import { loadCluster } from "../kube/cluster.ts";
import { KubeError } from "../kube/errors.ts";
import { objectKey, type ObjectRef } from "../kube/objects.ts";
import { Turns } from "../kube/turns.ts";
import {
  containsUnknown,
  markSecret,
  reveal,
  Secret,
  type InputsRequest,
  type CheckResponse,
  type PropertyMap,
  type PropertyValue,
} from "./protocol/index.ts";

/** Time limit for reading the namespace, in milliseconds. Without its UID, the URL identifies the cluster. */
const READ_TIMEOUT = 5_000;
const ID_LENGTH = 16;

function textOf(args: PropertyMap, name: string): string | undefined {
  const value = own(reveal(args), name);
  return typeof value === "string" && value !== "" ? value : undefined;
}

/** How a provider's settings lead to its cluster. */
function wayOf(args: PropertyMap): NamedCluster {
  return clusterOf({ kubeconfig: textOf(args, "kubeconfig"), context: textOf(args, "context") });
}

function load(args: PropertyMap): KubeConfig {
  return loadCluster(wayOf(args));
}

/** The facts about a cluster in its kubeconfig. No request is sent. */
function factsOf(config: KubeConfig): ClusterFacts {
  const { server = "", caData, caFile } = config.getCurrentCluster() ?? {};
  const file = caFile === undefined ? undefined : readFileSync(caFile);
  const ca = caData === undefined ? file : Buffer.from(caData, "base64");
  return {
    server: server.replace(/\/+$/, ""),
    ca: ca === undefined ? "" : createHash("sha256").update(ca).digest("hex"),
  };
}

/** Adds the UID of a namespace, if it may be read. Marks a cluster that does not answer as silent. */
async function withNamespace(
  config: KubeConfig,
  facts: ClusterFacts,
  name: string | undefined,
  clock: Clock,
): Promise<ClusterFacts> {
  if (name === undefined) return facts;
  try {
    const kube = new KubeClient(config, AbortSignal.timeout(READ_TIMEOUT), FIELD_MANAGER, clock);
    const uid = (await kube.getMetadata({ kind: "Namespace", namespace: "", name }))?.uid;
    return uid === undefined ? facts : { ...facts, namespace: { name, uid } };
  } catch (error) {
    // An error with a next step comes from a proxy or a sign-in plugin, not from the API server.
    const asked = error instanceof KubeError && error.next === undefined;
    const answered = asked && !["unreachable", "aborted"].includes(error.failure);
    return answered ? facts : { ...facts, silent: true };
  }
}

/**
 * The user's word that two are the same cluster: the URL that the kubeconfig now leads to. It counts only if no
 * uid was ever read, which would tell. The engine reads everything with the settings in the state before it
 * looks at those of the run, so it is no setting.
 */
const SAME_CLUSTER = "TRUSTEE_ACCESS_SAME_CLUSTER";

function isSame(had: ClusterFacts, now: ClusterFacts): boolean {
  const said =
    had.namespace === undefined && (process.env[SAME_CLUSTER] ?? "").split(",").includes(now.server);
  return said || isSameCluster(had, now);
}

function elsewhere(facts: ClusterFacts, now: ClusterFacts, args: PropertyMap): UserError {
  const section = textOf(args, "section") ?? "trustee";
  const there = now.server === facts.server ? "one with another CA at that URL" : `the one at ${now.server}`;
  const allow =
    section === "trustee" ? "its namespace: deploy/rbac/trustee-side.yaml." : "the namespace kube-system.";
  const same =
    facts.namespace === undefined
      ? `say so for one run: ${SAME_CLUSTER}=${now.server} pulumi up`
      : `let this account get ${allow}`;
  return new UserError(
    "TA834",
    `This stack is on the cluster at ${facts.server}, but the kubeconfig now leads to ${there}. ` +
      "Nothing was changed on either. To stay there, restore the kubeconfig or its current context: kubectl config use-context. " +
      `To move the stack, set ${section}.kubeconfig or ${section}.context to the other cluster, and keep access to the first one as it was. ` +
      `If both are the same cluster, ${same}`,
  );
}

/**
 * Adds the identity of the cluster to a provider's inputs:
 * - `cluster`: an ID that stays the same as long as the cluster does
 * - `facts`: what identifies the cluster
 * - `earlier`: how to reach the clusters that the stack was on before. Its resources there are deleted there
 */
export async function checkCluster(
  { oldInputs, newInputs }: InputsRequest,
  clock: Clock,
): Promise<CheckResponse> {
  const had = readFacts(own(oldInputs, "facts"));
  const kept = pick(oldInputs, ["cluster", "facts", "earlier"]);
  // What a preview does not know yet is not kubectl's own.
  if (containsUnknown(pick(newInputs, ["kubeconfig", "context"])))
    return { inputs: { ...newInputs, ...kept } };
  let config: KubeConfig;
  try {
    config = load(newInputs);
  } catch {
    // The kubeconfig is unreadable. The first call that needs it reports that.
    return { inputs: { ...newInputs, ...kept } };
  }
  const reached = factsOf(config);
  const name = textOf(newInputs, "namespace");
  const known = had !== undefined && sameServer(had, reached) && had.namespace?.name === name;
  const facts = known ? had : await withNamespace(config, reached, name, clock);
  const cluster = own(oldInputs, "cluster");
  const before = earlierOf(oldInputs);
  const again = before.find((one) => {
    const there = readFacts(one["facts"]);
    return there !== undefined && isSameCluster(there, facts);
  });
  const now = { cluster: again?.["cluster"] ?? idOf(facts), facts: JSON.stringify(facts) };
  if (had === undefined || typeof cluster !== "string") return { inputs: { ...newInputs, ...kept, ...now } };
  if (isSame(had, facts)) {
    // A cluster that has answered before keeps its facts if it does not answer now.
    const same = facts.silent === true ? had : facts;
    return { inputs: { ...newInputs, ...kept, facts: JSON.stringify(same) } };
  }
  const failure = { property: "kubeconfig", reason: elsewhere(had, facts, newInputs).message };
  if (!leadsTo(had, oldInputs)) {
    // The old cluster never answered, so nothing was written there, and it need not be remembered.
    if (had.silent === true) return { inputs: { ...newInputs, ...kept, ...now } };
    return { inputs: newInputs, failures: [failure] };
  }
  const all = [
    ...before.filter((one) => one !== again),
    { ...wayOf(oldInputs), cluster, facts: JSON.stringify(had) },
  ];
  const isSecret = [own(oldInputs, "kubeconfig"), own(oldInputs, "earlier")].some(
    (one) => one instanceof Secret,
  );
  const earlier = isSecret ? markSecret(JSON.stringify(all)) : JSON.stringify(all);
  return { inputs: { ...newInputs, ...now, earlier } };
}

/** How to reach the clusters that the stack was on before. */
function earlierOf(args: PropertyMap): readonly Readonly<Record<string, string>>[] {
  const parsed = z
    .array(z.record(z.string(), z.string()))
    .safeParse(parseJson(textOf(args, "earlier") ?? "[]"));
  return parsed.data ?? [];
}

function idOf(facts: ClusterFacts): string {
  return createHash("sha256").update(JSON.stringify(facts)).digest("hex").slice(0, ID_LENGTH);
}

function leadsTo(facts: ClusterFacts, args: PropertyMap): boolean {
  try {
    return sameServer(facts, factsOf(load(args)));
  } catch {
    return false;
  }
}

/**
 * When this run wrote each object, by the API server's clock. The object does not always show it: if a
 * manager only removes fields, as `destroy` may do, managedFields no longer lists it.
 */
export class Written {
  readonly #at = new Map<string, number>();

  note(ref: ObjectRef, at: Date): void {
    this.#at.set(objectKey(ref), Math.floor(at.getTime() / 1000));
  }

  /** In whole seconds since 1970; `undefined` if this run has not written the object. */
  lastOf(ref: ObjectRef): number | undefined {
    return this.#at.get(objectKey(ref));
  }
}

/** One cluster of a provider, and what this run has written there. */
export class Place {
  readonly written = new Written();
  readonly turns = new Turns();
  readonly #args: PropertyMap;
  readonly #clock: Clock;
  readonly #facts: ClusterFacts | undefined;
  #config: KubeConfig | undefined;
  #found: Promise<void> | undefined;

  constructor(args: PropertyMap, clock: Clock) {
    this.#args = args;
    this.#clock = clock;
    this.#facts = readFacts(own(args, "facts"));
  }

  kube(signal: AbortSignal): KubeClient {
    return new KubeClient(this.#loaded(), signal, FIELD_MANAGER, this.#clock);
  }

  /** @throws UserError if the kubeconfig now leads to another cluster */
  async verify(): Promise<void> {
    this.#found ??= this.#check();
    await this.#found;
  }

  #loaded(): KubeConfig {
    this.#config ??= load(this.#args);
    return this.#config;
  }

  async #check(): Promise<void> {
    const facts = this.#facts;
    const config = this.#loaded();
    if (facts === undefined) return;
    const reached = factsOf(config);
    if (sameServer(facts, reached)) return;
    const now = await withNamespace(config, reached, facts.namespace?.name, this.#clock);
    if (!isSame(facts, now)) throw elsewhere(facts, now, this.#args);
  }
}

/** The provider's current cluster, and the clusters that its stack was on before. */
export class Places {
  readonly #current: Place;
  readonly #cluster: PropertyValue | undefined;
  readonly #earlier: ReadonlyMap<string, Place>;

  constructor(args: PropertyMap, clock: Clock) {
    this.#current = new Place(args, clock);
    this.#cluster = own(args, "cluster");
    this.#earlier = new Map(earlierOf(args).map((one) => [own(one, "cluster") ?? "", new Place(one, clock)]));
  }

  /** The cluster that a resource's state names, and whether the stack has left it. */
  of(resource: PropertyMap): { readonly place: Place; readonly isEarlier: boolean } {
    const id = own(resource, "cluster");
    const present = typeof id !== "string" || typeof this.#cluster !== "string" || id === this.#cluster;
    if (present) return { place: this.#current, isEarlier: false };
    const place = this.#earlier.get(id);
    if (place === undefined)
      throw new UserError(
        "TA834",
        "This resource is on a cluster that neither the settings nor the state of this stack lead to. Nothing was changed. " +
          "Set trustee.kubeconfig and trustee.context to that cluster. If it is gone, remove the resource from the state: " +
          "pulumi state delete",
      );
    return { place, isEarlier: true };
  }
}
