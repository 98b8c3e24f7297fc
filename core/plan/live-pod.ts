import { decodeAnnotation } from "../initdata/annotation.ts";
import { strayWords } from "../initdata/annotation-names.ts";
import type { Issues } from "../issues.ts";
import type { PodDeclaration } from "../settings/pod.ts";
import type { StackId } from "../policy/grants.ts";
import { isNamesake, isSameStack, namesakeIssue } from "../policy/identity.ts";
import { STACK_ANNOTATION } from "../trustee/ownership.ts";

/** An object of a pod's name and kind that is in the cluster. */
export interface LivePod {
  /** Its initdata annotation, or its template's. */
  readonly annotation?: string;
  /** The names of annotations that were meant to be that one, as it seems. @default none */
  readonly strayAnnotations?: readonly string[];
  /** The stack whose mark it carries, `organization/project/stack`: which has made it, or taken it over. */
  readonly stack?: string;
  /** That stack's identity, where the mark has one. */
  readonly identity?: string;
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

/** Whether it is there, with the mark of this stack. */
export function isOwnPod(live: LivePod | undefined, own: StackId): boolean {
  if (live?.stack === undefined) return false;
  const mark = { stack: live.stack, identity: live.identity };
  return isSameStack(mark, own) && !isNamesake(mark, own);
}

/**
 * Nobody else's object is taken over unless that is asked for (`adopt`), and none whose initdata would change under a
 * running pod: it would go on with what it was measured with, and its annotation would say something else. Whose an object is
 * says its mark alone: that Pulumi has made it says nothing of which stack.
 * @param own this stack
 * @param takeOver whether what another stack of its name has left is this one's
 */
export function checkLivePod(
  pod: PodDeclaration,
  live: LivePod | undefined,
  toml: string,
  own: StackId,
  takeOver: boolean,
  path: string,
  issues: Issues,
): void {
  if (live === undefined) return;
  const mark = live.stack === undefined ? undefined : { stack: live.stack, identity: live.identity };
  const what = `${pod.kind} "${pod.name}" in namespace "${pod.namespace}"`;
  const namesake = mark !== undefined && isNamesake(mark, own);
  if (namesake && !takeOver) {
    namesakeIssue(path, what, own.stack, issues);
    return;
  }
  if (isOwnPod(live, own)) return;
  // A controller rolls its pods to whatever is declared.
  if (namesake && pod.kind !== "Pod") return;
  const whose = live.stack === undefined ? "" : ` and belongs to the stack ${live.stack}`;
  if (!pod.adopt && !namesake) {
    issues.add({
      path: `${path}.adopt`,
      given: `nothing, and ${what} exists already${whose}`,
      ...(pod.kind === "Pod"
        ? {
            allowed: "a name that is free, or adopt: true to take it over",
            fix:
              live.stack === undefined
                ? "Rename the pod, delete the other one, or set adopt: true."
                : `Rename the pod, or take it out of ${live.stack} first: once two stacks have it, either deletes it. If this stack has made it under that name: ${markCommand(pod, own)}`,
          }
        : {
            allowed: "a name that is free",
            fix: `Rename it, or delete the other one. If this stack has made it, only its mark is missing: ${markCommand(pod, own)}`,
          }),
    });
  } else if (!sameInitdata(live, toml)) {
    issues.add({
      path: `${path}.adopt`,
      given: `${what}, which runs with ${runsWith(live)}`,
      allowed: "an object with just the initdata that is declared here",
      fix: "Take its initdata over byte for byte with initdataFile, or delete it and have it created anew.",
    });
  }
}

function runsWith({ annotation, strayAnnotations = [] }: LivePod): string {
  if (annotation !== undefined) return "other initdata";
  return ["no initdata", ...strayAnnotations.map(strayWords)].join(": ");
}

function markCommand({ kind, name, namespace }: PodDeclaration, { stack }: StackId): string {
  return `kubectl annotate ${kind.toLowerCase()} ${name} -n ${namespace} ${STACK_ANNOTATION}=${stack} --overwrite`;
}
