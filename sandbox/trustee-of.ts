import { sandboxFolder } from "./state/folders.ts";
import { conditionOf, readRunState } from "./state/run-state.ts";

function runs(name: string): boolean {
  const state = readRunState(sandboxFolder(name));
  return state !== undefined && conditionOf(state) === "running";
}

/**
 * Whether the guests of the sandbox `name` can attest with the Trustee of the sandbox `other`.
 * @throws Error if they cannot
 */
export function checkTrusteeOf(name: string, other: string): void {
  if (other === name) {
    throw new Error(
      `The pods of the sandbox "${name}" attest with its own Trustee anyway: leave --trustee-of out, or name another sandbox.`,
    );
  }
  if (runs(other)) return;
  throw new Error(
    `The sandbox "${other}", whose Trustee the pods of "${name}" are to attest with, does not run. Start it first: npm run sandbox -- up --name ${other}`,
  );
}

/** Whose Trustee the guests of a sandbox attest with, in the user's words. */
export function describeTrusteeOf(other: string): string {
  return `the Trustee of the sandbox "${other}"${runs(other) ? "" : ", which does not run"}`;
}
