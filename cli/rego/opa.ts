import { constants } from "node:fs";
import { access, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { execa } from "execa";
import { z } from "zod";
import type { PolicyData } from "../../core/access/model.ts";
import { parseJson } from "../../core/json.ts";

/** Names the OPA program where it is not on PATH. */
export const OPA_VARIABLE = "TRUSTEE_ACCESS_OPA";

/** What to say where there is no OPA. */
export const OPA_HINT = `There is no opa on PATH. Install Open Policy Agent 1.0 or newer, or name the program in ${OPA_VARIABLE}.`;

async function isProgram(file: string): Promise<boolean> {
  return access(file, constants.X_OK).then(
    () => true,
    () => false,
  );
}

/** The OPA program: `$TRUSTEE_ACCESS_OPA`, else `opa` on PATH; `undefined` if there is none. */
export async function findOpa(environment: NodeJS.ProcessEnv = process.env): Promise<string | undefined> {
  const named = environment[OPA_VARIABLE];
  const folders = (environment["PATH"] ?? "").split(delimiter).filter((folder) => folder !== "");
  const candidates =
    named === undefined || named === "" ? folders.map((folder) => join(folder, "opa")) : [named];
  for (const file of candidates) if (await isProgram(file)) return file;
  return undefined;
}

/** What the KBS hands to the policy: `data["resource-path"]` and `data.plugin`, either of which may be missing, and `input`. */
export interface RegoRequest {
  readonly data: PolicyData;
  /** The token's claims. */
  readonly input: unknown;
}

/** What a policy without imports is read as: v0 up to KBS v0.16, v1 from v0.17 on. */
export type RegoSyntax = "v0" | "v1";

/**
 * `failed`: no answer, upon which Trustee's engine denies: the policy does not compile, or a builtin met a type that it
 * cannot take.
 */
export type RegoAnswer = boolean | { readonly failed: "policy" | "evaluation"; readonly message: string };

const outputSchema = z.object({
  result: z.array(z.object({ expressions: z.array(z.object({ value: z.unknown() })) })).default([]),
  errors: z.array(z.object({ message: z.string(), code: z.string().default("") })).default([]),
});

/**
 * Asks requests that all have a path, or all have none, and likewise a plugin: `with` can replace a document, not remove
 * it. Each replacement stands in a variable of its own, since OPA takes a reference into a variable there for undefined.
 */
function queryFor({ data }: RegoRequest): string {
  const replaced: readonly (readonly [string, string])[] = [
    ["input", "asked.input"],
    ...(Object.hasOwn(data, "resource-path")
      ? [[`data["resource-path"]`, `asked.data["resource-path"]`] as const]
      : []),
    ...(Object.hasOwn(data, "plugin") ? [["data.plugin", "asked.data.plugin"] as const] : []),
  ];
  const variables = replaced.map(([, value], at) => `v${at} := ${value}`).join("; ");
  const withs = replaced.map(([document], at) => `with ${document} as v${at}`).join(" ");
  return `{i: allowed | asked := input.requests[i]; ${variables}; allowed := data.policy.allow ${withs}}`;
}

/** One run of OPA. An error ends it, so that it is the answer to all of the requests. */
async function run(
  opa: string,
  policy: string,
  syntax: RegoSyntax,
  requests: readonly RegoRequest[],
): Promise<readonly RegoAnswer[]> {
  const [first] = requests;
  if (first === undefined) return [];
  const flags = ["--format=json", "--strict-builtin-errors", ...(syntax === "v0" ? ["--v0-compatible"] : [])];
  const { stdout, stderr } = await execa(opa, ["eval", ...flags, "-I", "-d", policy, queryFor(first)], {
    input: JSON.stringify({ requests }),
    reject: false,
    timeout: 60_000,
  });
  const output = outputSchema.safeParse(parseJson(stdout));
  if (!output.success) throw new Error(`OPA gave no answer: ${stderr.trim().slice(0, 500)}`);
  const { errors, result } = output.data;
  if (errors.length > 0) {
    const failed = errors.some(({ code }) => code.startsWith("rego_")) ? "policy" : "evaluation";
    const message = [...new Set(errors.map((error) => error.message))].join("; ");
    return requests.map(() => ({ failed, message }));
  }
  const answers = result[0]?.expressions[0]?.value as Readonly<Record<string, unknown>> | undefined;
  return requests.map((_, index) => answers?.[index] === true);
}

/** Where one request of many fails, halves tell which. */
async function runApart(
  opa: string,
  policy: string,
  syntax: RegoSyntax,
  requests: readonly RegoRequest[],
): Promise<readonly RegoAnswer[]> {
  const answers = await run(opa, policy, syntax, requests);
  const [answer] = answers;
  if (requests.length < 2 || typeof answer !== "object" || answer.failed === "policy") return answers;
  const half = Math.ceil(requests.length / 2);
  return [
    ...(await runApart(opa, policy, syntax, requests.slice(0, half))),
    ...(await runApart(opa, policy, syntax, requests.slice(half))),
  ];
}

/** What has to stand apart in a run: see {@link queryFor}; and paths of one type, since they fail together. */
function groupOf({ data }: RegoRequest): string {
  const path = data["resource-path"];
  const type = Array.isArray(path) ? "array" : path === null ? "null" : typeof path;
  return `${type} ${String(Object.hasOwn(data, "resource-path"))} ${String(Object.hasOwn(data, "plugin"))}`;
}

/**
 * What `data.policy.allow` comes to for each request, in their order. A builtin's error ends the evaluation, as in the
 * engine that Trustee ships (regorus), where OPA by itself would only say "undefined"; only `true` allows.
 * @param opa see {@link findOpa}
 */
export async function evaluateRego(
  opa: string,
  policy: string,
  syntax: RegoSyntax,
  requests: readonly RegoRequest[],
): Promise<readonly RegoAnswer[]> {
  const folder = await mkdtemp(join(tmpdir(), "trustee-access-rego-"));
  try {
    const file = join(folder, "policy.rego");
    await writeFile(file, policy);
    const answers = new Map<RegoRequest, RegoAnswer>();
    for (const group of Map.groupBy(requests, groupOf).values()) {
      const answered = await runApart(opa, file, syntax, group);
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
