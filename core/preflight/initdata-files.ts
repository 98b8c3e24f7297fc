import type { InitdataFacts } from "../initdata/verbatim.ts";
import type { Plan } from "../plan/plan.ts";

/** An initdata file of the user's, which is taken as it is. */
export interface InitdataFile {
  /** The pod or reader that it is of, as grants call it. */
  readonly id: string;
  /** Where it is named in the settings. */
  readonly path: string;
  readonly facts: InitdataFacts;
}

/** The initdata files of pods, and of readers that are deployed elsewhere. */
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
