import type { IssueCode } from "./issue-codes.ts";
import { messageOf } from "./records.ts";

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
