import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { PolicyData } from "../../core/access/model.ts";
import type { PolicyAnswer, RegoSyntax } from "../audit/facts.ts";
import { askResourcePolicy } from "./batch.ts";
import type { RegoPolicy } from "./opa.ts";

/** A request to the policy: `data["resource-path"]` and `data.plugin`, which may be missing, and `input`. */
export interface RegoRequest {
  readonly data: PolicyData;
  /** The token's claims. */
  readonly input: unknown;
}

/** An error ends a run for all of its requests, so the failing ones are found by halving. */
async function askApart(
  policy: RegoPolicy,
  requests: readonly RegoRequest[],
): Promise<readonly PolicyAnswer[]> {
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

/** Requests with paths of the same type usually fail together. */
function groupOf({ data }: RegoRequest): string {
  const path = data["resource-path"];
  const type = Array.isArray(path) ? "array" : path === null ? "null" : typeof path;
  return `${type} ${String(Object.hasOwn(data, "resource-path"))}`;
}

/**
 * Evaluates `data.policy.allow` for each request; only `true` allows. As in Trustee's engine (regorus), a
 * builtin's error ends the evaluation. OPA's default would be "undefined".
 * @param opa the program
 */
export async function evaluateRego(
  opa: string,
  text: string,
  syntax: RegoSyntax,
  requests: readonly RegoRequest[],
): Promise<readonly PolicyAnswer[]> {
  const folder = await mkdtemp(join(tmpdir(), "trustee-access-rego-"));
  try {
    const file = join(folder, "policy.rego");
    await writeFile(file, text);
    const answers = new Map<RegoRequest, PolicyAnswer>();
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
