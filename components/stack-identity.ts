import * as pulumi from "@pulumi/pulumi";
import type { StackId } from "../core/policy/grants.ts";
import { IDENTITY_LENGTH } from "../core/policy/identity.ts";
import { stackName } from "./trustee/get-trustee.ts";
import * as trustee from "./trustee/index.ts";

/** Placeholder in a preview for an identity that `up` will generate. */
const NOT_YET = "made-by-up";

/** This stack: its name, and an identity that only its state holds. */
export interface StackIdentity {
  /**
   * For {@link trustee.getTrustee}. In a preview before the first `up` it has no identity: then every object with
   * one is another stack's.
   */
  readonly own: StackId;
  /** The identity in this stack's marks: `identity` of the components. */
  readonly mark: string | undefined;
  /** The identity's resource. All that write depend on it, so that it is in the state first. */
  readonly resource: pulumi.Resource;
}

/** An output's value; `undefined` if a preview does not know it yet. */
async function valueOf(output: pulumi.Output<string>): Promise<string | undefined> {
  const known: unknown = "isKnown" in output ? await output.isKnown : true;
  if (known !== true) return undefined;
  return new Promise((resolve) => {
    output.apply(resolve);
  });
}

/** Generates the stack's identity, or reads it from the state. */
export async function stackIdentity(
  provider: trustee.Provider,
  parent?: pulumi.Resource,
): Promise<StackIdentity> {
  const resource = new trustee.GeneratedValue(
    "identity",
    { length: IDENTITY_LENGTH, open: true },
    { provider, ...(parent === undefined ? {} : { parent }) },
  );
  const identity = await valueOf(resource.value);
  const mark = identity ?? (pulumi.runtime.isDryRun() ? NOT_YET : undefined);
  return { own: { stack: stackName(), identity }, mark, resource };
}
