import { z } from "zod";
import type { Issues } from "../core/issues.ts";
import { defined } from "../core/records.ts";
import type { StackId } from "../core/policy/grants.ts";
import { shownName } from "../core/shown.ts";
import { foreignVanished } from "../core/policy/vanished.ts";
import { keepPolicyWords, losesPolicy, lossWords, REDHAT_ROUTE } from "../core/trustee/redhat.ts";
import type { KubeClient } from "../kube/client.ts";
import { readBehind, type PolicyMap } from "../kube/policy-behind.ts";
import type { PropertyMap } from "./protocol/index.ts";
import type { KubeObject } from "../kube/objects.ts";
import { contentOf, readConfigMap, type ConfigMap } from "./config-map.ts";

/**
 * `kbsAuthSecretName`, `kbsHttpsKeySecretName` and so on: the fields of a KbsConfig that name Trustee's own
 * Secrets.
 */
const OWN_SECRET = /^kbs\w+SecretName$/;

/**
 * Adds an issue for each secret of the stack that is one of Trustee's own, by the live KbsConfig.
 * @param served the Secret with the KBS's certificate, which a TrusteeConfig may name
 */
export function checkOwnSecrets(
  kbsConfig: KubeObject | undefined,
  served: string | undefined,
  secrets: readonly string[],
  issues: Issues,
): void {
  const spec = z.record(z.string(), z.unknown()).safeParse(kbsConfig?.["spec"]).data ?? {};
  const named = Object.entries(spec).filter(([field]) => OWN_SECRET.test(field));
  const given = new Map<unknown, string>([
    [served, "the Secret with the certificate and the private key of the KBS"],
    ...named.map(([field, name]) => [name, `the Secret that the KbsConfig names as ${field}`] as const),
  ]);
  for (const [name, words] of given) {
    if (typeof name !== "string" || !secrets.includes(name)) continue;
    issues.add({
      code: "TA605",
      path: `secrets "${name}"`,
      given: words,
      allowed: "a Secret that Trustee does not use for itself",
      fix: "Choose another name: a pod that reads this one can impersonate Trustee.",
    });
  }
}

/** The bytes of a ConfigMap's other values: the limit is for all values together. */
export function otherBytes(map: KubeObject | undefined, key: string): number {
  if (map === undefined) return 0;
  const texts = Object.entries(readConfigMap(map).data).filter(([name]) => name !== key);
  const binary = z.record(z.string(), z.string()).nullish().safeParse(map["binaryData"]).data ?? {};
  return (
    texts.reduce((sum, [, text]) => sum + Buffer.byteLength(text), 0) +
    Object.values(binary).reduce((sum, value) => sum + Buffer.from(value, "base64").length, 0)
  );
}

/** A warning for each listed Secret that does not exist: it stops the operator's reconcile. */
export function missingWarnings(names: readonly string[], kbsConfig: string): readonly string[] {
  return names.map(
    (name) =>
      `KbsConfig "${kbsConfig}" lists Secret "${shownName(name)}", which does not exist: the Trustee operator cannot reconcile ` +
      "until it is created, or removed from the list.",
  );
}

/** A warning if the next update of Trustee's operator deletes the policy. @param routes the live ones */
export function updateWarnings(
  policy: ConfigMap | undefined,
  { namespace, name }: Pick<PolicyMap, "namespace" | "name">,
  routes: readonly KubeObject[],
): readonly string[] {
  const route = routes.find(({ metadata }) => metadata.name === REDHAT_ROUTE);
  const routeOwners = route?.metadata.ownerReferences?.map(({ kind }) => kind);
  if (policy === undefined || !losesPolicy({ ...policy, routeOwners })) return [];
  return [`${lossWords.what} ${lossWords.why} ${keepPolicyWords(namespace, name)}`];
}

/** The lines of other stacks that the policy has lost. The next write restores them. */
export async function lostLines(
  kube: KubeClient,
  kbsConfig: KubeObject | undefined,
  policy: ConfigMap | undefined,
  place: Omit<PolicyMap, "data">,
  own: StackId,
): Promise<readonly PropertyMap[]> {
  if (policy === undefined) return [];
  const behind = await readBehind(kube, kbsConfig, { ...place, data: policy.data });
  return foreignVanished(contentOf(policy, place.key), behind, own).map(({ line }): PropertyMap => {
    const { stack, identity, owner, others, secrets } = line;
    return defined({ stack, identity, owner, others, secrets });
  });
}
