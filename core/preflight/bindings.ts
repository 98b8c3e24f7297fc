import { fitWords, misfitOf } from "../initdata/tee.ts";
import type { Settings } from "../settings/settings.ts";
import { someOf } from "./images.ts";

/** TA108: a warning for the pods whose binding is not how that which they run on binds initdata. */
export function bindingWarnings({
  pods,
  podCluster: { cloud },
}: Pick<Settings, "pods" | "podCluster">): readonly string[] {
  const misfits = pods.flatMap(({ id, binding, runtimeClassName, machineType, deploy }, index) => {
    // Whoever deploys a pod elsewhere chooses its runtime class.
    const runtimeClass = deploy ? runtimeClassName : undefined;
    const misfit = misfitOf(binding, { runtimeClass, machineType, cloud });
    return misfit === undefined ? [] : [{ id, index, binding, misfit }];
  });
  const groups = Map.groupBy(misfits, ({ binding, misfit }) => `${binding} ${misfit.by}`);
  return [...groups.values()].map((group) => {
    const [first] = group;
    if (first === undefined) return "";
    const { index, binding, misfit } = first;
    const setting = misfit.by.split(" ")[0] ?? "";
    const set =
      misfit.fits.length === 0
        ? ""
        : `Set binding to ${fitWords(misfit)}, for each of them or in podDefaults, or correct`;
    return (
      `TA108 pods[${index}].binding: ${binding} (${someOf(group.map(({ id }) => id))}), where ${misfit.by} goes with ` +
      `${fitWords(misfit)}: what the TEE claims is not what is granted, so that every secret is denied. ` +
      `${set === "" ? "Correct" : set} ${setting}.`
    );
  });
}
