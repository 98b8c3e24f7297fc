import { UserError } from "../core/issues.ts";
import { leftOpen } from "../core/policy/intact.ts";
import type { KubeClient } from "../kube/client.ts";
import { lastWriter } from "../kube/managed-fields.ts";
import { configMapRef, contentOf, readConfigMap } from "./config-map.ts";

/** The policy that must restrict secrets. */
export interface RestrictingPolicy {
  readonly namespace: string;
  readonly configMap: string;
  /** The key that Trustee reads. */
  readonly key: string;
}

/**
 * Makes sure that the policy, as it is now, restricts the secrets: somebody may have replaced it since this
 * run wrote it.
 * @param then what an open secret means, for the error
 * @throws UserError if it leaves one of them open
 */
export async function requireRestricted(
  kube: KubeClient,
  { namespace, configMap, key }: RestrictingPolicy,
  secrets: readonly string[],
  then: string,
): Promise<void> {
  const live = await kube.get(configMapRef(namespace, configMap));
  const open = leftOpen(live === undefined ? null : contentOf(readConfigMap(live), key), secrets);
  if (open.length === 0) return;
  const writer = live && lastWriter(live.metadata, ["data", key]);
  const names = open.map((secret) => `"${secret}"`).join(", ");
  throw new UserError(
    "TA843",
    `The resource policy in the key "${key}" of ConfigMap "${configMap}" in namespace "${namespace}" does not restrict ${names} as declared` +
      `${writer === undefined ? "" : `: "${writer.by}" has written it last`}. ${then} ` +
      "Stop the client that replaces the policy (kubectl get --show-managed-fields), then run pulumi up without --target and --exclude.",
  );
}
