/** The kinds that this project reads or writes, with their RBAC resource. */
export const kinds = {
  ConfigMap: { apiVersion: "v1", resource: "configmaps" },
  Secret: { apiVersion: "v1", resource: "secrets" },
  Pod: { apiVersion: "v1", resource: "pods" },
  Event: { apiVersion: "v1", resource: "events" },
  Namespace: { apiVersion: "v1", resource: "namespaces" },
  Deployment: { apiVersion: "apps/v1", resource: "deployments.apps" },
  StatefulSet: { apiVersion: "apps/v1", resource: "statefulsets.apps" },
  Job: { apiVersion: "batch/v1", resource: "jobs.batch" },
  KbsConfig: {
    apiVersion: "confidentialcontainers.org/v1alpha1",
    resource: "kbsconfigs.confidentialcontainers.org",
  },
  TrusteeConfig: {
    apiVersion: "confidentialcontainers.org/v1alpha1",
    resource: "trusteeconfigs.confidentialcontainers.org",
  },
  RuntimeClass: { apiVersion: "node.k8s.io/v1", resource: "runtimeclasses.node.k8s.io" },
  Route: { apiVersion: "route.openshift.io/v1", resource: "routes.route.openshift.io" },
} as const;
export type Kind = keyof typeof kinds;

/** The metadata of every object. Times are as the API server writes them (RFC 3339, whole seconds). */
export interface ObjectMeta {
  readonly name: string;
  readonly namespace?: string;
  readonly uid?: string;
  readonly resourceVersion?: string;
  readonly generation?: number;
  readonly creationTimestamp?: string;
  readonly deletionTimestamp?: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly ownerReferences?: readonly OwnerReference[];
  readonly managedFields?: readonly {
    readonly manager?: string;
    readonly time?: string;
    readonly fieldsV1?: unknown;
  }[];
}

interface OwnerReference {
  readonly kind: string;
  readonly name: string;
  readonly controller?: boolean;
}

/** An object as the API server sent it. The caller validates what it reads beyond the metadata. */
export interface KubeObject {
  readonly metadata: ObjectMeta;
  readonly [field: string]: unknown;
}

export interface ObjectRef {
  readonly kind: Kind;
  /** Empty for objects without a namespace. */
  readonly namespace: string;
  readonly name: string;
}

/** Identifies an object in a cluster. */
export function objectKey({ kind, namespace, name }: ObjectRef): string {
  return `${kind}/${namespace}/${name}`;
}

/** The path of an object; without a name, of the list of its kind in a namespace or in all (`undefined`). */
export function apiPath(kind: Kind, namespace: string | undefined, name?: string): string {
  const { apiVersion, resource } = kinds[kind];
  const root = apiVersion.includes("/") ? "/apis" : "/api";
  const [plural = resource] = resource.split(".");
  const place =
    namespace === undefined || namespace === "" ? "" : `namespaces/${encodeURIComponent(namespace)}/`;
  const path = `${root}/${apiVersion}/${place}${plural}`;
  return name === undefined ? path : `${path}/${encodeURIComponent(name)}`;
}
