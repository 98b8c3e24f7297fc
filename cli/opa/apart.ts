import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { PolicyData } from "../../core/access/model.ts";
import { askResourcePolicy } from "./batch.ts";
import type { RegoPolicy, RegoSyntax } from "./opa.ts";

/** What the KBS hands to the policy: `data["resource-path"]` and `data.plugin`, either of which may be missing, and `input`. */
export interface RegoRequest {
  readonly data: PolicyData;
  /** The token's claims. */
  readonly input: unknown;
}

/**
 * `failed`: no answer, upon which Trustee's engine denies: the policy does not compile, or a builtin met a type that it
 * cannot take.
 */
export type RegoAnswer = boolean | { readonly failed: "policy" | "evaluation"; readonly message: string };

/** An error ends a run, so that it is the answer to all of its requests; where there are many, halves tell which. */
async function askApart(
  policy: RegoPolicy,
  requests: readonly RegoRequest[],
): Promise<readonly RegoAnswer[]> {
  const asked = requests.map(({ data, input }) => ({ data, token: input }));
  const answers = await askResourcePolicy(policy, asked, true);
  if (answers.kind === "answered") return answers.allowed;
  if (answers.kind === "no-policy" || requests.length < 2) {
    const failed = answers.kind === "no-policy" ? "policy" : "evaluation";
    return requests.map(() => ({ failed, message: answers.message }));
  }
  const half = Math.ceil(requests.length / 2);
  return [
    ...(await askApart(policy, requests.slice(0, half))),
    ...(await askApart(policy, requests.slice(half))),
  ];
}

/** Requests whose paths are of one type fail together. */
function groupOf({ data }: RegoRequest): string {
  const path = data["resource-path"];
  const type = Array.isArray(path) ? "array" : path === null ? "null" : typeof path;
  return `${type} ${String(Object.hasOwn(data, "resource-path"))}`;
}

/**
 * What `data.policy.allow` comes to for each request, in their order, and for which of them there is no answer. A builtin's error
 * ends the evaluation, as in the engine that Trustee ships (regorus), where OPA by itself would only say "undefined"; only `true`
 * allows.
 * @param opa the program
 */
export async function evaluateRego(
  opa: string,
  text: string,
  syntax: RegoSyntax,
  requests: readonly RegoRequest[],
): Promise<readonly RegoAnswer[]> {
  const folder = await mkdtemp(join(tmpdir(), "trustee-access-rego-"));
  try {
    const file = join(folder, "policy.rego");
    await writeFile(file, text);
    const answers = new Map<RegoRequest, RegoAnswer>();
    for (const group of Map.groupBy(requests, groupOf).values()) {
      const answered = await askApart({ opa, file, syntax }, group);
      for (const [index, answer] of answered.entries()) {
        const request = group[index];
        if (request !== undefined) answers.set(request, answer);
      }
    }
    return requests.map((request) => answers.get(request) ?? false);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
