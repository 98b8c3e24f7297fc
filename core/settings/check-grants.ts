import { given, type Issues } from "../issues.ts";
import { checkUnique } from "../names.ts";
import type { Unread } from "./unread.ts";
import { listed, podsMeant } from "./references.ts";
import type { GrantSettings, Settings } from "./schema.ts";

type Declared = Pick<Settings, "pods" | "readers" | "secrets">;

/** Whether a reference can mean a pod with an unknown namespace. */
function unplacedAmong(pods: Declared["pods"], { knownOf }: Unread): (reference: string) => boolean {
  const names = new Set(pods.filter((pod) => !knownOf(pod)("namespace")).map(({ name }) => name));
  return (reference) => names.has(reference.slice(reference.lastIndexOf("/") + 1));
}

function checkWho(
  grant: GrantSettings,
  path: string,
  { pods, readers }: Declared,
  { failed }: Unread,
  mayMeanUnplaced: (reference: string) => boolean,
  issues: Issues,
): void {
  const { pod, reader } = grant;
  if ((pod === undefined) === (reader === undefined)) {
    issues.add({
      code: "TA610",
      path,
      given: pod === undefined ? "neither pod nor reader" : "both pod and reader",
      allowed: "one of them",
      fix: "Name the pod of this stack, or the reader, that may read the secret.",
    });
    return;
  }
  if (reader !== undefined) {
    if (failed.has("readers") || readers.some((one) => one.name === reader)) return;
    issues.add({
      code: "TA607",
      path: `${path}.reader`,
      given: given(reader),
      allowed: listed(readers.map((one) => one.name)),
      fix: "Declare it under readers, or correct the name.",
    });
    return;
  }
  if (pod === undefined || failed.has("pods") || mayMeanUnplaced(pod)) return;
  const meant = podsMeant(pods, pod);
  if (meant.length === 0) {
    issues.add({
      code: "TA607",
      path: `${path}.pod`,
      given: given(pod),
      allowed: listed(pods.map((one) => one.id)),
      fix: "Declare the pod under pods, or correct the name.",
    });
  } else if (new Set(meant.map((one) => one.id)).size > 1) {
    issues.add({
      code: "TA608",
      path: `${path}.pod`,
      given: `${given(pod)}, a name in several namespaces`,
      allowed: listed(meant.map((one) => `${one.namespace}/${one.name}`)),
      fix: "Name the namespace too.",
    });
  }
}

function checkWhat(grant: GrantSettings, path: string, secrets: Declared["secrets"], issues: Issues): void {
  const secret = secrets.find((one) => one.name === grant.secret);
  if (secret === undefined) {
    issues.add({
      code: "TA607",
      path: `${path}.secret`,
      given: given(grant.secret),
      allowed: listed(secrets.map((one) => one.name)),
      fix: "Declare the secret under secrets, or correct the name.",
    });
  } else if (grant.key !== undefined && !secret.keys.includes(grant.key)) {
    issues.add({
      code: "TA607",
      path: `${path}.key`,
      given: given(grant.key),
      allowed: listed(secret.keys),
      fix: `Add the key to ${secret.name}'s keys, correct it, or leave it out to grant every key.`,
    });
  }
}

/** @param unread settings that failed to parse; references to them are not checked */
export function checkGrants(
  grants: readonly GrantSettings[],
  declared: Declared,
  unread: Unread,
  issues: Issues,
): void {
  const mayMeanUnplaced = unplacedAmong(declared.pods, unread);
  grants.forEach((grant, index) => {
    checkWho(grant, `grants[${index}]`, declared, unread, mayMeanUnplaced, issues);
    if (!unread.failed.has("secrets")) checkWhat(grant, `grants[${index}]`, declared.secrets, issues);
  });
  const who = ({ pod, reader }: GrantSettings): string => {
    if (pod === undefined) return reader ?? "";
    if (mayMeanUnplaced(pod)) return pod;
    return podsMeant(declared.pods, pod)[0]?.id ?? pod;
  };
  checkUnique(
    grants.map((grant, index) => ({
      name: `${who(grant)} -> ${grant.secret}/${grant.key ?? "*"}`,
      path: `grants[${index}]`,
    })),
    "a grant",
    issues,
  );
}
