import * as pulumi from "@pulumi/pulumi";
import { IssuesError } from "../core/issues.ts";
import { readConfiguration } from "./configuration.ts";
import { declareConfiguration } from "./declare.ts";
import type { StackOutputs } from "./outputs.ts";

/** The program: a problem of the user's is shown as it is, without a stack trace. */
export async function declareStack(): Promise<StackOutputs> {
  try {
    const subject = `the settings of stack ${pulumi.getStack()}`;
    const { outputs } = await declareConfiguration("access", readConfiguration(), subject);
    return outputs;
  } catch (error) {
    if (error instanceof IssuesError) throw new pulumi.RunError(error.message);
    throw error;
  }
}
