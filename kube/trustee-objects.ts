import { z } from "zod";
import { namesIn, seenOf, type Names, type Seen } from "../core/trustee/seen.ts";
import type { ConfigMapNames } from "../core/trustee/generation.ts";
import type { KubeClient } from "./client.ts";
import { KubeError } from "./errors.ts";
import type { Kind, KubeObject } from "./objects.ts";

/** How objects are read in Trustee's namespace: the program gathers its problems, a command ends at the first. */
export interface Reads {
  /** What has to be there. @param path the setting that names it */
  readonly need: (kind: Kind, name: string, path: string) => Promise<KubeObject | undefined>;
  /** What this account may do without, and need not be allowed to read. */
  readonly look: (kind: Kind, name: string) => Promise<KubeObject | undefined>;
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
  { need, look }: Reads,
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
    naming.then(async (names) => look("ConfigMap", names.kbsSettings)),
  ]);
  const seen = seenOf(deployment, dataOf(kbsSettings), names);
  return { names, deployment, policy, referenceValues, seen };
}

/** The only KbsConfig of a namespace; `undefined` where there are several, none, or this account must not list them. */
export async function onlyKbsConfig(kube: KubeClient, namespace: string): Promise<KubeObject | undefined> {
  try {
    const [only, ...more] = await kube.list("KbsConfig", namespace);
    return more.length === 0 ? only : undefined;
  } catch (error) {
    if (error instanceof KubeError && error.failure !== "unreachable" && error.failure !== "aborted")
      return undefined;
    throw error;
  }
}
