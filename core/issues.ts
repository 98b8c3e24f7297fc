import type { IssueCode } from "./issue-codes.ts";
import { messageOf } from "./records.ts";
import { counted, shownLines } from "./shown.ts";

/** A problem that stops a run or a command, and that the user can fix. The message is complete, code first. */
export class UserError extends Error {
  override readonly name = "UserError";
  readonly code: IssueCode;
  /** The message without the code, to quote it after another one. */
  readonly text: string;

  constructor(code: IssueCode, text: string, options?: ErrorOptions) {
    super(`${code} ${text}`, options);
    this.code = code;
    this.text = text;
  }
}

/** The message of a thrown value, without a code. */
export function textOf(thrown: unknown): string {
  return thrown instanceof UserError ? thrown.text : messageOf(thrown);
}

/** One problem in the user's input. */
export interface Issue {
  /** The kind of problem, for example `TA607`. docs/errors.md explains each. */
  readonly code: IssueCode;
  /** Where: the path as the user wrote it, for example `grants[2].pod`. */
  readonly path: string;
  /** What was given, for example `"pod9"`. Never a secret value. */
  readonly given: string;
  /** What is allowed, for example `pod1, pod2 or pod3`. */
  readonly allowed: string;
  /** How to fix it: one imperative sentence. */
  readonly fix: string;
}

/** All problems of one input, thrown together. The message is complete and can be shown as it is. */
export class IssuesError extends Error {
  override readonly name = "IssuesError";
  readonly issues: readonly Issue[];

  constructor(subject: string, issues: readonly Issue[]) {
    super(
      `${counted(issues.length, "problem")} in ${subject}; nothing was changed.\n${issues.map(formatIssue).join("\n")}`,
    );
    this.issues = issues;
  }
}

/** Three short lines: the code, the place and what was given; what is allowed; how to fix it. */
function formatIssue(issue: Issue): string {
  const { code, path, given, allowed, fix } = shownLines(issue);
  return `  - ${code} ${path}: ${given}\n      allowed: ${allowed}\n      to fix: ${fix}`;
}

/** Collects the issues of an input and throws them together. */
export class Issues {
  readonly #found: Issue[] = [];

  add(issue: Issue): void {
    this.#found.push(issue);
  }

  addAll(issues: readonly Issue[]): void {
    this.#found.push(...issues);
  }

  get found(): readonly Issue[] {
    return this.#found;
  }

  /** @throws IssuesError if there is any issue */
  throwIfAny(subject: string): void {
    if (this.#found.length > 0) throw new IssuesError(subject, this.#found);
  }
}

/** A value quoted for a message, cut to a readable length. */
export function given(value: unknown): string {
  if (value === undefined) return "nothing";
  const text = JSON.stringify(value);
  return text.length > 120 ? `${text.slice(0, 117)}...` : text;
}

/** The first five names, and how many more there are. */
export function someOf(names: readonly string[]): string {
  const shown = names.slice(0, 5).join(", ");
  return names.length > 5 ? `${shown} and ${names.length - 5} more` : shown;
}
