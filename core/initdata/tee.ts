import type { Binding } from "./binding.ts";

/** The clouds whose peer pods are virtual machines that get their initdata as user data. */
export const clouds = ["azure", "aws", "libvirt"] as const;
export type Cloud = (typeof clouds)[number];

/**
 * The bindings of a runtime class, by its name in Kata Containers and its operators. `undefined`: the name
 * does not show it. Empty: a TEE without a binding here.
 * @see
 *   https://github.com/kata-containers/kata-containers/blob/main/tools/packaging/kata-deploy/runtimeclasses
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

/** Runtime classes of Kata Containers without a TEE: at most the sample attester runs there. */
const WITHOUT_TEE = /^kata(?:-(?:qemu|clh|fc|dragonball|stratovirt))?(?:-nvidia-gpu)?(?:-runtime-rs)?$/;

/** The bindings of each cloud's peer pod VMs. On Azure only a vTPM. Any cloud may be used for development. */
const peerPodBindings: Readonly<Record<Cloud, readonly Binding[]>> = {
  azure: ["azure-vtpm", "sample"],
  aws: ["snp", "sample"],
  libvirt: ["snp", "tdx", "sample"],
};

/** What a pod runs on. */
interface RunsOn {
  readonly runtimeClass?: string | undefined;
  readonly machineType?: string | undefined;
  /** The cloud of the peer pods, if set. */
  readonly cloud?: Cloud | undefined;
}

/** Why a pod cannot have its binding. */
export interface Misfit {
  /** The setting that contradicts it, for example `runtimeClassName kata-qemu-snp`. */
  readonly by: string;
  /** The bindings that fit; may be empty. */
  readonly fits: readonly Binding[];
}

/** The contradiction between a binding and what the pod runs on, if any. */
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

export function fitWords({ fits }: Misfit): string {
  const last = fits.at(-1);
  if (last === undefined) return "none of the bindings";
  return fits.length === 1 ? last : `${fits.slice(0, -1).join(", ")} or ${last}`;
}
