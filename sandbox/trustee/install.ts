import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { parse } from "yaml";
import { z } from "zod";
import type { Generation } from "../../core/trustee/generation.ts";
import type { Rest } from "../control-plane/rest.ts";
import {
  clusterManifests,
  installation,
  type InstallationOptions,
  trusteeConfig,
} from "./manifests/installation.ts";
import { DEPLOYMENT } from "./manifests/kbs.ts";
import { type Manifest, NAMESPACE, type OperatorBuild } from "./manifests/objects.ts";

interface InstallOptions extends Omit<InstallationOptions, "certificate" | "key" | "operator"> {
  readonly operator: OperatorBuild;
  /** PEM files. */
  readonly certificate: string;
  readonly key: string;
  /** Called once the API server serves the custom resources. */
  readonly onKinds: () => Promise<void>;
}

const plurals: Readonly<Record<string, string>> = {
  ConfigMap: "configmaps",
  CustomResourceDefinition: "customresourcedefinitions",
  KbsConfig: "kbsconfigs",
  Namespace: "namespaces",
  Node: "nodes",
  Route: "routes",
  RuntimeClass: "runtimeclasses",
  Secret: "secrets",
  TrusteeConfig: "trusteeconfigs",
};

/** The API path for a manifest's kind and namespace. */
export function collection({ apiVersion, kind, metadata }: Manifest): string {
  const group = apiVersion.includes("/") ? `/apis/${apiVersion}` : `/api/${apiVersion}`;
  const namespace = metadata.namespace === undefined ? "" : `/namespaces/${metadata.namespace}`;
  return `${group}${namespace}/${plurals[kind] ?? ""}`;
}

const createdSchema = z.object({ kind: z.string(), metadata: z.object({ uid: z.string() }) });

/** The number of attempts for transient failures. */
const TRIES = 100;

/** Creates an object. Retries while the API server does not know its namespace or kind yet. */
export async function create(rest: Rest, manifest: Manifest): Promise<z.infer<typeof createdSchema>> {
  for (let tries = 0; ; tries += 1) {
    const { status, body } = await rest.call("POST", collection(manifest), manifest);
    if (status === 201) return createdSchema.parse(body);
    if (![0, 403, 404, 429, 500, 503].includes(status) || tries >= TRIES) {
      throw new Error(`cannot create ${manifest.kind} ${manifest.metadata.name}: ${JSON.stringify(body)}`);
    }
    await sleep(100);
  }
}

/** The files of the operator's CustomResourceDefinitions. */
export function operatorKinds(generation: Generation): readonly string[] {
  return [`kbsconfigs-${generation}.yaml`, `trusteeconfigs-${generation}.yaml`];
}

/** Reads a CustomResourceDefinition from `crds`. */
export async function readKind(file: string): Promise<Manifest> {
  return parse(await readFile(join(import.meta.dirname, "crds", file), "utf8")) as Manifest;
}

/** Creates the objects that Trustee's operator stand-in does not create, in a new cluster. */
export async function installTrustee(rest: Rest, options: InstallOptions): Promise<void> {
  const crds = await Promise.all(
    [...operatorKinds(options.generation), "routes.yaml"].map(async (file) => readKind(file)),
  );
  await Promise.all([...crds, ...clusterManifests].map(async (manifest) => create(rest, manifest)));
  await Promise.all(crds.map(async (crd) => established(rest, crd)));
  await options.onKinds();
  const material = {
    generation: options.generation,
    operator: options.operator,
    fresh: options.fresh,
    certificate: await readFile(options.certificate, "utf8"),
    key: await readFile(options.key, "utf8"),
  };
  const created = await Promise.all(trusteeConfig(material).map(async (manifest) => create(rest, manifest)));
  const uid = created.find((object) => object.kind === "TrusteeConfig")?.metadata.uid ?? "";
  await Promise.all((await installation(material, uid)).map(async (manifest) => create(rest, manifest)));
}

const crdSchema = z.looseObject({
  status: z.looseObject({ conditions: z.array(z.looseObject({ type: z.string(), status: z.string() })) }),
});

async function established(rest: Rest, crd: Manifest): Promise<void> {
  for (let tries = 0; tries < TRIES; tries += 1) {
    const { body } = await rest.call("GET", `${collection(crd)}/${crd.metadata.name}`);
    const conditions = crdSchema.safeParse(body).data?.status.conditions ?? [];
    if (conditions.some(({ type, status }) => type === "Established" && status === "True")) return;
    await sleep(50);
  }
  throw new Error(`the API server does not accept ${crd.metadata.name}`);
}

const deploymentSchema = z.looseObject({ status: z.looseObject({ readyReplicas: z.number() }) });

/**
 * Waits until the KBS is ready and the namespace default accepts pods.
 * @param timeout milliseconds
 * @param check called while waiting; throws to give up
 */
export async function trusteeReady(rest: Rest, timeout: number, check: () => void): Promise<void> {
  const deployment = `/apis/apps/v1/namespaces/${NAMESPACE}/deployments/${DEPLOYMENT}`;
  for (const end = Date.now() + timeout; Date.now() < end;) {
    const [{ body }, account] = await Promise.all([
      rest.call("GET", deployment),
      rest.call("GET", "/api/v1/namespaces/default/serviceaccounts/default"),
    ]);
    const ready = deploymentSchema.safeParse(body).data?.status.readyReplicas ?? 0;
    if (ready > 0 && account.status === 200) return;
    check();
    await sleep(100);
  }
  throw new Error("trustee-deployment did not become ready");
}
