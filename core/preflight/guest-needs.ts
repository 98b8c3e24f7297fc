import { decideFor } from "../access/model.ts";
import type { Binding } from "../initdata/binding.ts";
import {
  imagePolicyNeed,
  needFlaw,
  placeName,
  type GuestNeed,
  type NeedFlaw,
  type ServedSecrets,
} from "../initdata/guest-needs.ts";
import { given, type Issue, type Issues } from "../issues.ts";
import type { Plan } from "../plan/plan.ts";
import { mergeGrants, type AccessRules, type StackGrants } from "../policy/grants.ts";
import type { Before } from "../policy/registry.ts";
import { shownName } from "../shown.ts";
import { stacksAfterJoin } from "../policy/share.ts";

/** A pod or reader that needs resources of the KBS to start. */
interface Starting {
  readonly id: string;
  readonly initData: string;
  readonly binding: Binding;
  readonly needs: readonly GuestNeed[];
  /** The path of these needs in the settings. */
  readonly path: string;
  /** Whether they come from an initdata file. */
  readonly isFile: boolean;
}

/** The parts of an issue. `given` follows the name of the needed resource in a sentence. */
function flawWords(
  flaw: NeedFlaw,
  { what, setting, place }: GuestNeed,
  { id, isFile }: Starting,
  rules: AccessRules,
): Omit<Issue, "code" | "path"> {
  const secret = place?.secret ?? "";
  const without = isFile ? `take the ${what} out of the file` : "set imagePolicy: false";
  switch (flaw.kind) {
    case "uri":
      return {
        given: `which ${flaw.words} (${setting}): ${id} could not start`,
        allowed: `kbs:///<repository>/<secret>/<key>, or no ${what}`,
        fix: `Correct it in the file, or ${without}.`,
      };
    case "unregistered":
      return {
        given: `whose secret is not registered with the KBS: ${id} could not start`,
        allowed: `a secret that the KbsConfig lists, or no ${what}`,
        fix: `Declare it under secrets, or ${without}.`,
      };
    case "missing":
      return {
        given: `whose Secret does not exist: ${id} could not start`,
        allowed: `a Secret that exists, or no ${what}`,
        fix: `Create the Secret, or ${without}.`,
      };
    case "no key":
      return {
        given: `whose Secret has no such key: ${id} could not start`,
        allowed: flaw.keys.map((key) => shownName(key)).join(", "),
        fix: "Name a key that the Secret has, or add the key.",
      };
    case "denied":
      return {
        given: `which the resource policy would deny to ${id}: it could not start`,
        allowed: "a secret that the pod may read",
        fix:
          rules.others === "deny"
            ? `Grant ${secret} to ${id}, or set otherSecrets: affirming.`
            : `Grant ${secret} to ${id}.`,
      };
  }
}

/** The problems of all needs; `what` precedes `given`. */
function problemsOf(
  starting: Starting,
  rules: AccessRules,
  served: ServedSecrets,
): readonly (Issue & { readonly what: string })[] {
  const { initData, binding, needs, path } = starting;
  return needs.flatMap((need) => {
    const flaw = needFlaw(need, served, (place) => decideFor(rules, place, { initData, binding }).allowed);
    if (flaw === undefined) return [];
    const words = flawWords(flaw, need, starting, rules);
    const name = need.place === undefined ? given(need.uri) : `"${shownName(placeName(need.place))}"`;
    return [{ ...words, code: "TA705", what: need.what, path, given: `${name}, ${words.given}` }];
  });
}

/**
 * Checks that guests get what they need from the KBS to start: each secret must be registered, exist, have
 * the key, and be readable by the pod under the new policy. Problems of pods become issues.
 * @param live the Secrets in the KbsConfig, and those that this stack is about to add
 * @returns warnings for readers, which are deployed elsewhere
 */
export function checkGuestNeeds(
  { pods, readers, grants }: Plan,
  live: ServedSecrets & { readonly policy: Before; readonly vanished?: readonly StackGrants[] | undefined },
  issues: Issues,
): readonly string[] {
  const rules = mergeGrants(stacksAfterJoin(live.policy, grants, live.vanished));
  pods.forEach(({ declaration: { id, binding, imagePolicyUri }, facts, initData }, index) => {
    const isFile = facts !== undefined;
    const path = `pods[${index}].${isFile ? "initdataFile" : "imagePolicy"}`;
    const needs = isFile ? facts.needs : imagePolicyNeed(imagePolicyUri);
    for (const { what, ...issue } of problemsOf(
      { id, initData, binding, needs, path, isFile },
      rules,
      live,
    )) {
      issues.add(what === "image policy" ? issue : { ...issue, given: `${what} ${issue.given}` });
    }
  });
  return readers.flatMap(({ id, initData, binding, facts, path }) => {
    const starting = { id, initData, binding, path: `${path}.initdataFile`, isFile: true };
    return problemsOf({ ...starting, needs: facts?.needs ?? [] }, rules, live).map(
      ({ what, given: found, fix, ...issue }) => `${issue.path}: ${what} ${found}. ${fix}`,
    );
  });
}
