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
