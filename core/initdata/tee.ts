import type { Binding } from "./binding.ts";

/** The clouds whose peer pods are virtual machines that get their initdata as user data. */
export const clouds = ["azure", "aws", "libvirt"] as const;
export type Cloud = (typeof clouds)[number];

/**
 * How pods of a runtime class bind initdata, by the names that Kata Containers and its operators give them; `undefined`: the name
 * does not say it. Empty: by a TEE that no binding here is for.
 * @see https://github.com/kata-containers/kata-containers/blob/main/tools/packaging/kata-deploy/runtimeclasses
 */
export function bindingsOfClass(runtimeClass: string): readonly Binding[] | undefined {
  if (/(?:^|-)coco-dev(?:-|$)/.test(runtimeClass)) return ["sample"];
  switch (/(?:^|-)(snp|tdx|sev|se|cca)(?:-|$)/.exec(runtimeClass)?.[1]) {
    case undefined:
      return undefined;
    case "snp":
      return ["snp"];
    case "tdx":
      return ["tdx"];
    default:
      return [];
  }
}

/** Runtime classes of Kata Containers whose pods have no TEE, so that at most the sample attester speaks for them. */
const WITHOUT_TEE = /^kata(?:-(?:qemu|clh|fc|dragonball|stratovirt))?(?:-nvidia-gpu)?(?:-runtime-rs)?$/;

/** How the VMs of a cloud's peer pods can bind initdata: those of Azure by a vTPM alone. Any of them may be one for development. */
const peerPodBindings: Readonly<Record<Cloud, readonly Binding[]>> = {
  azure: ["azure-vtpm", "sample"],
  aws: ["snp", "sample"],
  libvirt: ["snp", "tdx", "sample"],
};

/** What says on what a pod runs. */
interface RunsOn {
  readonly runtimeClass?: string | undefined;
  readonly machineType?: string | undefined;
  /** Where peer pods run, if that is said. */
  readonly cloud?: Cloud | undefined;
}

/** Why a binding cannot be that of a pod. */
export interface Misfit {
  /** What says so, e.g. `runtimeClassName kata-qemu-snp`. */
  readonly by: string;
  /** The bindings that fit; may be none. */
  readonly fits: readonly Binding[];
}

/** Whether what a pod runs on says that it binds initdata otherwise. */
export function misfitOf(
  binding: Binding,
  { runtimeClass = "", machineType = "", cloud }: RunsOn,
): Misfit | undefined {
  const ofClass =
    bindingsOfClass(runtimeClass) ?? (WITHOUT_TEE.test(runtimeClass) ? (["sample"] as const) : undefined);
  const [by, fits] =
    ofClass !== undefined
      ? [`runtimeClassName ${runtimeClass}`, ofClass]
      : cloud !== undefined
        ? [`podCluster.cloud ${cloud}`, peerPodBindings[cloud]]
        : machineType.startsWith("Standard_")
          ? [`machineType ${machineType}`, peerPodBindings.azure]
          : ["", undefined];
  return fits === undefined || fits.includes(binding) ? undefined : { by, fits };
}

/** The bindings that fit, in words. */
export function fitWords({ fits }: Misfit): string {
  const last = fits.at(-1);
  if (last === undefined) return "none of the bindings";
  return fits.length === 1 ? last : `${fits.slice(0, -1).join(", ")} or ${last}`;
}
