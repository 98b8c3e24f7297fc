import { readFile } from "node:fs/promises";
import type { RegoSyntax } from "../audit/facts.ts";
import { usualSyntax } from "../questions/questions.ts";
import { livePolicy } from "../audit/trustee-view.ts";
import { messageOf } from "../../core/records.ts";
import { connectTrustee } from "../live/connect.ts";
import { readPolicySide } from "../live/read-trustee.ts";
import { readStack } from "../commands/stack.ts";
import type { StackOutputs } from "../../core/outputs.ts";
import { UsageError } from "../usage-error.ts";
import { readPlannedPolicy } from "./preview.ts";

/** Which policy to check. */
export interface Source {
  readonly live: boolean;
  readonly preview: boolean;
  /** A file with the policy. */
  readonly policy?: string;
}

/** A policy's text and its origin, in words. */
export interface PolicyText {
  readonly text: string;
  readonly from: string;
  /** The stack that it must match. */
  readonly stack: StackOutputs;
  /** Its Trustee's syntax, as far as known. */
  readonly syntax: RegoSyntax;
}

/**
 * The policy that the live Trustee reads. The key is detected each time: after an upgrade, Trustee reads
 * another key, while the ConfigMap still has the previous one.
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
 * The policy to check: from the stack's outputs, the cluster, a preview, or a file.
 * @param name the stack. @default the selected one
 * @throws UsageError, KubeError
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
