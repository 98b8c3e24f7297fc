import { affirmingToken } from "../access/matrix.ts";
import { decide, DEFAULT_REPOSITORY } from "../access/model.ts";
import type { Issues } from "../issues.ts";
import type { Plan } from "../plan/plan.ts";
import type { PlannedPod } from "../plan/pod.ts";
import { mergeGrants } from "../policy/grants.ts";
import type { Before } from "../policy/registry.ts";
import { stacksAfterJoin } from "../policy/share.ts";

/** Where a pod's image policy comes from: `kbs:///<repository>/<secret>/<key>`; others are not the KBS's. */
function imagePolicyOf({ declaration, facts }: PlannedPod): readonly [string, string, string] | undefined {
  const uri = facts === undefined ? declaration.imagePolicyUri : facts.imagePolicyUri;
  const match = /^kbs:\/\/\/([^/]+)\/([^/]+)\/([^/]+)$/.exec(uri ?? "");
  if (match === null) return undefined;
  const [, repository = "", secret = "", key = ""] = match;
  return [repository, secret, key];
}

/**
 * Without its image policy no container starts: its secret must be registered, and readable by the pod under the policy
 * that is about to be deployed. What is not becomes an issue.
 * @param registered the names in the KbsConfig, and those that this stack is about to add
 */
export function checkImagePolicies(
  plan: Plan,
  live: { readonly policy: Before; readonly registered: ReadonlySet<string> },
  issues: Issues,
): void {
  const rules = mergeGrants(stacksAfterJoin(live.policy, plan.grants));
  plan.pods.forEach((pod, index) => {
    const path = imagePolicyOf(pod);
    if (path === undefined) return;
    const [repository, secret, key] = path;
    const where = `pods[${index}].imagePolicy`;
    const given = `${repository === DEFAULT_REPOSITORY ? "" : `${repository}/`}${secret}/${key}`;
    if (repository === DEFAULT_REPOSITORY && !live.registered.has(secret)) {
      issues.add({
        path: where,
        given: `"${given}", whose secret is not registered with the KBS: ${pod.declaration.id} could not start`,
        allowed: "a secret that the KbsConfig lists, or false for no image policy",
        mend: "Declare it under secrets, or set imagePolicy: false.",
      });
      return;
    }
    const request = { "resource-path": [...path], plugin: "resource" };
    if (decide(rules, request, affirmingToken(pod.initData)).allowed) return;
    issues.add({
      path: where,
      given: `"${given}", which the resource policy would deny to ${pod.declaration.id}: it could not start`,
      allowed: "a secret that the pod may read",
      mend:
        rules.others === "deny"
          ? `Grant ${secret} to ${pod.declaration.id}, or set otherSecrets: affirming.`
          : `Grant ${secret} to ${pod.declaration.id}.`,
    });
  });
}
