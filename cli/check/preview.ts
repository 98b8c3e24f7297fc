import { z } from "zod";
import { previewedOutputs } from "../diff/preview.ts";
import { usualSyntax } from "../questions/questions.ts";
import { parseOutputs } from "../commands/stack.ts";
import type { StackOutputs } from "../../core/outputs.ts";
import { runPreview } from "../commands/run-preview.ts";
import { UsageError } from "../usage-error.ts";
import type { PolicyText } from "./source.ts";

/** The outputs in a preview. Some may be unknown, such as the expiration of reference values. */
const previewedSchema = z.looseObject({
  resourcePolicy: z.string(),
  referenceValuesExpire: z.record(z.string(), z.string()).catch({}),
});

/** The engine's placeholder for a text that is unknown before the deployment. */
const UNKNOWN = "04da6b54-80e4-46f7-96ec-b56ff0331ba9";

function outputsIn(events: string): StackOutputs {
  const outputs = previewedSchema.safeParse(previewedOutputs(events).after);
  if (outputs.success && outputs.data.resourcePolicy !== UNKNOWN) {
    return parseOutputs(outputs.data, "this is not a stack of this project");
  }
  throw new UsageError("The preview has no resource policy: this is not a stack of this project.");
}

/**
 * The policy and outputs that the next `pulumi up` would deploy. The stack may be new.
 * @param name the stack. @default the selected one
 * @throws UsageError
 */
export async function readPlannedPolicy(name?: string): Promise<PolicyText> {
  const stack = outputsIn(await runPreview(name));
  const from = `the stack ${stack.grants.stack}, as planned by pulumi preview`;
  return {
    text: stack.resourcePolicy,
    from,
    stack,
    syntax: usualSyntax({ seen: { policyKey: stack.trustee.policyKey } }),
  };
}
