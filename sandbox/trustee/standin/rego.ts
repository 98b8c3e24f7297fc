import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { execa } from "execa";
import { sha256Hex } from "../../../core/digest.ts";
import { regoCapabilities } from "../../../core/rego/capabilities.ts";
import { parseOpaOutput } from "../../../core/rego/opa-output.ts";

interface Question {
  readonly policy: string;
  /** For example "data.policy.allow". */
  readonly query: string;
  readonly input: unknown;
  readonly data: Readonly<Record<string, unknown>>;
  /** The syntax for a policy without imports. */
  readonly syntax: "v0" | "v1";
}

/** An error of the engine. Rows count from 1; row 0 means that the position is unknown. */
export interface RegoError {
  readonly message: string;
  readonly during: "load" | "eval";
  readonly row: number;
  readonly col: number;
}

/** The value of the query, which may be undefined, or an error. */
type Evaluation = { readonly value: unknown } | { readonly error: RegoError };

/** What OPA has answered. The engine has no clock and nothing random: the same question has the same answer. */
const answers = new Map<string, Evaluation>();
const MOST_ANSWERS = 1_000;

/**
 * Evaluates a policy with the OPA program, limited to the functions of Trustee's engine. As in that engine,
 * an error in a builtin ends the evaluation.
 */
export async function evaluate(opa: string, question: Question): Promise<Evaluation> {
  const key = sha256Hex(JSON.stringify(question));
  const known = answers.get(key);
  if (known !== undefined) return known;
  const { stdout, stderr } = await ask(opa, question);
  const output = parseOpaOutput(stdout);
  if (output === undefined) {
    const message = `the policy engine gave no answer: ${stderr.slice(0, 500)}`;
    return { error: { message, during: "eval", row: 0, col: 0 } };
  }
  const answer = evaluation(output);
  if (answers.size >= MOST_ANSWERS) answers.clear();
  answers.set(key, answer);
  return answer;
}

async function ask(
  opa: string,
  question: Question,
): Promise<{ readonly stdout: string; readonly stderr: string }> {
  const folder = await mkdtemp(join(tmpdir(), "trustee-access-rego-"));
  try {
    const [policy, data] = [join(folder, "policy.rego"), join(folder, "data.json")];
    const capabilities = join(folder, "capabilities.json");
    await Promise.all([
      writeFile(policy, question.policy),
      writeFile(data, JSON.stringify(question.data)),
      writeFile(capabilities, regoCapabilities),
    ]);
    const syntax = question.syntax === "v0" ? ["--v0-compatible"] : [];
    return await execa(
      opa,
      [
        "eval",
        "--format=json",
        "--strict-builtin-errors",
        "--capabilities",
        capabilities,
        ...syntax,
        "-I",
        "-d",
        policy,
        "-d",
        data,
        question.query,
      ],
      { env: {}, extendEnv: false, input: JSON.stringify(question.input), reject: false, timeout: 20_000 },
    );
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

function evaluation(output: NonNullable<ReturnType<typeof parseOpaOutput>>): Evaluation {
  const [error] = output.errors;
  if (error === undefined) return { value: output.value };
  const { message, code, location = { row: 0, col: 0 } } = error;
  return { error: { message, during: code.startsWith("eval_") ? "eval" : "load", ...location } };
}
