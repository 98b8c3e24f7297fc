import { z } from "zod";
import { namesIn, seenOf, type Names, type Seen } from "../core/trustee/seen.ts";
import { shownName } from "../core/shown.ts";
import { trusteeNames } from "../core/trustee/generation.ts";
import type { KubeClient } from "./client.ts";
import { KubeError } from "./errors.ts";
import type { Kind, KubeObject } from "./objects.ts";

/** Reads objects in Trustee's namespace. The program collects all problems; a command ends at the first. */
export interface Reads {
  /** Reads an object that must exist. @param path the setting that names it */
  readonly need: (kind: Kind, name: string, path: string) => Promise<KubeObject | undefined>;
  /** Reads an object that may be missing, or that this account may not read. */
  readonly read: (kind: Kind, name: string) => Promise<KubeObject | undefined>;
}

/** The objects with the facts of a Trustee, and these facts. Program and commands read them only here. */
export interface TrusteeObjects {
  readonly names: Names;
  readonly deployment: KubeObject | undefined;
  readonly policy: KubeObject | undefined;
  readonly referenceValues: KubeObject | undefined;
  readonly seen: Seen;
}

const dataSchema = z.record(z.string(), z.string()).nullish();

/** A ConfigMap's data; `undefined` without the ConfigMap. */
export function dataOf(map: KubeObject | undefined): Readonly<Record<string, string>> | undefined {
  return map === undefined ? undefined : (dataSchema.safeParse(map["data"]).data ?? {});
}

/**
 * @param reading the KbsConfig; without one, the operator's names apply
 */
export async function readTrusteeObjects(
  { need, read }: Reads,
  reading: Promise<KubeObject | undefined>,
  deploymentName: string,
): Promise<TrusteeObjects> {
  const naming = reading.then((kbsConfig) => namesIn(kbsConfig));
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
 * Finds a KbsConfig by its name. If that is the operator's default name and there is none, the only one in
 * the namespace counts: a TrusteeConfig of another name creates a KbsConfig of another name.
 * @returns if it is not found, the others as the end of a message: `; there are: a, b`; empty: none
 * @throws KubeError if the read failed
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
    const detail = `there is no KbsConfig "${name}", and it is unknown whether there is another: ${error.detail}`;
    throw new KubeError(error.failure, error.request, detail, error, error.next);
  }
}
