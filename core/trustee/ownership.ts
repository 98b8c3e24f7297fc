import type { StackId } from "../policy/grants.ts";
import { idOf, isNamesake, isOneStack, isSameStack, type Who } from "../policy/identity.ts";
import { own } from "../records.ts";

/** The labels of objects that this project created. No other object is overwritten or deleted. */
export const ownerLabels = { "app.kubernetes.io/managed-by": "trustee-access" } as const;

/** The annotation with the object's stack, `organization/project/stack`. */
export const STACK_ANNOTATION = "trustee-access/stack";

/** The annotation with the stack's identity, which distinguishes it from a namesake. */
const IDENTITY_ANNOTATION = "trustee-access/identity";

/** The annotation of a Secret that stays when its stack gives it up. */
export const KEEP_ANNOTATION = "trustee-access/keep";

/**
 * Pulumi's Kubernetes provider uses server-side apply, which rejects fields that another tool changed. An
 * object that this stack created is the stack's: `up` restores the declared state.
 */
const PATCH_FORCE = "pulumi.com/patchForce";

/** The annotations with which a stack marks its objects. */
export function ownerAnnotations(who: Who): Readonly<Record<string, string>> {
  const { stack, identity } = idOf(who);
  return {
    [STACK_ANNOTATION]: stack,
    ...(identity === undefined ? {} : { [IDENTITY_ANNOTATION]: identity }),
    [PATCH_FORCE]: "true",
  };
}

/** The stack in the mark; `undefined` without a mark. */
export function markOf(annotations: Readonly<Record<string, string>> = {}): StackId | undefined {
  const stack = annotations[STACK_ANNOTATION];
  return stack === undefined ? undefined : { stack, identity: annotations[IDENTITY_ANNOTATION] };
}

/** What says who created an object. */
interface Marked {
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
}

/** Whether that stack, or one of the same name that it may have taken over, created an object. */
export function isMadeUnderName(own: StackId, { labels, annotations }: Marked): boolean {
  const mark = markOf(annotations);
  return isLabelled(labels) && mark !== undefined && isOneStack(mark, own);
}

/** Whether that stack created an object, by labels and annotations. */
export function isMadeBy(own: StackId, object: Marked): boolean {
  const mark = markOf(object.annotations);
  return isLabelled(object.labels) && mark !== undefined && isSameStack(mark, own) && !isNamesake(mark, own);
}

/** Whether this project created an object, for any stack, by its labels. */
export function isLabelled(labels: Readonly<Record<string, string>> = {}): boolean {
  return Object.entries(ownerLabels).every(([label, value]) => own(labels, label) === value);
}
