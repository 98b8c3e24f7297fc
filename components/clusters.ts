import * as kubernetes from "@pulumi/kubernetes/provider.js";
import type * as pulumi from "@pulumi/pulumi";
import type { LivePod } from "../core/plan/live-pod.ts";
import type { PodCluster } from "../core/plan/pod-cluster.ts";
import { clusterOf } from "../core/settings/cluster.ts";
import type { Settings } from "../core/settings/settings.ts";
import * as trustee from "./trustee/index.ts";

/** The providers of both sides: Trustee may live in another cluster than the pods, and it should. */
export interface Clusters {
  readonly trustee: trustee.Provider;
  readonly trusteeKubernetes: pulumi.ProviderResource;
  readonly podKubernetes: pulumi.ProviderResource;
  /** Asks for the pods. */
  readonly podReader: trustee.Provider;
}

/** A namespace that every cluster has, and keeps. */
const CLUSTERS_OWN = "kube-system";

/** One provider a cluster: where both sides are the same, they share one and its process. */
export function connectClusters(
  settings: Pick<Settings, "trustee" | "podCluster" | "pods" | "takeOver">,
): Clusters {
  // A relative kubeconfig is meant from the project's folder, in which the engine starts each provider, and stays relative: the
  // state is so the same wherever the project is checked out.
  const trusteeSide = clusterOf(settings.trustee);
  const podSide = clusterOf(settings.podCluster);
  const same = trusteeSide.kubeconfig === podSide.kubeconfig && trusteeSide.context === podSide.context;
  // A run that was killed after it had created an object, and before its state was saved, is so taken up where it stopped.
  // Whatever is not ours is refused beforehand: see readLivePods, and the Secrets in getTrustee. And what is adopted is
  // applied, not imported: an import wants the declaration to be what kubectl wrote, to the last default.
  const upsertExistingObjects = true;
  // A changed value is written into the Secret: deleting and creating it anew would stop the operator's reconcile.
  // The engine starts one provider after another: first the one that is asked what is live, while the other starts.
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
  const podReader = new trustee.Provider("pod-reader", { ...podSide, namespace: CLUSTERS_OWN });
  const podKubernetes = new kubernetes.Provider("pod-cluster", {
    ...podSide,
    clusterIdentifier: podReader.cluster,
    upsertExistingObjects,
  });
  return { trustee: trusteeProvider, trusteeKubernetes, podKubernetes, podReader };
}

/**
 * The objects of the pods' names that are in the pods' cluster: what exists is taken over, so that it must be known
 * beforehand whose it is. And what pods need there, which is missed only when all of Trustee has been written.
 */
export async function readPodCluster(
  settings: Pick<Settings, "pods">,
  clusters: Pick<Clusters, "podReader">,
): Promise<{ readonly livePods: Readonly<Record<string, LivePod>>; readonly podCluster: PodCluster }> {
  const pods = settings.pods.filter((pod) => pod.deploy);
  if (pods.length === 0) return { livePods: {}, podCluster: {} };
  const opts = { provider: clusters.podReader };
  const namespaces = [...new Set(pods.map(({ namespace }) => namespace))];
  const [livePods, podCluster] = await Promise.all([
    trustee.getInitdata(pods, opts),
    trustee.getPodCluster(namespaces, opts),
  ]);
  return { livePods, podCluster };
}
