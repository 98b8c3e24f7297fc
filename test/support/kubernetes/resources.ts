import { kinds } from "../../../kube/objects.ts";

/** A kind of object that the API server serves. */
export interface Resource {
  readonly kind: string;
  readonly apiVersion: string;
  readonly group: string;
  readonly plural: string;
  /** The name in RBAC and in the API server's messages. */
  readonly qualified: string;
  readonly namespaced: boolean;
  /** Defined by a CustomResourceDefinition. */
  readonly custom: boolean;
  /** Has a generation and a status subresource. */
  readonly controlled: boolean;
}

const controlled = ["Deployment", "StatefulSet", "Job", "KbsConfig", "TrusteeConfig", "PodDisruptionBudget"];
const custom = ["KbsConfig", "TrusteeConfig", "Route"];

function resource(kind: string, apiVersion: string, qualified: string): Resource {
  const [plural = "", ...group] = qualified.split(".");
  return {
    ...{ kind, apiVersion, plural, qualified, group: group.join(".") },
    namespaced: !["Namespace", "RuntimeClass"].includes(kind),
    custom: custom.includes(kind),
    controlled: controlled.includes(kind),
  };
}

export const resources: readonly Resource[] = [
  ...Object.entries(kinds).map(([kind, { apiVersion, resource: name }]) => resource(kind, apiVersion, name)),
  resource("Namespace", "v1", "namespaces"),
  resource("PodDisruptionBudget", "policy/v1", "poddisruptionbudgets.policy"),
];

export function resourceOf(kind: string): Resource {
  const found = resources.find((one) => one.kind === kind);
  if (found === undefined) throw new Error(`this API server has no ${kind}`);
  return found;
}
