import { INITDATA_ANNOTATION, MACHINE_TYPE_ANNOTATION } from "../initdata/annotation.ts";
import type { PlannedPod } from "./pod.ts";

/** All annotations of a pod, or of its controller's template. */
export function podAnnotations({ declaration, annotation }: PlannedPod): Readonly<Record<string, string>> {
  const { annotations, machineType } = declaration;
  return {
    ...annotations,
    ...(machineType === undefined ? {} : { [MACHINE_TYPE_ANNOTATION]: machineType }),
    [INITDATA_ANNOTATION]: annotation,
  };
}
