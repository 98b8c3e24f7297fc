import { readRules } from "../../../core/policy/intact.ts";
import { isRecord } from "../../../core/records.ts";
import type { KbsProblem } from "./kbs-answer.ts";
import { policyDeny } from "./kbs-answer.ts";
import { evaluate, type RegoError } from "./rego.ts";
import { beyondLimits, type EngineMessage, located, missingImport, regorusMessage } from "./regorus.ts";
import type { KbsVersion } from "./token.ts";

/** A request to evaluate the policy. */
export interface PolicyQuestion {
  readonly version: KbsVersion;
  readonly opa: string;
  /** The deployed policy; undefined if the file does not exist; "folder" if it is a folder. */
  readonly policy: Buffer | "folder" | undefined;
  readonly claims: unknown;
  /** Repository, type and tag. */
  readonly path: readonly string[];
}

/** Why the policy denies the request, and the additional log of the KBS. */
export interface Verdict {
  /** Undefined if the policy allows the request. */
  readonly problem: KbsProblem | undefined;
  readonly warning?: string;
  /** Output of the engine, which is not in the log's format. */
  readonly printed?: string;
}

/** Evaluates the resource policy. The reported problem depends on the version. */
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
    input: readRules(text)?.intact === true ? withoutTimes(claims) : claims,
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

/** A policy of this project does not read when a token was issued: all tokens of a pod are one question for OPA. */
function withoutTimes(claims: unknown): unknown {
  return isRecord(claims) ? { ...claims, iat: 0, exp: 0 } : claims;
}

const folderCause = "failed to read the file: Is a directory (os error 21)";

/** The problem of v0.21. In older versions this cannot happen, because the folder is the mount. */
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

/** Up to v0.18 the client learns only that the engine failed. */
function engineProblem(version: KbsVersion, during: "load" | "eval", message: EngineMessage): KbsProblem {
  if (version !== "v0.21") {
    const cause =
      during === "load" ? "PolicyLoadError" : `EvaluationError(${located("policy", "error", message)})`;
    return olderProblem(cause);
  }
  const where = located("", "error", message);
  const kind = during === "load" ? "LoadPolicyFailed" : "EvalPolicyFailed";
  return {
    name: "PolicyEngineError",
    detail: `Policy engine error: Failed to ${during} policy: ${where}`,
    debug: `PolicyEngineError(${kind}(${where}))`,
  };
}

function olderProblem(cause: string): KbsProblem {
  return { name: "PolicyEngine", detail: "Policy engine error", debug: `PolicyEngine(${cause})` };
}

/** The verdict if `allow` is neither true nor false. */
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
