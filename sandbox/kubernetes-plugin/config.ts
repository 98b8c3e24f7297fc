import process from "node:process";
import { loadCluster } from "../../kube/cluster.ts";
import { isMap, reveal, toJson, type PropertyMap } from "../../protocol/index.ts";
import { Cluster } from "./cluster.ts";

/** What of the real plugin's configuration means something here. */
export interface Config {
  readonly cluster: Cluster;
  /** Creating what exists already updates it. @default false, as the real plugin since 4.33 */
  readonly upsertExistingObjects: boolean;
  /** Changed data of a Secret is updated in place. @default false: the Secret is replaced */
  readonly enableSecretMutable: boolean;
  /** @default false: a changed ConfigMap is replaced */
  readonly enableConfigMapMutable: boolean;
  /** Fields that others manage are taken over. @default false */
  readonly enablePatchForce: boolean;
}

/** A string, or undefined if it is unset or empty. Numbers and objects come as JSON in a string. */
function text(args: PropertyMap, name: string): string | undefined {
  const value = args[name] ?? null;
  if (value === null) return undefined;
  const plain = isMap(value) ? JSON.stringify(toJson(value)) : reveal(value);
  return typeof plain === "string" && plain !== "" ? plain : undefined;
}

function flag(args: PropertyMap, name: string, variable: string): boolean {
  const value = reveal(args[name] ?? null);
  if (value === null) return process.env[variable] === "true";
  return value === true || value === "true";
}

/** @throws KubeconfigError */
export function parseConfig(args: PropertyMap): Config {
  const kubeconfig = text(args, "kubeconfig");
  const context = text(args, "context");
  const cluster = loadCluster({
    // The SDK fills in $KUBECONFIG, which may be a list of files; client-go's rules for it are the default ones.
    ...(kubeconfig === undefined || kubeconfig === process.env["KUBECONFIG"] ? {} : { kubeconfig }),
    ...(context === undefined ? {} : { context }),
  });
  return {
    cluster: new Cluster(cluster, text(args, "namespace")),
    upsertExistingObjects: flag(args, "upsertExistingObjects", "PULUMI_K8S_UPSERT_EXISTING_OBJECTS"),
    enableSecretMutable: flag(args, "enableSecretMutable", "PULUMI_K8S_ENABLE_SECRET_MUTABLE"),
    enableConfigMapMutable: flag(args, "enableConfigMapMutable", "PULUMI_K8S_ENABLE_CONFIGMAP_MUTABLE"),
    enablePatchForce: flag(args, "enablePatchForce", "PULUMI_K8S_ENABLE_PATCH_FORCE"),
  };
}
