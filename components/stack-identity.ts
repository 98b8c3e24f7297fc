import * as pulumi from "@pulumi/pulumi";
import type { StackId } from "../core/policy/grants.ts";
import { IDENTITY_LENGTH } from "../core/policy/identity.ts";
import { stackName } from "./stack-name.ts";
import * as trustee from "./trustee/index.ts";

/** What a preview shows in place of an identity that its `up` will make. */
const NOT_YET = "made-by-up";

/** This stack, by its name and by what only its state holds. */
export interface StackIdentity {
  /** Without an identity in a preview before the first `up`: then everything that bears one is another stack's. */
  readonly own: StackId;
  /** What this stack's marks bear, or will. */
  readonly mark: string | undefined;
  /** In the state before anything is written, as long as all that writes depends on it. */
  readonly resource: pulumi.Resource;
}

/** An output's value; `undefined`: a preview does not know it yet. */
async function valueOf(output: pulumi.Output<string>): Promise<string | undefined> {
  const known: unknown = "isKnown" in output ? await output.isKnown : true;
  if (known !== true) return undefined;
  return new Promise((resolve) => {
    output.apply(resolve);
  });
}

/** Makes the stack's identity, or takes it from the state. */
export async function stackIdentity(
  provider: trustee.Provider,
  parent: pulumi.Resource | undefined,
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
