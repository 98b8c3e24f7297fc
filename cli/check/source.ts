import { readFile } from "node:fs/promises";
import { z } from "zod";
import type { RegoSyntax } from "../audit/facts.ts";
import { usualSyntax } from "../questions/questions.ts";
import { livePolicy } from "../audit/trustee-view.ts";
import { cannotRead } from "../live/cannot-read.ts";
import { connectTrustee } from "../live/connect.ts";
import { readPolicySide } from "../live/read-trustee.ts";
import { runPreview } from "../live/run-preview.ts";
import { parseOutputs, readStack } from "../live/stack.ts";
import { previewedOutputs } from "../diff/preview.ts";
import type { StackOutputs } from "../../core/plan/outputs.ts";
import { UserError } from "../../core/issues.ts";

/** The outputs in a preview. Some may be unknown, such as the expiration of reference values. */
const previewedSchema = z.looseObject({
  resourcePolicy: z.string(),
  referenceValuesExpire: z.record(z.string(), z.string()).catch({}),
});

/** The engine's placeholder for a text that is unknown before the deployment. */
const UNKNOWN = "04da6b54-80e4-46f7-96ec-b56ff0331ba9";

/** Which policy to check. */
export interface Source {
  readonly live?: true;
  readonly preview?: true;
  /** A file with the policy. */
  readonly policy?: string;
}

/** A policy's text and its origin, in words. */
export interface PolicyText {
  readonly text: string;
  readonly from: string;
  /** The stack that it must match. */
  readonly stack: StackOutputs;
  /** Its Trustee's syntax, if known. */
  readonly syntax: RegoSyntax;
}

/**
 * The policy that the live Trustee reads. The key is detected each time: after an upgrade, Trustee reads
 * another key, while the ConfigMap still has the previous one.
 * @throws UserError, KubeError
 */
async function readLivePolicy(stack: StackOutputs): Promise<PolicyText> {
  const { trustee, place } = connectTrustee(stack);
  const side = await readPolicySide(trustee, place);
  const { map, key, text } = livePolicy(side);
  if (side.seen?.isPolicyUnread === true) {
    throw new UserError(
      "TA810",
      `The Deployment of the KBS does not mount ConfigMap "${map}" in namespace "${place.namespace}" where the KBS reads its policy, ` +
        "so the policy that the KBS uses is unknown. See npx trustee-access lint (TA404).",
    );
  }
  if (text === undefined) {
    throw new UserError(
      "TA956",
      `ConfigMap "${map}" in namespace "${place.namespace}" has no key "${key}", which this Trustee reads: no policy is deployed. Run pulumi up.`,
    );
  }
  const { policyKey } = stack.trustee;
  const left =
    key === policyKey ? "" : ` (the last pulumi up wrote "${policyKey}", which this Trustee does not read)`;
  const from = `ConfigMap ${place.namespace}/${map}, key "${key}", as in the cluster${left}`;
  return { text, from, stack, syntax: usualSyntax(side) };
}

/** The outputs that the next `pulumi up` of the stack would have. The stack may be new. */
async function previewedStack(name: string | undefined): Promise<StackOutputs> {
  const outputs = previewedSchema.safeParse(previewedOutputs(await runPreview(name)).after);
  if (outputs.success && outputs.data.resourcePolicy !== UNKNOWN) {
    return parseOutputs(outputs.data, "select a stack of this project");
  }
  throw new UserError(
    "TA954",
    "The preview has no resource policy: this is not a stack of this project. Select another one with --stack.",
  );
}

/**
 * The stack to check, as deployed or as previewed.
 * @param name @default the selected one
 * @throws UserError
 */
export async function stackToCheck(name: string | undefined, { preview }: Source): Promise<StackOutputs> {
  return preview === true ? previewedStack(name) : readStack(name);
}

/**
 * The policy to check: from the stack's outputs, the cluster, or a file.
 * @throws UserError, KubeError
 */
export async function readPolicy(stack: StackOutputs, source: Source): Promise<PolicyText> {
  if (source.live === true) return readLivePolicy(stack);
  const { policy } = source;
  const syntax = usualSyntax({ seen: { policyKey: stack.trustee.policyKey } });
  if (policy !== undefined) {
    const text = await readFile(policy, "utf8").catch(cannotRead(policy));
    return { text, from: policy, stack, syntax };
  }
  const how = source.preview === true ? "planned by pulumi preview" : "it was deployed";
  return { text: stack.resourcePolicy, from: `the stack ${stack.grants.stack}, as ${how}`, stack, syntax };
}
