import * as pulumi from "@pulumi/pulumi";
import { messageOf } from "../../core/records.ts";

/**
 * Calls a function of the provider.
 * @throws pulumi.RunError with the provider's message alone, without the SDK's frame and stack
 */
export async function invoke(
  token: string,
  args: pulumi.Inputs,
  opts: pulumi.InvokeOptions = {},
): Promise<unknown> {
  try {
    const result: unknown = await pulumi.runtime.invoke(token, args, opts);
    return result;
  } catch (error) {
    const message = messageOf(error);
    throw new pulumi.RunError(message.replace(`invocation of ${token} returned an error: `, ""));
  }
}
