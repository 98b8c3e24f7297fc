import { z } from "zod";

const items = z.array(z.object({ key: z.string(), path: z.string() })).optional();
const container = z.object({
  name: z.string().default(""),
  image: z.string().default(""),
  command: z.array(z.string()).default([]),
  args: z.array(z.string()).default([]),
  volumeMounts: z
    .array(z.object({ name: z.string(), mountPath: z.string(), subPath: z.string().optional() }))
    .default([]),
});
const volume = z.object({
  name: z.string(),
  configMap: z.object({ name: z.string().optional(), optional: z.boolean().optional(), items }).optional(),
  secret: z.object({ secretName: z.string().optional(), items }).optional(),
  projected: z
    .object({
      sources: z
        .array(z.object({ configMap: z.object({ name: z.string().optional() }).optional() }))
        .default([]),
    })
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

/** The facts of a Deployment's pod. */
export type PodTemplate = z.output<typeof deploymentSchema>["spec"]["template"]["spec"];

/** A Deployment's pod; `undefined` if the value is no valid Deployment. */
export function podTemplateOf(deployment: unknown): PodTemplate | undefined {
  return deploymentSchema.safeParse(deployment).data?.spec.template.spec;
}

/** The container that serves. The operator names it `kbs`. */
export function kbsContainer({ containers }: PodTemplate): PodTemplate["containers"][number] | undefined {
  return containers.find(({ name }) => name === "kbs") ?? containers[0];
}

/** A key of an object that a container sees as a file. */
export interface MountedKey {
  readonly kind: "ConfigMap" | "Secret";
  readonly name: string;
  readonly key: string;
}

type Mount = PodTemplate["containers"][number]["volumeMounts"][number];

/** The key behind a path inside a volume. `items` can rename keys. */
function keyIn({ volumes }: PodTemplate, mount: Mount, path: string): MountedKey | undefined {
  const found = volumes.find(({ name }) => name === mount.name);
  const map = found?.configMap;
  const name = map?.name ?? found?.secret?.secretName;
  const listed = (map ?? found?.secret)?.items;
  const key = listed === undefined ? path : listed.find((item) => item.path === path)?.key;
  if (name === undefined || key === undefined || key === "") return undefined;
  return { kind: map === undefined ? "Secret" : "ConfigMap", name, key };
}

/** The mount that has the file at a path of the KBS. The innermost one hides the others. */
export function mountAt(template: PodTemplate, path: string): Mount | undefined {
  return (kbsContainer(template)?.volumeMounts ?? [])
    .map((mount) => ({ ...mount, mountPath: mount.mountPath.replace(/\/+$/, "") }))
    .filter(({ mountPath }) => path === mountPath || path.startsWith(`${mountPath}/`))
    .sort((a, b) => b.mountPath.length - a.mountPath.length)[0];
}

/** The source of the file at a path. */
export function fileAt(template: PodTemplate, path: string): MountedKey | undefined {
  const inner = mountAt(template, path);
  if (inner === undefined) return undefined;
  const below = path.slice(inner.mountPath.length + 1);
  return keyIn(
    template,
    inner,
    [inner.subPath, below].filter((part) => part !== undefined && part !== "").join("/"),
  );
}

/** How a pod mounts a required ConfigMap: single keys as files, or all of it as folders. */
export interface MapMounts {
  readonly keys: readonly string[];
  /** The paths at which all of it is mounted. */
  readonly folders: readonly string[];
}

export function mountsOfMap(template: PodTemplate, configMap: string): MapMounts {
  const named = template.volumes.filter(
    (each) => each.configMap?.name === configMap && each.configMap.optional !== true,
  );
  const mounts = [...template.initContainers, ...template.containers]
    .flatMap(({ volumeMounts }) => volumeMounts)
    .filter((mount) => named.some(({ name }) => name === mount.name));
  const keys = mounts.flatMap((mount) =>
    mount.subPath === undefined ? [] : (keyIn(template, mount, mount.subPath)?.key ?? []),
  );
  return {
    keys: [...new Set(keys)],
    folders: mounts.flatMap(({ subPath, mountPath }) => (subPath === undefined ? [mountPath] : [])),
  };
}

/** The names of the volumes that have a ConfigMap, or a part of it. */
export function volumesOfMap({ volumes }: PodTemplate, configMap: string): readonly string[] {
  const sources = (volume: PodTemplate["volumes"][number]) => [
    volume.configMap,
    ...(volume.projected?.sources ?? []).map((source) => source.configMap),
  ];
  return volumes
    .filter((volume) => sources(volume).some((source) => source?.name === configMap))
    .map(({ name }) => name);
}

/** Whether a volume has parts of several objects. Its files are not read here. */
export function isProjected({ volumes }: PodTemplate, name: string): boolean {
  return volumes.some((volume) => volume.name === name && volume.projected !== undefined);
}
