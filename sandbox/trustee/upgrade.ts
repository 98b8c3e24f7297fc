import { readFile } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";
import { z } from "zod";
import { type Generation, generationFacts } from "../../core/trustee/generation.ts";
import type { Rest } from "../control-plane/rest.ts";
import { collection, create, operatorKinds, readKind } from "./install.ts";
import { installation, kbsRoute } from "./manifests/installation.ts";
import { DEPLOYMENT, KBS_CONFIG } from "./manifests/kbs.ts";
import { type Manifest, NAMESPACE, type OperatorBuild, sampleSecret } from "./manifests/objects.ts";
import { convertedReferenceValues } from "./manifests/reference-values.ts";

const FROM: Generation = "0.18";
const TO: Generation = "0.21";

interface UpgradeOptions {
  /**
   * What happens to the resource policy and the reference values.
   * - `converted`: an administrator has moved them to the new keys and format.
   * - `stock`: an administrator has deleted the two ConfigMaps, and the new operator has recreated them.
   * - `migrated`: Red Hat's operator migrates them.
   */
  readonly configMaps: "converted" | "stock" | "migrated";
  /** PEM files of the KBS. */
  readonly certificate: string;
  readonly key: string;
}

const objectSchema = z.looseObject({
  metadata: z.looseObject({ uid: z.string() }),
  data: z.record(z.string(), z.string()).default({}),
});

async function expected(rest: Rest, ...call: Parameters<Rest["call"]>): Promise<unknown> {
  const { status, body } = await rest.call(...call);
  if (status < 200 || status > 299)
    throw new Error(`${call[0]} ${call[1]}: ${status} ${JSON.stringify(body)}`);
  return body;
}

function pathOf(manifest: Manifest): string {
  return `${collection(manifest)}/${manifest.metadata.name}`;
}

function named(manifests: readonly Manifest[], kind: string, name: string): Manifest {
  const found = manifests.find((each) => each.kind === kind && each.metadata.name === name);
  if (found === undefined) throw new Error(`the installation has no ${kind} ${name}`);
  return found;
}

/**
 * Upgrades a cluster from Trustee 0.18 to 0.21. The operator must not run meanwhile.
 *
 * The new operator (internal/controller/trusteeconfig_controller.go, v0.21.0):
 * - keeps the content of existing ConfigMaps and Secrets, and a changed kbsSecretResources
 * - drops KbsConfig fields that it no longer knows
 * - creates the secret attestation-status
 * - converts nothing; a KBS whose ConfigMaps lack the new keys does not start
 *
 * An administrator has to do the rest: the KBS's configuration, policy and reference values under the new
 * keys, and the route under its new name, which has a new host. Red Hat's operator has its own route, and
 * migrates the ConfigMaps: see `standin/migration.ts`.
 */
export async function upgradeTrustee(rest: Rest, options: UpgradeOptions): Promise<void> {
  const config = await expected(
    rest,
    "GET",
    `/apis/confidentialcontainers.org/v1alpha1/namespaces/${NAMESPACE}/trusteeconfigs/trusteeconfig`,
  );
  const [certificate, key] = await Promise.all([
    readFile(options.certificate, "utf8"),
    readFile(options.key, "utf8"),
  ]);
  const operator: OperatorBuild = options.configMaps === "migrated" ? "red-hat" : "upstream";
  const material = { generation: TO, operator, fresh: true, certificate, key };
  const wanted = await installation(material, objectSchema.parse(config).metadata.uid);
  for (const file of operatorKinds(TO)) {
    const crd = await readKind(file);
    await expected(rest, "PATCH", pathOf(crd), { metadata: crd.metadata, spec: crd["spec"] });
  }
  const kbsConfig = named(wanted, "KbsConfig", KBS_CONFIG);
  await expected(rest, "PATCH", pathOf(kbsConfig), { spec: { tdxConfigSpec: null } });
  await create(rest, named(wanted, "Secret", sampleSecret[TO]));
  if (options.configMaps === "migrated") return;
  const kbsToml = named(wanted, "ConfigMap", "trusteeconfig-kbs-config");
  await expected(rest, "PATCH", pathOf(kbsToml), { data: kbsToml["data"] });
  for (const [name, fact, convert] of [
    ["trusteeconfig-resource-policy", "policyKey", (text: string): string => text],
    ["trusteeconfig-rvps-reference-values", "referenceValuesKey", convertedReferenceValues],
  ] as const) {
    await moveKey(
      rest,
      named(wanted, "ConfigMap", name),
      fact,
      options.configMaps === "stock" ? undefined : convert,
    );
  }
  await expected(rest, "DELETE", pathOf(kbsRoute(FROM)));
  await create(rest, kbsRoute(TO));
}

/** @param convert converts the text; if undefined, the ConfigMap is recreated with the stock content */
async function moveKey(
  rest: Rest,
  stock: Manifest,
  fact: "policyKey" | "referenceValuesKey",
  convert: ((text: string) => string) | undefined,
): Promise<void> {
  if (convert === undefined) {
    await expected(rest, "DELETE", pathOf(stock));
    await create(rest, stock);
    return;
  }
  const [from, to] = [generationFacts[FROM][fact], generationFacts[TO][fact]];
  const { data } = objectSchema.parse(await expected(rest, "GET", pathOf(stock)));
  const text = data[from];
  if (text === undefined) throw new Error(`ConfigMap ${stock.metadata.name} has no key ${from}`);
  await expected(rest, "PATCH", pathOf(stock), { data: { [from]: null, [to]: convert(text) } });
}

const deploymentSchema = z.looseObject({
  metadata: z.looseObject({ generation: z.number() }),
  spec: z.looseObject({
    template: z.looseObject({ spec: z.looseObject({ initContainers: z.array(z.unknown()).default([]) }) }),
  }),
  status: z.looseObject({
    observedGeneration: z.number().default(0),
    replicas: z.number().default(0),
    updatedReplicas: z.number().default(0),
    readyReplicas: z.number().default(0),
  }),
});

/** Waits until the new operator has rolled out the KBS. @param timeout milliseconds */
export async function upgraded(rest: Rest, timeout: number): Promise<void> {
  const path = `/apis/apps/v1/namespaces/${NAMESPACE}/deployments/${DEPLOYMENT}`;
  for (const end = Date.now() + timeout; Date.now() < end;) {
    const { data } = deploymentSchema.safeParse((await rest.call("GET", path)).body);
    if (data !== undefined) {
      const { metadata, spec, status } = data;
      // Only 0.21 has an init container.
      const isNew = spec.template.spec.initContainers.length > 0;
      const settled = status.observedGeneration >= metadata.generation && status.replicas === 1;
      if (isNew && settled && status.updatedReplicas === 1 && status.readyReplicas === 1) return;
    }
    await sleep(200);
  }
  throw new Error(`${DEPLOYMENT} did not become ready on Trustee ${TO}`);
}
