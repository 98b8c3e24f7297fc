import { z } from "zod";
import { own } from "../core/records.ts";
import { candidateKeys, trusteeNames } from "../core/trustee/generation.ts";
import type { KubeClient } from "../kube/client.ts";
import type { KubeObject } from "../kube/objects.ts";

const container = z.object({
  volumeMounts: z.array(z.object({ name: z.string(), subPath: z.string().optional() })).default([]),
});
const volume = z.object({
  name: z.string(),
  configMap: z
    .object({ name: z.string(), optional: z.boolean().optional(), items: z.array(z.unknown()).optional() })
    .optional(),
});
const deploymentSchema = z.object({
  spec: z.object({
    template: z.object({
      spec: z.object({
        containers: z.array(container).default([]),
        initContainers: z.array(container).default([]),
        volumes: z.array(volume).default([]),
      }),
    }),
  }),
});
const keyed = z.record(z.string(), z.unknown()).nullish().catch(undefined);

/** How a pod template mounts a ConfigMap: single keys as files, or the whole as a folder. */
interface Mounted {
  readonly files: readonly string[];
  readonly whole: boolean;
}

function mountsOf(deployment: KubeObject, configMap: string): Mounted {
  const { containers, initContainers, volumes } = deploymentSchema.parse(deployment).spec.template.spec;
  // With `items` a file has another name than its key.
  const named = volumes.filter(
    (each) =>
      each.configMap?.name === configMap &&
      each.configMap.optional !== true &&
      each.configMap.items === undefined,
  );
  const mounts = [...initContainers, ...containers]
    .flatMap(({ volumeMounts }) => volumeMounts)
    .filter((mount) => named.some(({ name }) => name === mount.name));
  return {
    files: [...new Set(mounts.flatMap(({ subPath }) => subPath ?? []))],
    whole: mounts.some(({ subPath }) => subPath === undefined),
  };
}

function list(names: readonly string[]): string {
  return names.map((name) => `"${name}"`).join(", ");
}

function missingIn(configMap: string, live: KubeObject | undefined, mounted: Mounted): string[] {
  if (mounted.files.length === 0 && !mounted.whole) return [];
  if (live === undefined) return [`there is no ConfigMap "${configMap}", which the KBS mounts`];
  const keys = new Set(
    ["data", "binaryData"].flatMap((field) => Object.keys(keyed.parse(own(live, field)) ?? {})),
  );
  const files = mounted.files
    .filter((file) => !keys.has(file))
    .map((file) => `ConfigMap "${configMap}" has no key "${file}", which the KBS mounts as a file`);
  // A KBS that finds no policy in a folder tries to write its own there, and ends: nothing can be written into it.
  const policies = candidateKeys("policyKey");
  const isPolicy = configMap === trusteeNames.resourcePolicy && mounted.whole;
  return isPolicy && !policies.some((key) => keys.has(key))
    ? [
        ...files,
        `ConfigMap "${configMap}" has none of the keys ${list(policies)}, without which no KBS starts`,
      ]
    : files;
}

/**
 * What of these ConfigMaps the KBS cannot start without, and does not find: waiting does not bring it. A line each.
 * @throws KubeError if one of them cannot be read
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
  if (object === undefined) return [];
  return configMaps.flatMap((name, index) => missingIn(name, maps[index], mountsOf(object, name)));
}
