import { z } from "zod";
import { own } from "../core/records.ts";
import { knownKeys } from "../core/trustee/generation.ts";
import { POLICY_PATHS } from "../core/trustee/kbs-settings.ts";
import { mountsOfMap, podTemplateOf, type MapMounts } from "../core/trustee/mounts.ts";
import type { KubeClient } from "../kube/client.ts";
import type { KubeObject } from "../kube/objects.ts";

const keyed = z.record(z.string(), z.unknown()).nullish().catch(undefined);

function list(names: readonly string[]): string {
  return names.map((name) => `"${name}"`).join(", ");
}

function missingIn(configMap: string, live: KubeObject | undefined, mounted: MapMounts): string[] {
  if (mounted.keys.length === 0 && mounted.folders.length === 0) return [];
  if (live === undefined) return [`there is no ConfigMap "${configMap}", which the KBS mounts`];
  const keys = new Set(
    ["data", "binaryData"].flatMap((field) => Object.keys(keyed.parse(own(live, field)) ?? {})),
  );
  const files = mounted.keys
    .filter((file) => !keys.has(file))
    .map((file) => `ConfigMap "${configMap}" has no key "${file}", which the KBS mounts as a file`);
  // A KBS without a policy in the folder tries to write its own. The folder is read-only, so the KBS exits.
  const policies = knownKeys.policy;
  const isPolicy = mounted.folders.some((folder) =>
    POLICY_PATHS.some((path) => path.startsWith(`${folder}/`)),
  );
  return isPolicy && !policies.some((key) => keys.has(key))
    ? [
        ...files,
        `ConfigMap "${configMap}" has none of the keys ${list(policies)}; without one of them, the KBS does not start`,
      ]
    : files;
}

/**
 * The files that the KBS needs to start and that these ConfigMaps lack, one line each. Waiting does not help.
 * @throws KubeError if an object cannot be read
 */
export async function missingFiles(
  kube: KubeClient,
  namespace: string,
  deployment: string,
  configMaps: readonly string[],
): Promise<readonly string[]> {
  const [object, ...maps] = await Promise.all([
    kube.get({ kind: "Deployment", namespace, name: deployment }),
    ...configMaps.map((name) => kube.get({ kind: "ConfigMap", namespace, name })),
  ]);
  const template = podTemplateOf(object);
  if (template === undefined) return [];
  return configMaps.flatMap((name, index) => missingIn(name, maps[index], mountsOfMap(template, name)));
}
