import { given } from "../issues.ts";
import type { PodDeclaration } from "./pod.ts";
import type { SecretSettings } from "./schema.ts";

/** Names as a message lists them; an odd one is quoted, so that it cannot pass for something else. */
export function listed(names: readonly string[]): string {
  if (names.length === 0) return "nothing, since none is declared";
  return [...new Set(names)].map((name) => (/^[\w./-]+$/.test(name) ? name : given(name))).join(", ");
}

/** The pods that a reference means: by `namespace/name`, or by the name alone, wherever it is. */
export function podsMeant(pods: readonly PodDeclaration[], reference: string): readonly PodDeclaration[] {
  const exact = pods.filter((pod) => pod.id === reference || `${pod.namespace}/${pod.name}` === reference);
  return exact.length > 0 ? exact : pods.filter((pod) => pod.name === reference);
}

/** Whether the stack makes the Secret. */
export function isCreated(secret: Pick<SecretSettings, "from">): boolean {
  return secret.from !== "existing";
}
