import type { Generation } from "../../core/trustee/generation.ts";

/** The sandbox that these tests have for a generation of Trustee. */
export function sandboxName(generation: Generation): string {
  return `provider-test-${generation.replace(".", "-")}`;
}
