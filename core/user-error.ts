import type { IssueCode } from "./issue-codes.ts";

/** A run or a command cannot start. The message has the kind of the problem and what to do. */
export class UserError extends Error {
  override readonly name = "UserError";
  readonly code: IssueCode;

  constructor(code: IssueCode, message: string, options?: ErrorOptions) {
    super(`${code} ${message}`, options);
    this.code = code;
  }
}
