import { own } from "../records.ts";

/** What marks an object as made by this project: only such a one is ever overwritten or deleted. */
export const ownerLabels = { "app.kubernetes.io/managed-by": "trustee-access" } as const;

/** The annotation that names the stack an object belongs to, `organization/project/stack`. */
export const STACK_ANNOTATION = "trustee-access/stack";

/**
 * Pulumi's Kubernetes provider writes by server-side apply, which refuses a field that somebody has changed with another tool. An
 * object that this stack made is the stack's: `up` puts it back to what is declared.
 */
const PATCH_FORCE = "pulumi.com/patchForce";

/** What a stack marks its objects with. */
export function ownerAnnotations(stack: string): Readonly<Record<string, string>> {
  return { [STACK_ANNOTATION]: stack, [PATCH_FORCE]: "true" };
}

/** Whether an object, by its labels and annotations, was made by that stack: `organization/project/stack`. */
export function isMadeBy(
  stack: string,
  {
    labels = {},
    annotations = {},
  }: {
    readonly labels?: Readonly<Record<string, string>>;
    readonly annotations?: Readonly<Record<string, string>>;
  },
): boolean {
  return isLabelled(labels) && annotations[STACK_ANNOTATION] === stack;
}

/** Whether labels say that this project has made their object, for whatever stack. */
export function isLabelled(labels: Readonly<Record<string, string>> = {}): boolean {
  return Object.entries(ownerLabels).every(([label, value]) => own(labels, label) === value);
}
