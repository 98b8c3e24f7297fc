/** What marks an object as made by this project: only such a one is ever overwritten or deleted. */
export const ownerLabels = { "app.kubernetes.io/managed-by": "trustee-access" } as const;

/** The annotation that names the stack an object belongs to, `organization/project/stack`. */
export const STACK_ANNOTATION = "trustee-access/stack";

export function ownerAnnotations(stack: string): Readonly<Record<string, string>> {
  return { [STACK_ANNOTATION]: stack };
}
