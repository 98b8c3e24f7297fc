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

/** As far as facts are read from it, the pod of a Deployment. */
export type PodTemplate = z.output<typeof deploymentSchema>["spec"]["template"]["spec"];

/** The pod that a Deployment makes; `undefined` if it is no Deployment as the API server writes it. */
export function podTemplateOf(deployment: unknown): PodTemplate | undefined {
  return deploymentSchema.safeParse(deployment).data?.spec.template.spec;
}

/** The container that serves: the operator calls it `kbs`. */
export function kbsContainer({ containers }: PodTemplate): PodTemplate["containers"][number] | undefined {
  return containers.find(({ name }) => name === "kbs") ?? containers[0];
}

/** A key of an object, which a container finds as a file. */
export interface MountedKey {
  readonly kind: "ConfigMap" | "Secret";
  readonly name: string;
  readonly key: string;
}

type Mount = PodTemplate["containers"][number]["volumeMounts"][number];

/** The key behind a path inside a volume; `items` give files other names than their keys. */
function keyIn({ volumes }: PodTemplate, mount: Mount, path: string): MountedKey | undefined {
  const found = volumes.find(({ name }) => name === mount.name);
  const map = found?.configMap;
  const name = map?.name ?? found?.secret?.secretName;
  const listed = (map ?? found?.secret)?.items;
  const key = listed === undefined ? path : listed.find((item) => item.path === path)?.key;
  if (name === undefined || key === undefined || key === "") return undefined;
  return { kind: map === undefined ? "Secret" : "ConfigMap", name, key };
}

/** What the KBS finds at a path: the innermost mount counts, and hides what the others have there. */
export function fileAt(template: PodTemplate, path: string): MountedKey | undefined {
  const [inner] = (kbsContainer(template)?.volumeMounts ?? [])
    .filter(({ mountPath }) => path === mountPath || path.startsWith(`${mountPath}/`))
    .sort((a, b) => b.mountPath.length - a.mountPath.length);
  if (inner === undefined) return undefined;
  const below = path.slice(inner.mountPath.length + 1);
  return keyIn(
    template,
    inner,
    [inner.subPath, below].filter((part) => part !== undefined && part !== "").join("/"),
  );
}

/** How a pod mounts a ConfigMap that it cannot start without: single keys as files, or the whole as folders. */
export interface MapMounts {
  readonly keys: readonly string[];
  /** Where the whole is mounted. */
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
