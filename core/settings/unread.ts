import type { Issue } from "../issues.ts";
import type { PodOptions, PodSettings } from "./pod-schema.ts";
import type { PodDeclaration } from "./pod.ts";
import type { SectionName } from "./schema.ts";
import { SECRET_VALUES, type SecretValueNames } from "./secret-values.ts";

/** Whether a pod's setting is known. It is not if `podDefaults`, which could supply it, failed to parse. */
export type IsKnown = (setting: keyof PodOptions) => boolean;

/** Settings that failed to parse. Nothing that depends on them is checked, so one typo gives one problem. */
export interface Unread {
  /** Sections that do not match their schema. They count as empty. */
  readonly failed: ReadonlySet<SectionName>;
  readonly knownOf: (pod: PodDeclaration) => IsKnown;
  /** Whether `secretValues` holds a value for the secret that could not be read. */
  readonly hasUnreadValues: (secret: string) => boolean;
}

export const everythingKnown: IsKnown = () => true;

/**
 * @param own the pods' own settings, in the same order as `pods`
 * @param known the problems found in `secretValues`
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
