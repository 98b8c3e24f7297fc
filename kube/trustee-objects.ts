import { z } from "zod";
import { namesIn, seenOf, type Names, type Seen } from "../core/trustee/seen.ts";
import { shownName } from "../core/policy/shown-name.ts";
import { trusteeNames, type ConfigMapNames } from "../core/trustee/generation.ts";
import type { KubeClient } from "./client.ts";
import { KubeError } from "./errors.ts";
import type { Kind, KubeObject } from "./objects.ts";

/** How objects are read in Trustee's namespace: the program gathers its problems, a command ends at the first. */
export interface Reads {
  /** What has to be there. @param path the setting that names it */
  readonly need: (kind: Kind, name: string, path: string) => Promise<KubeObject | undefined>;
  /** What may be missing, or closed to this account. */
  readonly read: (kind: Kind, name: string) => Promise<KubeObject | undefined>;
}

/** The objects that tell the facts of a Trustee, and the facts. Writer and auditor read by this alone. */
export interface TrusteeObjects {
  readonly names: Names;
  readonly deployment: KubeObject | undefined;
  readonly policy: KubeObject | undefined;
  readonly referenceValues: KubeObject | undefined;
  readonly seen: Seen;
}

const dataSchema = z.record(z.string(), z.string()).nullish();

/** A ConfigMap's data; none where it is not there. */
export function dataOf(map: KubeObject | undefined): Readonly<Record<string, string>> | undefined {
  return map === undefined ? undefined : (dataSchema.safeParse(map["data"]).data ?? {});
}

/**
 * @param reading the KbsConfig; without one the operator's own names hold
 * @param settings names of ConfigMaps that go before what the KbsConfig says
 */
export async function readTrusteeObjects(
  { need, read }: Reads,
  reading: Promise<KubeObject | undefined>,
  deploymentName: string,
  settings: Partial<ConfigMapNames> = {},
): Promise<TrusteeObjects> {
  const naming = reading.then((kbsConfig) => namesIn(kbsConfig, settings));
  const [names, deployment, policy, referenceValues, kbsSettings] = await Promise.all([
    naming,
    need("Deployment", deploymentName, "trustee.deployment"),
    naming.then(async (names) => need("ConfigMap", names.policy, "trustee.namespace")),
    naming.then(async (names) => need("ConfigMap", names.referenceValues, "trustee.namespace")),
    naming.then(async (names) => read("ConfigMap", names.kbsSettings)),
  ]);
  const seen = seenOf(deployment, dataOf(kbsSettings), names);
  return { names, deployment, policy, referenceValues, seen };
}

/**
 * The KbsConfig of a name. Where there is no KbsConfig of the operator's usual name, it is the only one of the namespace: a TrusteeConfig of
 * another name makes one of another name.
 * @returns where it is not found, the others as the end of a message: `; there are: a, b`; empty: none
 * @throws KubeError of the read that failed
 */
export async function findKbsConfig(
  kube: KubeClient,
  namespace: string,
  name: string,
): Promise<{ readonly found: KubeObject } | { readonly others: string }> {
  const named = await kube.get({ kind: "KbsConfig", namespace, name });
  if (named !== undefined) return { found: named };
  try {
    const all = await kube.list("KbsConfig", namespace);
    const [only, ...more] = all;
    if (name === trusteeNames.kbsConfig && only !== undefined && more.length === 0) return { found: only };
    const names = all.map(({ metadata }) => shownName(metadata.name)).join(", ");
    return { others: names === "" ? "" : `; there are: ${names}` };
  } catch (error) {
    if (!(error instanceof KubeError) || error.failure === "aborted") throw error;
    // The API server does not know the kind.
    if (error.failure === "not-found") return { others: "" };
    const detail = `there is no KbsConfig "${name}", and whether there is another is not known: ${error.detail}`;
    throw new KubeError(error.failure, error.request, detail, error, error.next);
  }
}
