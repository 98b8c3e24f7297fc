import type { Generation } from "../../../core/trustee/generation.ts";

/** The namespace of the operator and of Trustee. */
export const NAMESPACE = "trustee-operator-system";

/** A Kubernetes object to create. */
export interface Manifest {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: {
    readonly name: string;
    readonly namespace?: string;
    readonly labels?: Readonly<Record<string, string>>;
    readonly annotations?: Readonly<Record<string, string>>;
    readonly finalizers?: readonly string[];
    readonly ownerReferences?: readonly object[];
  };
  readonly [field: string]: unknown;
}

/** The build of the operator. Red Hat's 1.1 corresponds to upstream's 0.18, and 1.2 to 0.21. */
export const operators = ["upstream", "red-hat"] as const;
export type OperatorBuild = (typeof operators)[number];

/** The secret that a fresh installation registers. */
export const sampleSecret: Readonly<Record<Generation, string>> = {
  "0.18": "kbsres1",
  "0.21": "attestation-status",
};

/** The ownerReferences that Trustee's controllers set. */
export function ownedBy(kind: "TrusteeConfig" | "KbsConfig", name: string, uid: string): readonly object[] {
  const apiVersion = "confidentialcontainers.org/v1alpha1";
  return [{ apiVersion, kind, name, uid, controller: true, blockOwnerDeletion: true }];
}

export function configMap(
  name: string,
  data: Readonly<Record<string, string>>,
  owner?: readonly object[],
  annotations?: Readonly<Record<string, string>>,
): Manifest {
  const described = { ...metadata(name, owner), ...(annotations === undefined ? {} : { annotations }) };
  return { apiVersion: "v1", kind: "ConfigMap", metadata: described, data };
}

export function secret(
  name: string,
  values: Readonly<Record<string, string>>,
  owner?: readonly object[],
  type = "Opaque",
): Manifest {
  const data = Object.fromEntries(
    Object.entries(values).map(([key, value]) => [key, Buffer.from(value).toString("base64")]),
  );
  return { apiVersion: "v1", kind: "Secret", metadata: metadata(name, owner), type, data };
}

function metadata(name: string, ownerReferences: readonly object[] | undefined): Manifest["metadata"] {
  return { name, namespace: NAMESPACE, ...(ownerReferences === undefined ? {} : { ownerReferences }) };
}
