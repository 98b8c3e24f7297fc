import { isStuck, isUnmounted } from "../core/rollout/stuck.ts";
import type { RolloutView } from "../core/rollout/decide.ts";
import type { Explanation } from "./rollout-explain.ts";

/** Explains a stalled rollout, once per stall. */
export class StuckWatch {
  readonly #explain: () => Promise<Explanation>;
  #explanation: Explanation | undefined;

  constructor(explain: () => Promise<Explanation>) {
    this.#explain = explain;
  }

  /** @returns `undefined` while the rollout may still progress */
  async check(view: RolloutView): Promise<Explanation | undefined> {
    if (!isStuck(view) && !isUnmounted(view)) this.#explanation = undefined;
    else this.#explanation ??= await this.#explain();
    return this.#explanation;
  }
}

/** The first reason, as the end of a status line. */
export function heldBy(explanation: Explanation | undefined): string {
  const [reason] = explanation === undefined ? [] : [...explanation.files, ...explanation.others];
  return reason === undefined ? "" : `; ${reason}`;
}

/**
 * The warning if the KBS cannot start with the restored content. Nothing of the stack is left to undo, so
 * waiting would not help.
 */
export function restoredUnstartable(
  { namespace, deployment }: { readonly namespace: string; readonly deployment: string },
  files: readonly string[],
): string {
  return [
    `The KBS of Deployment "${deployment}" in namespace "${namespace}" cannot start with the content from before ` +
      "this stack, which was restored:",
    ...files.map((file) => `  - ${file}`),
    "Nothing of this stack is left, so destroy does not wait. To start the KBS, add what is missing: " +
      `kubectl edit configmap -n ${namespace}`,
  ].join("\n");
}
