import type { KbsProblem } from "./kbs-answer.ts";
import { policyDeny } from "./kbs-answer.ts";
import { evaluate, type RegoError } from "./rego.ts";
import { beyondLimits, type EngineMessage, located, missingImport, regorusMessage } from "./regorus.ts";
import type { KbsVersion } from "./token.ts";

/** A request, as the policy is asked it. */
export interface PolicyQuestion {
  readonly version: KbsVersion;
  readonly opa: string;
  /** The deployed policy; undefined: there is no such file; "folder": there is a folder in its place. */
  readonly policy: Buffer | "folder" | undefined;
  readonly claims: unknown;
  /** Repository, type and tag. */
  readonly path: readonly string[];
}

/** Why the policy does not allow the request (undefined: it does), and what else the KBS then logs. */
export interface Verdict {
  readonly problem: KbsProblem | undefined;
  readonly warning?: string;
  /** What the engine prints by itself, outside of the log's form. */
  readonly printed?: string;
}

/** The resource policy's decision, with the problem that each version makes of it. */
export async function askPolicy(question: PolicyQuestion): Promise<Verdict> {
  const { version, opa, policy, claims, path } = question;
  if (policy === undefined) return { problem: policyDeny };
  if (policy === "folder") return { problem: folderProblem };
  const text = policy.toString("utf8");
  const limit = beyondLimits(version, text);
  if (limit !== undefined) return { problem: engineProblem(version, "load", limit) };
  const evaluation = await evaluate(opa, {
    policy: text,
    query: "data.policy.allow",
    input: claims,
    data:
      version === "v0.16"
        ? { "resource-path": `resource/${path.join("/")}` }
        : { "resource-path": path, plugin: "resource" },
    syntax: version === "v0.16" ? "v0" : "v1",
  });
  if ("error" in evaluation) return failed(version, evaluation.error, text, path);
  if (evaluation.value === true) return { problem: undefined };
  if (evaluation.value === false) return { problem: policyDeny };
  return noBoolean(version, evaluation.value, text);
}

const folderCause = "failed to read the file: Is a directory (os error 21)";

/** As v0.21 has it; in the older ones the folder is the mount itself. */
const folderProblem: KbsProblem = {
  name: "PolicyEngineError",
  detail: `Policy engine error: policy storage error: failed to get key \`resource-policy.rego\`: ${folderCause}`,
  debug: `PolicyEngineError(PolicyStorageError(GetKeyFailed { source: ${folderCause}, key: "resource-policy.rego" }))`,
};

function failed(version: KbsVersion, error: RegoError, policy: string, path: readonly string[]): Verdict {
  const problem = engineProblem(version, error.during, regorusMessage(error, policy, path));
  const warned = version === "v0.16" ? missingImport(policy) : undefined;
  return { problem, ...(warned && { printed: located("policy", "warning", warned) }) };
}

/** Up to v0.18 the client is not told more than that it is the engine. */
function engineProblem(version: KbsVersion, during: "load" | "eval", message: EngineMessage): KbsProblem {
  if (version !== "v0.21") {
    const cause =
      during === "load" ? "PolicyLoadError" : `EvaluationError(${located("policy", "error", message)})`;
    return olderProblem(cause);
  }
  const told = located("", "error", message);
  const kind = during === "load" ? "LoadPolicyFailed" : "EvalPolicyFailed";
  return {
    name: "PolicyEngineError",
    detail: `Policy engine error: Failed to ${during} policy: ${told}`,
    debug: `PolicyEngineError(${kind}(${told}))`,
  };
}

function olderProblem(cause: string): KbsProblem {
  return { name: "PolicyEngine", detail: "Policy engine error", debug: `PolicyEngine(${cause})` };
}

/** Where `allow` is neither true nor false. */
function noBoolean(version: KbsVersion, value: unknown, policy: string): Verdict {
  if (version !== "v0.21") {
    const cause = value === undefined ? "query did not produce any values" : "not a bool";
    return { problem: olderProblem(`EvaluationError(${cause})`) };
  }
  const isDefined =
    /^\s*package\s+policy(?![\w.])/m.test(policy) && /^\s*(?:default\s+)?allow\b/m.test(policy);
  const warning = isDefined
    ? "`data.policy.allow` rule result is not a boolean, use false as default"
    : "The KBS Resource Policy does not define the `data.policy.allow` rule, use false as default";
  return { problem: policyDeny, warning };
}
