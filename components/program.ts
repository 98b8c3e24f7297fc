import * as pulumi from "@pulumi/pulumi";
import { IssuesError, UserError } from "../core/issues.ts";
import { messageOf } from "../core/records.ts";
import { shownText } from "../core/shown.ts";

/**
 * Up to 3.207 the CLI ignores the option `replacementTrigger`, which replaces a Pod when its declaration changes.
 * Up to 3.215 it cannot be asked for its version either.
 */
const PULUMI = ">=3.220.0";

/** Makes a program of what declares a stack. A problem that the user can fix is shown without a stack trace. */
export function program<Outputs>(declare: () => Promise<Outputs>): () => Promise<Outputs> {
  return async () => {
    await pulumi.requirePulumiVersion(PULUMI).catch((error: unknown) => {
      const reason = messageOf(error).replace(/\.$/, "");
      const text = `This program needs the Pulumi CLI ${PULUMI}: ${reason}. Install a newer one: https://www.pulumi.com/docs/install`;
      throw new pulumi.RunError(new UserError("TA953", text).message);
    });
    try {
      return await declare();
    } catch (error) {
      if (error instanceof IssuesError || error instanceof UserError)
        throw new pulumi.RunError(shownText(error.message));
      throw error;
    }
  };
}
