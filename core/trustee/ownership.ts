import type { StackId } from "../policy/grants.ts";
import { idOf, isNamesake, isSameStack, type Who } from "../policy/identity.ts";
import { own } from "../records.ts";

/** What marks an object as made by this project: only such a one is ever overwritten or deleted. */
export const ownerLabels = { "app.kubernetes.io/managed-by": "trustee-access" } as const;

/** The annotation that names the stack an object belongs to, `organization/project/stack`. */
export const STACK_ANNOTATION = "trustee-access/stack";

/** The annotation that tells it from another stack of that name: what only its state knows. */
export const IDENTITY_ANNOTATION = "trustee-access/identity";

/** The annotation of a Secret that its stack leaves where it is when it gives it up. */
export const KEEP_ANNOTATION = "trustee-access/keep";

/**
 * Pulumi's Kubernetes provider writes by server-side apply, which refuses a field that somebody has changed with another tool. An
 * object that this stack made is the stack's: `up` puts it back to what is declared.
 */
const PATCH_FORCE = "pulumi.com/patchForce";

/** What a stack marks its objects with. */
export function ownerAnnotations(who: Who): Readonly<Record<string, string>> {
  const { stack, identity } = idOf(who);
  return {
    [STACK_ANNOTATION]: stack,
    ...(identity === undefined ? {} : { [IDENTITY_ANNOTATION]: identity }),
    [PATCH_FORCE]: "true",
  };
}

/** Whose mark annotations are; `undefined`: nobody's. */
export function markOf(annotations: Readonly<Record<string, string>> = {}): StackId | undefined {
  const stack = annotations[STACK_ANNOTATION];
  return stack === undefined ? undefined : { stack, identity: annotations[IDENTITY_ANNOTATION] };
}

/** Whether an object, by its labels and annotations, was made by that stack. */
export function isMadeBy(
  own: StackId,
  object: {
    readonly labels?: Readonly<Record<string, string>>;
    readonly annotations?: Readonly<Record<string, string>>;
  },
): boolean {
  const mark = markOf(object.annotations);
  return isLabelled(object.labels) && mark !== undefined && isSameStack(mark, own) && !isNamesake(mark, own);
}

/** Whether labels say that this project has made their object, for whatever stack. */
export function isLabelled(labels: Readonly<Record<string, string>> = {}): boolean {
  return Object.entries(ownerLabels).every(([label, value]) => own(labels, label) === value);
}
