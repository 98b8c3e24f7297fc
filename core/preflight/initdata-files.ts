import type { InitdataFacts } from "../initdata/verbatim.ts";
import type { Plan } from "../plan/plan.ts";

/** A user's initdata file, used as it is. */
export interface InitdataFile {
  /** The pod or reader that uses it, as grants name it. */
  readonly id: string;
  /** Its path in the settings. */
  readonly path: string;
  readonly facts: InitdataFacts;
}

/** The initdata files of pods and readers. */
export function initdataFiles({ pods, readers }: Pick<Plan, "pods" | "readers">): readonly InitdataFile[] {
  return [
    ...pods.flatMap(({ declaration: { id }, facts }, index) =>
      facts === undefined ? [] : [{ id, path: `pods[${index}].initdataFile`, facts }],
    ),
    ...readers.flatMap(({ id, path, facts }) =>
      facts === undefined ? [] : [{ id, path: `${path}.initdataFile`, facts }],
    ),
  ];
}
