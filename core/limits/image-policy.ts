import { affirmingToken } from "../access/token.ts";
import { decide, DEFAULT_REPOSITORY, type AccessRules } from "../access/model.ts";
import type { Binding } from "../initdata/binding.ts";
import type { Issue, Issues } from "../issues.ts";
import type { Plan } from "../plan/plan.ts";
import { mergeGrants } from "../policy/grants.ts";
import type { Before } from "../policy/registry.ts";
import { stacksAfterJoin } from "../policy/share.ts";

/** Somebody who starts with an image policy, or not at all. */
interface Starting {
  readonly id: string;
  readonly initData: string;
  readonly binding: Binding;
  readonly uri: string | undefined;
  /** Where the image policy is named in the settings. */
  readonly path: string;
  /** Whether that is an initdata file. */
  readonly isFile: boolean;
}

/** Where an image policy comes from: `kbs:///<repository>/<secret>/<key>`; others are not the KBS's. */
function placeOf(uri: string | undefined): readonly [string, string, string] | undefined {
  const match = /^kbs:\/\/\/([^/]+)\/([^/]+)\/([^/]+)$/.exec(uri ?? "");
  if (match === null) return undefined;
  const [, repository = "", secret = "", key = ""] = match;
  return [repository, secret, key];
}

/** Why one could not start, if so. */
function problemOf(
  { id, initData, binding, uri, path, isFile }: Starting,
  rules: AccessRules,
  registered: ReadonlySet<string>,
): Issue | undefined {
  const place = placeOf(uri);
  if (place === undefined) return undefined;
  const [repository, secret, key] = place;
  const given = `${repository === DEFAULT_REPOSITORY ? "" : `${repository}/`}${secret}/${key}`;
  const without = isFile ? "take the image policy out of the file" : "set imagePolicy: false";
  if (repository === DEFAULT_REPOSITORY && !registered.has(secret)) {
    return {
      path,
      given: `"${given}", whose secret is not registered with the KBS: ${id} could not start`,
      allowed: "a secret that the KbsConfig lists, or no image policy",
      mend: `Declare it under secrets, or ${without}.`,
    };
  }
  const request = { "resource-path": [...place], plugin: "resource" };
  if (decide(rules, request, affirmingToken(initData, binding)).allowed) return undefined;
  return {
    path,
    given: `"${given}", which the resource policy would deny to ${id}: it could not start`,
    allowed: "a secret that the pod may read",
    mend:
      rules.others === "deny"
        ? `Grant ${secret} to ${id}, or set otherSecrets: affirming.`
        : `Grant ${secret} to ${id}.`,
  };
}

/**
 * Without its image policy no container starts: its secret must be registered, and readable by the pod under the policy
 * that is about to be deployed. What is not becomes an issue.
 * @param registered the names in the KbsConfig, and those that this stack is about to add
 * @returns warnings: of readers that are deployed elsewhere, whom nothing here starts
 */
export function checkImagePolicies(
  { pods, readers, grants }: Plan,
  live: { readonly policy: Before; readonly registered: ReadonlySet<string> },
  issues: Issues,
): readonly string[] {
  const rules = mergeGrants(stacksAfterJoin(live.policy, grants));
  pods.forEach(({ declaration: { id, binding, imagePolicyUri }, facts, initData }, index) => {
    const isFile = facts !== undefined;
    const path = `pods[${index}].${isFile ? "initdataFile" : "imagePolicy"}`;
    const uri = isFile ? facts.imagePolicyUri : imagePolicyUri;
    const problem = problemOf({ id, initData, binding, uri, path, isFile }, rules, live.registered);
    if (problem !== undefined) issues.add(problem);
  });
  return readers.flatMap(({ id, initData, binding, facts, path }) => {
    if (facts === undefined) return [];
    const starting = {
      id,
      initData,
      binding,
      uri: facts.imagePolicyUri,
      path: `${path}.initdataFile`,
      isFile: true,
    };
    const problem = problemOf(starting, rules, live.registered);
    return problem === undefined ? [] : [`${problem.path}: image policy ${problem.given}. ${problem.mend}`];
  });
}
