import { isStuck, isUnmounted } from "../core/rollout/stuck.ts";
import type { RolloutView } from "../core/rollout/decide.ts";
import type { Explanation } from "./rollout-explain.ts";

/** Looks for what holds a rollout up, once for each state in which nothing moves any more. */
export class StuckWatch {
  readonly #explain: () => Promise<Explanation>;
  #explanation: Explanation | undefined;

  constructor(explain: () => Promise<Explanation>) {
    this.#explain = explain;
  }

  /** `undefined`: it may still be going on. */
  async look(view: RolloutView): Promise<Explanation | undefined> {
    if (!isStuck(view) && !isUnmounted(view)) this.#explanation = undefined;
    else this.#explanation ??= await this.#explain();
    return this.#explanation;
  }
}

/** The first reason, for a line that says what is waited for. */
export function heldBy(explanation: Explanation | undefined): string {
  const [reason] = explanation === undefined ? [] : [...explanation.files, ...explanation.others];
  return reason === undefined ? "" : `; ${reason}`;
}

/**
 * What is said where the KBS does not start with what was there before the stack: there is nothing to wait for, and nothing of
 * the stack's left to undo.
 */
export function restoredUnstartable(
  { namespace, deployment }: { readonly namespace: string; readonly deployment: string },
  files: readonly string[],
): string {
  return [
    `The KBS of Deployment "${deployment}" in namespace "${namespace}" does not start with what is there, now that ` +
      "everything is as it was before this stack:",
    ...files.map((file) => `  - ${file}`),
    "Nothing of this stack is left there, so this does not wait. To bring the KBS up, put there what is missing: " +
      `kubectl edit configmap -n ${namespace}`,
  ].join("\n");
}
