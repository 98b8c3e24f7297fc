import { decodeAnnotation } from "../initdata/annotation.ts";
import type { Issues } from "../issues.ts";
import type { PodDeclaration } from "../settings/pod.ts";

/** An object of a pod's name and kind that is in the cluster. */
export interface LivePod {
  /** Its initdata annotation, or its template's. */
  readonly annotation?: string;
  /** Whether a Pulumi program has made it, or taken it over. */
  readonly managed: boolean;
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
 * running pod: it would go on with what it was measured with, and its annotation would say something else.
 */
export function checkLivePod(
  pod: PodDeclaration,
  live: LivePod | undefined,
  toml: string,
  path: string,
  issues: Issues,
): void {
  if (live === undefined || live.managed) return;
  const what = `${pod.kind} "${pod.name}" in namespace "${pod.namespace}"`;
  if (!pod.adopt) {
    issues.add({
      path: `${path}.adopt`,
      given: `nothing, and ${what} exists already`,
      allowed: "a name that is free, or adopt: true to take it over",
      mend: "Rename the pod, delete the other one, or set adopt: true.",
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
