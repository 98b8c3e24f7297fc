import { given } from "../issues.ts";
import type { PodDeclaration } from "./pod.ts";
import type { SecretSettings } from "./schema.ts";

/** Names as a list in a message. Unusual names are quoted, so that none passes for something else. */
export function listed(names: readonly string[]): string {
  if (names.length === 0) return "nothing, since none is declared";
  return [...new Set(names)].map((name) => (/^[\w./-]+$/.test(name) ? name : given(name))).join(", ");
}

type Pods = readonly PodDeclaration[];

/** An index per list of pods: every grant looks up a pod. */
const indexes = new WeakMap<
  Pods,
  { readonly exact: Map<string, Pods>; readonly byName: Map<string, Pods> }
>();

function indexOf(pods: Pods): { readonly exact: Map<string, Pods>; readonly byName: Map<string, Pods> } {
  const known = indexes.get(pods);
  if (known !== undefined) return known;
  const spelled = pods.flatMap((pod) =>
    [...new Set([pod.id, `${pod.namespace}/${pod.name}`])].map((reference) => ({ reference, pod })),
  );
  const exact = new Map<string, Pods>();
  for (const [reference, group] of Map.groupBy(spelled, (one) => one.reference)) {
    exact.set(
      reference,
      group.map(({ pod }) => pod),
    );
  }
  const made = { exact, byName: Map.groupBy(pods, ({ name }) => name) as Map<string, Pods> };
  indexes.set(pods, made);
  return made;
}

/** The pods that a reference means: `namespace/name`, or a name in any namespace. */
export function podsMeant(pods: Pods, reference: string): Pods {
  const { exact, byName } = indexOf(pods);
  return exact.get(reference) ?? byName.get(reference) ?? [];
}

/** Whether the stack creates the Secret. */
export function isCreated(secret: Pick<SecretSettings, "from">): boolean {
  return secret.from !== "existing";
}
