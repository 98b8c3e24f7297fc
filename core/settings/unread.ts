import type { Issue } from "../issues.ts";
import type { PodOptions, PodSettings } from "./pod-schema.ts";
import type { PodDeclaration } from "./pod.ts";
import type { SectionName } from "./schema.ts";
import { SECRET_VALUES, type SecretValueNames } from "./secret-values.ts";

/** Whether it is known what a pod's setting is: it is not, where it may stand in a `podDefaults` that has not its shape. */
export type IsKnown = (setting: keyof PodOptions) => boolean;

/** What cannot be known, so that nothing is said of what follows from it: one typo is one problem. */
export interface Unread {
  /** Sections that have not their shape, and count as empty. */
  readonly failed: ReadonlySet<SectionName>;
  readonly knownOf: (pod: PodDeclaration) => IsKnown;
  /** Whether `secretValues` holds something for a secret that could not be read. */
  readonly hasUnreadValues: (secret: string) => boolean;
}

export const everythingKnown: IsKnown = () => true;

/**
 * @param own the pods' own settings, in the order of the declarations that were made of them
 * @param known what was found to be wrong with `secretValues` while it was read
 */
export function unreadOf(
  failed: ReadonlySet<SectionName>,
  pods: readonly PodDeclaration[],
  own: readonly PodSettings[],
  { values, known }: { readonly values: SecretValueNames; readonly known: readonly Issue[] },
): Unread {
  const paths = new Set(known.map(({ path }) => path));
  const isNothingRead = paths.has(SECRET_VALUES) && Object.keys(values).length === 0;
  const settings = new Map(pods.map((pod, index) => [pod, own[index]]));
  return {
    failed,
    knownOf: failed.has("podDefaults")
      ? (pod) => (setting) => settings.get(pod)?.[setting] !== undefined
      : () => everythingKnown,
    hasUnreadValues: (secret) => isNothingRead || paths.has(`${SECRET_VALUES}.${secret}`),
  };
}
