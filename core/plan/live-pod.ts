import { decodeAnnotation } from "../initdata/annotation.ts";
import type { Issues } from "../issues.ts";
import type { PodDeclaration } from "../settings/pod.ts";
import { STACK_ANNOTATION } from "../trustee/ownership.ts";

/** An object of a pod's name and kind that is in the cluster. */
export interface LivePod {
  /** Its initdata annotation, or its template's. */
  readonly annotation?: string;
  /** The stack whose mark it carries, `organization/project/stack`: which has made it, or taken it over. */
  readonly stack?: string;
}

/** Whether it carries just these bytes, however they are compressed. */
export function sameInitdata(live: LivePod | undefined, toml: string): boolean {
  if (live?.annotation === undefined) return false;
  try {
    return Buffer.from(decodeAnnotation(live.annotation)).equals(Buffer.from(toml, "utf8"));
  } catch {
    return false;
  }
}

/**
 * Nobody else's object is taken over unless that is asked for (`adopt`), and none whose initdata would change under a
 * running pod: it would go on with what it was measured with, and its annotation would say something else. Whose an object is
 * says its mark alone: that Pulumi has made it says nothing of which stack.
 * @param stack `organization/project/stack`: this one
 */
export function checkLivePod(
  pod: PodDeclaration,
  live: LivePod | undefined,
  toml: string,
  stack: string,
  path: string,
  issues: Issues,
): void {
  if (live === undefined || live.stack === stack) return;
  const whose = live.stack === undefined ? "" : ` and belongs to the stack ${live.stack}`;
  const what = `${pod.kind} "${pod.name}" in namespace "${pod.namespace}"`;
  if (!pod.adopt) {
    issues.add({
      path: `${path}.adopt`,
      given: `nothing, and ${what} exists already${whose}`,
      ...(pod.kind === "Pod"
        ? {
            allowed: "a name that is free, or adopt: true to take it over",
            mend:
              live.stack === undefined
                ? "Rename the pod, delete the other one, or set adopt: true."
                : `Rename the pod, or take it out of ${live.stack} first: once two stacks have it, either deletes it.`,
          }
        : {
            allowed: "a name that is free",
            mend: `Rename it, or delete the other one. If this stack has made it, only its mark is missing: kubectl annotate ${pod.kind.toLowerCase()} ${pod.name} -n ${pod.namespace} ${STACK_ANNOTATION}=${stack}`,
          }),
    });
  } else if (!sameInitdata(live, toml)) {
    issues.add({
      path: `${path}.adopt`,
      given: `${what}, which runs with ${live.annotation === undefined ? "no initdata" : "other initdata"}`,
      allowed: "an object with just the initdata that is declared here",
      mend: "Take its initdata over byte for byte with initdataFile, or delete it and have it created anew.",
    });
  }
}
