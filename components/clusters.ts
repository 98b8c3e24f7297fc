import * as kubernetes from "@pulumi/kubernetes/provider.js";
import type * as pulumi from "@pulumi/pulumi";
import type { LivePod } from "../core/plan/live-pod.ts";
import type { PodCluster } from "../core/plan/pod-cluster.ts";
import type { StackId } from "../core/policy/grants.ts";
import { clusterOf } from "../core/settings/cluster.ts";
import { isCreated } from "../core/settings/references.ts";
import type { Settings } from "../core/settings/schema.ts";
import type { Files } from "./files.ts";
import * as trustee from "./trustee/index.ts";
import { invoke } from "./trustee/invoke.ts";

/** The providers of both sides. Trustee should run in another cluster than the pods. */
export interface Clusters {
  readonly trustee: trustee.Provider;
  /**
   * Needs `enableSecretMutable`, since a listed Secret must not be replaced, and `upsertExistingObjects`, since
   * a killed run leaves objects that its state does not have.
   */
  readonly trusteeKubernetes: pulumi.ProviderResource;
  /** Needs `upsertExistingObjects` too. The same as `trusteeKubernetes` if the pods run there. */
  readonly podKubernetes: pulumi.ProviderResource;
  /** Reads the pods. The same as `trustee` if the pods run there. */
  readonly podReader: trustee.Provider;
}

/** A namespace that exists in every cluster. */
const CLUSTERS_OWN = "kube-system";

/** Creates one provider per cluster. If both sides are the same cluster, they share one and its process. */
export function connectClusters(
  settings: Pick<Settings, "trustee" | "podCluster" | "pods" | "takeOver">,
): Clusters {
  // A relative kubeconfig starts at the project's folder, where the engine starts each provider. It stays
  // relative, so that the state is the same wherever the project is checked out.
  const trusteeSide = clusterOf(settings.trustee);
  const podSide = clusterOf(settings.podCluster);
  const same = trusteeSide.kubeconfig === podSide.kubeconfig && trusteeSide.context === podSide.context;
  // If a run is killed after creating an object but before saving its state, the next run takes the object
  // over. Foreign objects are refused before that (readPodCluster, getTrustee). Objects are applied and not
  // imported: an import requires the declaration to match every default.
  const upsertExistingObjects = true;
  // Secrets are mutable: deleting and recreating one would stop the operator's reconcile. The engine starts
  // providers one after another: first the one that reads the live Trustee, while the other starts.
  const trusteeProvider = new trustee.Provider("trustee", {
    ...trusteeSide,
    namespace: settings.trustee.namespace,
    ...(settings.takeOver ? { takeOver: true } : {}),
  });
  const trusteeKubernetes = new kubernetes.Provider(
    "trustee-cluster",
    {
      ...trusteeSide,
      clusterIdentifier: trusteeProvider.cluster,
      enableSecretMutable: true,
      upsertExistingObjects,
    },
    { dependsOn: [trusteeProvider] },
  );
  if (same) {
    const podReader = trusteeProvider;
    return { trustee: trusteeProvider, trusteeKubernetes, podKubernetes: trusteeKubernetes, podReader };
  }
  const podReader = new trustee.Provider("pod-reader", {
    ...podSide,
    namespace: CLUSTERS_OWN,
    section: "podCluster",
  });
  const podKubernetes = new kubernetes.Provider("pod-cluster", {
    ...podSide,
    clusterIdentifier: podReader.cluster,
    upsertExistingObjects,
  });
  return { trustee: trusteeProvider, trusteeKubernetes, podKubernetes, podReader };
}

/**
 * Reads the live objects with the pods' names: existing ones are taken over, so their owner must be known
 * first. Also reads what the pods need from their cluster, which would fail only after Trustee has been
 * written.
 */
export async function readPodCluster(
  settings: Pick<Settings, "pods">,
  clusters: Pick<Clusters, "podReader">,
): Promise<{ readonly livePods: Readonly<Record<string, LivePod>>; readonly podCluster: PodCluster }> {
  const pods = settings.pods.filter((pod) => pod.deploy);
  if (pods.length === 0) return { livePods: {}, podCluster: {} };
  const opts = { provider: clusters.podReader };
  const wanted = pods.map(({ id, kind, namespace, name }) => ({ id, kind, namespace, name }));
  const namespaces = [...new Set(pods.map(({ namespace }) => namespace))];
  const [initdata, podCluster] = await Promise.all([
    invoke("trustee:index:getInitdata", { pods: wanted }, opts),
    invoke("trustee:index:getPodCluster", { namespaces }, opts),
  ]);
  const { found } = initdata as { readonly found: Readonly<Record<string, LivePod>> };
  return { livePods: found, podCluster: podCluster as PodCluster };
}

/** Reads the live Trustee. Fails if this stack cannot be deployed on it. */
export function readTrustee(
  settings: Settings,
  files: Files,
  clusters: Pick<Clusters, "trustee">,
  own: StackId,
): Promise<trustee.GetTrusteeResult> {
  const { kubeconfig, context, certificateAuthorityFile, rolloutTimeoutMinutes, ...named } = settings.trustee;
  const secrets = (created: boolean): string[] =>
    settings.secrets.filter((secret) => isCreated(secret) === created).map((secret) => secret.name);
  return trustee.getTrustee(
    {
      ...named,
      certificateAuthority: named.certificateAuthority ?? files.authority,
      generatesInitdata: settings.pods.some(({ initdataFile }) => initdataFile === undefined),
      existingSecrets: secrets(false),
      createdSecrets: secrets(true),
      ...own,
    },
    { provider: clusters.trustee },
  );
}
