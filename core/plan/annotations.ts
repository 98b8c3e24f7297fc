import { INITDATA_ANNOTATION, MACHINE_TYPE_ANNOTATION } from "../initdata/annotation.ts";
import type { PlannedPod } from "./pod.ts";

/** Every annotation of a pod, or of the template of its controller. */
export function podAnnotations({ declaration, annotation }: PlannedPod): Readonly<Record<string, string>> {
  const { annotations, machineType } = declaration;
  return {
    ...annotations,
    ...(machineType === undefined ? {} : { [MACHINE_TYPE_ANNOTATION]: machineType }),
    [INITDATA_ANNOTATION]: annotation,
  };
}
