import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { type KubeConfig, KubernetesObjectApi, type KubernetesObject, type V1CustomResourceDefinition, type V1Deployment } from "@kubernetes/client-node";
import { parse } from "yaml";
import { loadCluster } from "../../kube/cluster.ts";
import { clusterManifests, installation, type InstallationOptions, trusteeConfig } from "./manifests/installation.ts";
import { DEPLOYMENT } from "./manifests/kbs.ts";
import { type Manifest, NAMESPACE } from "./manifests/objects.ts";

export interface InstallOptions extends Omit<InstallationOptions, "certificate" | "key"> {
  readonly kubeconfig: string;
  /** PEM files. */
  readonly certificate: string;
  readonly key: string;
  /** Called once the kinds are known to the API server. */
  readonly onKinds: () => Promise<void>;
}

/** Creates everything of Trustee that its operator does not make, in a cluster that has just begun to answer. */
export async function installTrustee(options: InstallOptions): Promise<void> {
  const config = loadCluster({ kubeconfig: options.kubeconfig });
  const files = [`kbsconfigs-${options.generation}.yaml`, `trusteeconfigs-${options.generation}.yaml`, "routes.yaml"];
  const crds = await Promise.all(
    files.map(async (file) => parse(await readFile(join(import.meta.dirname, "crds", file), "utf8")) as Manifest),
  );
  await Promise.all([...crds, ...clusterManifests].map(async (manifest) => create(config, manifest)));
  await Promise.all(crds.map(async (crd) => established(config, crd)));
  await options.onKinds();
  const material = {
    generation: options.generation,
    fresh: options.fresh,
    certificate: await readFile(options.certificate, "utf8"),
    key: await readFile(options.key, "utf8"),
  };
  const created = await Promise.all(trusteeConfig(material).map(async (manifest) => create(config, manifest)));
  const owner = created.find((object) => object.kind === "TrusteeConfig");
  const manifests = await installation(material, owner?.metadata?.uid ?? "");
  await Promise.all(manifests.map(async (manifest) => create(config, manifest)));
}

/** Waits until the operator has rolled the KBS out and both namespaces can take pods. */
export async function trusteeReady(kubeconfig: string, timeout: number): Promise<void> {
  const api = KubernetesObjectApi.makeApiClient(loadCluster({ kubeconfig }));
  const header = { apiVersion: "apps/v1", kind: "Deployment", metadata: { name: DEPLOYMENT, namespace: NAMESPACE } };
  const account = { apiVersion: "v1", kind: "ServiceAccount", metadata: { name: "default", namespace: "default" } };
  for (const end = Date.now() + timeout; Date.now() < end; ) {
    try {
      const { status } = await api.read<V1Deployment>(header);
      await api.read(account);
      if ((status?.readyReplicas ?? 0) > 0) return;
    } catch {
      // Not there yet.
    }
    await sleep(100);
  }
  throw new Error("trustee-deployment did not become ready");
}

const named = (error: unknown): number | undefined =>
  error instanceof Error && "code" in error && typeof error.code === "number" ? error.code : undefined;

/** Creates an object, patiently while the namespace or the kind is not yet known everywhere in the API server. */
async function create(config: KubeConfig, manifest: Manifest): Promise<KubernetesObject> {
  for (let tries = 0; ; tries += 1) {
    try {
      return await KubernetesObjectApi.makeApiClient(config).create(manifest as unknown as KubernetesObject);
    } catch (error) {
      const passing = named(error) === 404 || named(error) === 403 || named(error) === undefined;
      if (!passing || tries > 100) {
        throw new Error(`cannot create ${manifest.kind} ${manifest.metadata.name}`, { cause: error });
      }
      await sleep(100);
    }
  }
}

async function established(config: KubeConfig, crd: Manifest): Promise<void> {
  const api = KubernetesObjectApi.makeApiClient(config);
  const header = { apiVersion: crd.apiVersion, kind: crd.kind, metadata: { name: crd.metadata.name } };
  for (let tries = 0; tries < 100; tries += 1) {
    const { status } = await api.read<V1CustomResourceDefinition>(header);
    if (status?.conditions?.some(({ type, status: state }) => type === "Established" && state === "True")) return;
    await sleep(50);
  }
  throw new Error(`the API server does not accept ${crd.metadata.name}`);
}
