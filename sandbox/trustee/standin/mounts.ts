import { z } from "zod";

const podSpecSchema = z.object({
  containers: z.array(z.unknown()),
  initContainers: z.array(z.unknown()).default([]),
  volumes: z
    .array(
      z.object({
        name: z.string(),
        configMap: z.object({ name: z.string() }).optional(),
        secret: z.object({ secretName: z.string() }).optional(),
      }),
    )
    .default([]),
});

const containerSchema = z.object({
  volumeMounts: z
    .array(z.object({ name: z.string(), mountPath: z.string(), subPath: z.string().optional() }))
    .default([]),
});

/** The content of a ConfigMap or Secret: key -> bytes. */
export type Content = ReadonlyMap<string, Buffer>;

/** Reads ConfigMaps and Secrets at a pod's start; undefined if the object does not exist. */
interface Sources {
  readonly configMap: (name: string) => Content | undefined;
  readonly secret: (name: string) => Content | undefined;
}

/** A pod's mounted files by absolute path, or why the pod cannot start. */
type MountResult = { readonly files: ReadonlyMap<string, Buffer> } | { readonly problem: string };

/**
 * Mounts a pod's ConfigMaps and Secrets like a kubelet. A missing object is a problem. A subPath mount of a
 * missing key is a problem too: a kubelet would mount a directory.
 */
export function mountFiles(podSpec: unknown, sources: Sources): MountResult {
  const spec = podSpecSchema.parse(podSpec);
  const volumes = new Map<string, Content>();
  for (const volume of spec.volumes) {
    const { configMap, secret } = volume;
    const content = configMap
      ? sources.configMap(configMap.name)
      : secret
        ? sources.secret(secret.secretName)
        : new Map();
    if (content === undefined) {
      const missing = configMap ? `configmap "${configMap.name}"` : `secret "${secret?.secretName ?? ""}"`;
      return { problem: `MountVolume.SetUp failed for volume "${volume.name}" : ${missing} not found` };
    }
    volumes.set(volume.name, content);
  }
  const files = new Map<string, Buffer>();
  for (const container of [...spec.initContainers, ...spec.containers]) {
    for (const { name, mountPath, subPath } of containerSchema.parse(container).volumeMounts) {
      const content = volumes.get(name);
      if (content === undefined) return { problem: `volume "${name}" is mounted but not declared` };
      if (subPath === undefined) {
        for (const [key, bytes] of content) files.set(`${mountPath}/${key}`, bytes);
        continue;
      }
      const bytes = content.get(subPath);
      if (bytes === undefined)
        return {
          problem: `not a directory: mount of key "${subPath}", which is not there, onto ${mountPath}`,
        };
      files.set(mountPath, bytes);
    }
  }
  return { files };
}
