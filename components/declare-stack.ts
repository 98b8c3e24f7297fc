import * as pulumi from "@pulumi/pulumi";
import { IssuesError } from "../core/issues.ts";
import { messageOf } from "../core/records.ts";
import { readConfiguration } from "./configuration.ts";
import { declareConfiguration } from "./declare.ts";
import type { StackOutputs } from "./outputs.ts";

/** Older ones ignore the option `replacementTrigger`, by which a Pod is replaced when its declaration changes. */
const PULUMI = ">=3.215.0";

/** The program: a problem of the user's is shown as it is, without a stack trace. */
export async function declareStack(): Promise<StackOutputs> {
  await pulumi.requirePulumiVersion(PULUMI).catch((error: unknown) => {
    throw new pulumi.RunError(messageOf(error));
  });
  try {
    const subject = `the settings of stack ${pulumi.getStack()}`;
    const { outputs } = await declareConfiguration("access", readConfiguration(), subject);
    return outputs;
  } catch (error) {
    if (error instanceof IssuesError) throw new pulumi.RunError(error.message);
    throw error;
  }
}
