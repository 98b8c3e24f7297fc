import { UserError } from "../../core/issues.ts";
import { messageOf } from "../../core/records.ts";

/** For `catch`: the error if a file that an option names cannot be read. */
export function cannotRead(file: string): (error: unknown) => never {
  return (error) => {
    throw new UserError(
      "TA952",
      `Cannot read ${file}: ${messageOf(error)}. Correct the path, or the permissions.`,
    );
  };
}
