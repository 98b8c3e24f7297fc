import { constants } from "node:fs";
import { access, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { execa } from "execa";
import type { RegoSyntax } from "../audit/facts.ts";
import { changingFunctions, regoCapabilities } from "../../core/rego/capabilities.ts";
import { defined } from "../../core/records.ts";
import { UserError } from "../../core/issues.ts";
import { parseOpaOutput, type OpaOutput } from "../../core/rego/opa-output.ts";

/** Names the OPA program if it is not on PATH. */
const OPA_VARIABLE = "TRUSTEE_ACCESS_OPA";

/** OPA 1.0 and later can read both syntaxes. */
const OLDEST_MAJOR = 1;

const NEEDED = `Install Open Policy Agent ${OLDEST_MAJOR}.0 or newer, or name the program in ${OPA_VARIABLE}.`;

/** The OPA program, or why there is none and what to do. */
export type FoundOpa = { readonly program: string } | { readonly reason: string };

/**
 * OPA gets none of our environment variables: they may contain tokens, and the policy may be foreign. It
 * collects garbage less often: a large run takes 15 % less time and 50 MB more.
 */
const apart = { env: { GOGC: "400" }, extendEnv: false, reject: false } as const;

async function isProgram(file: string): Promise<boolean> {
  return access(file, constants.X_OK).then(
    () => true,
    () => false,
  );
}

/** A program's version, for example `0.68.0`; `undefined`: it is not OPA. */
async function versionOf(program: string): Promise<string | undefined> {
  const { stdout } = await execa(program, ["version"], { ...apart, timeout: 30_000 });
  return /^Version: (\d+\.\S+)/m.exec(stdout)?.[1];
}

/** Finds the OPA program: `$TRUSTEE_ACCESS_OPA`, else the first on PATH that is new enough. */
export async function findOpa(environment: NodeJS.ProcessEnv = process.env): Promise<FoundOpa> {
  const named = environment[OPA_VARIABLE] ?? "";
  const folders = (environment["PATH"] ?? "").split(delimiter).filter((folder) => folder !== "");
  const candidates = named === "" ? folders.map((folder) => join(folder, "opa")) : [named];
  let reason: string | undefined;
  for (const program of candidates) {
    if (!(await isProgram(program))) continue;
    const version = await versionOf(program);
    if (Number.parseInt(version ?? "0", 10) >= OLDEST_MAJOR) return { program };
    reason ??=
      version === undefined
        ? `${program} does not print a version of Open Policy Agent. ${NEEDED}`
        : `${program} is Open Policy Agent ${version}, which is too old. ${NEEDED}`;
  }
  const none =
    named === "" ? "opa is not on PATH." : `${OPA_VARIABLE} names ${named}, which is not a program.`;
  return { reason: reason ?? `${none} ${NEEDED}` };
}

/** A policy's text and its syntax. */
export interface RegoPolicy {
  /** The OPA program. */
  readonly opa: string;
  readonly text: string;
  readonly syntax: RegoSyntax;
}

/** Why a query has no answer. */
export interface OpaFailure {
  /**
   * `no-policy`: not a policy in this syntax. `aborted`: in a strict run, an error of a builtin ended the
   * whole run.
   */
  readonly kind: "no-policy" | "aborted";
  readonly message: string;
  /** Where in the text, from 1. */
  readonly line?: number;
}

/** A query's value, which may be undefined, or why there is none. */
export type OpaAnswer = { readonly kind: "answered"; readonly value: unknown } | OpaFailure;

/** The lines of a query whose evaluation fails, with the first error of each; `undefined`: OPA does not say. */
export interface FailingLines {
  readonly value: unknown;
  readonly failing: ReadonlyMap<number, string> | undefined;
}

export function failureText({ line, message }: OpaFailure): string {
  return line === undefined ? message : `line ${line}: ${message}`;
}

/** An error's message, with a note if Trustee would not have this error. */
function messageOf(message: string): string {
  const [, name = ""] = /^undefined function (\S+)$/.exec(message) ?? [];
  return changingFunctions.includes(name)
    ? `${message} (Trustee has it, but a policy whose answers vary cannot be judged)`
    : message;
}

/**
 * Evaluates a query.
 * @param strict a builtin's error ends the evaluation; otherwise it is undefined
 */
export async function evaluate(
  policy: RegoPolicy,
  query: string,
  input: unknown,
  strict: boolean,
): Promise<OpaAnswer> {
  const { errors, value } = await run(policy, query, input, strict ? ["--strict-builtin-errors"] : []);
  const [error] = errors;
  if (error === undefined) return { kind: "answered", value };
  const message = [...new Set(errors.map((one) => messageOf(one.message)))].join("; ");
  // For a builtin's error, the line is in the query, not the policy.
  if (!errors.some(({ code }) => code.startsWith("rego_"))) return { kind: "aborted", message };
  return { kind: "no-policy", message, ...defined({ line: error.location?.row }) };
}

/** Evaluates a query of a policy that compiles. A builtin's error is undefined, and its line is reported. */
export async function evaluateLines(
  policy: RegoPolicy,
  query: string,
  input: unknown,
): Promise<FailingLines> {
  const { errors, value } = await run(policy, query, input, ["--show-builtin-errors"]);
  const failing = new Map<number, string>();
  for (const { message, stack_trace: trace } of errors) {
    const asked = trace.findLast(({ location }) => location.file === "");
    if (asked === undefined) return { value, failing: undefined };
    const { row } = asked.location;
    failing.set(row, failing.get(row) ?? messageOf(message));
  }
  return { value, failing };
}

/** Runs OPA once, without network, environment or clock for the policy. */
async function run(
  { opa, text, syntax }: RegoPolicy,
  query: string,
  input: unknown,
  more: readonly string[],
): Promise<OpaOutput> {
  const flags = ["--format=json", `--${syntax}-compatible`, ...more];
  const folder = await mkdtemp(join(tmpdir(), "trustee-access-opa-"));
  const [policy, capabilities] = [join(folder, "policy.rego"), join(folder, "capabilities.json")];
  try {
    await Promise.all([writeFile(policy, text), writeFile(capabilities, regoCapabilities)]);
    const { stdout, stderr, timedOut } = await execa(
      opa,
      ["eval", ...flags, "--capabilities", capabilities, "-I", "-d", policy, query],
      { ...apart, input: JSON.stringify(input), timeout: 120_000 },
    );
    const output = parseOpaOutput(stdout);
    if (output !== undefined) return output;
    const why = timedOut ? "it took too long" : stderr.trim().slice(0, 500) || "it printed no error";
    throw new UserError(
      "TA957",
      `${opa} did not evaluate the policy: ${why}. Run again, or name another OPA in ${OPA_VARIABLE}.`,
    );
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
