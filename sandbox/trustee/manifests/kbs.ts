import { type Manifest, NAMESPACE, ownedBy } from "./objects.ts";
import type { PodTemplate } from "./pod-template.ts";

export const DEPLOYMENT = "trustee-deployment";
export const KBS_CONFIG = "trusteeconfig-kbs-config";

/** trustee-deployment as the operator creates it. */
export function kbsDeployment(template: PodTemplate, replicas: number, kbsConfigUid: string): Manifest {
  return {
    apiVersion: "apps/v1",
    kind: "Deployment",
    metadata: {
      name: DEPLOYMENT,
      namespace: NAMESPACE,
      ownerReferences: ownedBy("KbsConfig", KBS_CONFIG, kbsConfigUid),
    },
    spec: {
      progressDeadlineSeconds: 600,
      replicas,
      revisionHistoryLimit: 10,
      selector: { matchLabels: { app: "kbs" } },
      strategy: { type: "RollingUpdate", rollingUpdate: { maxSurge: "25%", maxUnavailable: 1 } },
      template,
    },
  };
}

export function kbsService(kbsConfigUid: string): Manifest {
  return {
    apiVersion: "v1",
    kind: "Service",
    metadata: {
      name: "kbs-service",
      namespace: NAMESPACE,
      ownerReferences: ownedBy("KbsConfig", KBS_CONFIG, kbsConfigUid),
    },
    spec: {
      ports: [{ name: "kbs-port", port: 8080, protocol: "TCP", targetPort: 8080 }],
      selector: { app: "kbs" },
      type: "ClusterIP",
    },
  };
}
