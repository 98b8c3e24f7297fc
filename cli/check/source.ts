import { readFile } from "node:fs/promises";
import type { RegoSyntax } from "../audit/facts.ts";
import { usualSyntax } from "../questions/questions.ts";
import { livePolicy } from "../audit/trustee-view.ts";
import { messageOf } from "../../core/records.ts";
import { connectTrustee } from "../live/connect.ts";
import { readPolicySide } from "../live/read-trustee.ts";
import { readStack } from "../commands/stack.ts";
import type { StackOutputs } from "../../core/outputs.ts";
import { UsageError } from "../commands/run.ts";
import { readPlannedPolicy } from "./preview.ts";

/** Which text is checked. */
export interface Source {
  readonly live: boolean;
  readonly preview: boolean;
  /** A file with the policy. */
  readonly policy?: string;
}

/** A policy's text and where it is from, in words. */
export interface PolicyText {
  readonly text: string;
  readonly from: string;
  /** The stack whose policy it is to be. */
  readonly stack: StackOutputs;
  /** How its Trustee reads it, as far as that can be told. */
  readonly syntax: RegoSyntax;
}

/**
 * The policy that the live Trustee goes by. Which key that is, is seen anew: a Trustee that was upgraded since the last
 * `pulumi up` keeps the former key in the ConfigMap, and reads another one.
 * @throws UsageError, KubeError
 */
export async function readLivePolicy(stack: StackOutputs): Promise<PolicyText> {
  const { trustee, place } = connectTrustee(stack);
  const side = await readPolicySide(trustee, place);
  const { map, key, text } = livePolicy(side);
  if (text === undefined) {
    throw new UsageError(
      `ConfigMap "${map}" in namespace "${place.namespace}" has no key "${key}", which this Trustee reads: no policy is deployed. Run pulumi up.`,
    );
  }
  const { policyKey } = stack.trustee;
  const left =
    key === policyKey ? "" : ` (the last pulumi up wrote "${policyKey}", which this Trustee does not read)`;
  const from = `ConfigMap ${place.namespace}/${map}, key "${key}", as in the cluster${left}`;
  return { text, from, stack, syntax: usualSyntax(side) };
}

/**
 * The text to check: as the stack left it, as in the cluster now, as the next up would leave it, or in a file.
 * @param name the stack. @default the selected one
 * @throws UsageError, StackError, KubeError
 */
export async function readPolicy(name: string | undefined, source: Source): Promise<PolicyText> {
  if (source.preview) return readPlannedPolicy(name);
  const stack = await readStack(name);
  const { policy } = source;
  const syntax = usualSyntax({ seen: { policyKey: stack.trustee.policyKey } });
  if (policy !== undefined) {
    const text = await readFile(policy, "utf8").catch((error: unknown) => {
      throw new UsageError(`Cannot read ${policy}: ${messageOf(error)}`);
    });
    return { text, from: policy, stack, syntax };
  }
  if (source.live) return readLivePolicy(stack);
  const from = `the stack ${stack.grants.stack}, as it was deployed`;
  return { text: stack.resourcePolicy, from, stack, syntax };
}
