import TOML from "@iarna/toml";
import { decodeAnnotation } from "./annotation.ts";
import { textAt } from "./guest-files.ts";

/**
 * The agent policy in an initdata annotation, if any.
 * @throws Error if the annotation is not initdata
 */
export function agentPolicyIn(annotation: string): string | undefined {
  return textAt(
    TOML.parse(Buffer.from(decodeAnnotation(annotation)).toString("utf8")),
    "data",
    "policy.rego",
  );
}
