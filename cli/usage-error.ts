/** A command cannot run as requested; the message says what to do. */
export class UsageError extends Error {
  override readonly name = "UsageError";
}
