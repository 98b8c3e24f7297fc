import { shownLines } from "./policy/shown-name.ts";

/** One thing that is wrong with what the user gave, in the user's own terms. */
export interface Issue {
  /** Where: the path of the property as the user wrote it, e.g. `grants[2].pod`. */
  readonly path: string;
  /** What was given, never the content of a secret, e.g. `"pod9"`. */
  readonly given: string;
  /** What is allowed there, e.g. `pod1, pod2 or pod3`. */
  readonly allowed: string;
  /** How to fix it, one sentence in the imperative. */
  readonly fix: string;
}

/**
 * Every problem of one input, thrown once, so that the user fixes them in one go.
 * The message is complete: it can be shown as it is.
 */
export class IssuesError extends Error {
  override readonly name = "IssuesError";
  readonly issues: readonly Issue[];

  constructor(subject: string, issues: readonly Issue[]) {
    const count = issues.length === 1 ? "1 problem" : `${issues.length} problems`;
    super(`${count} in ${subject}; nothing was changed.\n${issues.map(formatIssue).join("\n")}`);
    this.issues = issues;
  }
}

/** An issue as three short lines: where and what was given, what is allowed, how to fix it. */
function formatIssue(issue: Issue): string {
  const { path, given, allowed, fix } = shownLines(issue);
  return `  - ${path}: ${given}\n      allowed: ${allowed}\n      to fix: ${fix}`;
}

/** Collects issues while an input is walked, and throws them all at once. */
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

  /** @throws IssuesError with every issue collected, if there is any. */
  throwIfAny(subject: string): void {
    if (this.#found.length > 0) throw new IssuesError(subject, this.#found);
  }
}

/** What was given, quoted for a message and cut so that one value cannot fill the screen. */
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
