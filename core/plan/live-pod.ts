import { decodeAnnotation } from "../initdata/annotation.ts";
import { strayWords } from "../initdata/annotation-names.ts";
import type { Issues } from "../issues.ts";
import type { PodDeclaration } from "../settings/pod.ts";
import type { StackId } from "../policy/grants.ts";
import { isNamesake, isSameStack, namesakeIssue } from "../policy/identity.ts";
import { STACK_ANNOTATION } from "../trustee/ownership.ts";

/** The object in the cluster with a pod's name and kind. */
export interface LivePod {
  /** The initdata annotation of the object or its template. */
  readonly annotation?: string;
  /** Annotations that look like misspelled initdata annotations. @default none */
  readonly strayAnnotations?: readonly string[];
  /** The stack in its mark, `organization/project/stack`: the one that created it or took it over. */
  readonly stack?: string;
  /** The identity of that stack, if the mark has one. */
  readonly identity?: string;
}

/** Whether it has exactly these bytes, in any compression. */
export function sameInitdata(live: LivePod | undefined, toml: string): boolean {
  if (live?.annotation === undefined) return false;
  try {
    return Buffer.from(decodeAnnotation(live.annotation)).equals(Buffer.from(toml, "utf8"));
  } catch {
    return false;
  }
}

/** Whether it exists and has this stack's mark. */
export function isOwnPod(live: LivePod | undefined, own: StackId): boolean {
  if (live?.stack === undefined) return false;
  const mark = { stack: live.stack, identity: live.identity };
  return isSameStack(mark, own) && !isNamesake(mark, own);
}

/**
 * Checks whether a pod can be created or taken over. An object of others needs `adopt`. It must not change
 * initdata: a running pod keeps what it was measured with, and its annotation would be wrong. Only the mark
 * names the object's stack; Pulumi's field manager does not.
 * @param own this stack
 * @param takeOver whether objects of another stack of the same name count as this one's
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
  // A controller replaces its pods after any change.
  if (namesake && pod.kind !== "Pod") return;
  const whose = live.stack === undefined ? "" : ` and belongs to the stack ${live.stack}`;
  if (!pod.adopt && !namesake) {
    issues.add({
      code: "TA806",
      path: `${path}.adopt`,
      given: `nothing, and ${what} exists already${whose}`,
      ...(pod.kind === "Pod"
        ? {
            allowed: "a name that is free, or adopt: true to take it over",
            fix:
              live.stack === undefined
                ? "Rename the pod, delete the other one, or set adopt: true."
                : `Rename the pod, or remove it from ${live.stack} first: otherwise either stack may delete it. If this stack created it under that name: ${markCommand(pod, own)}`,
          }
        : {
            allowed: "a name that is free",
            fix: `Rename it, or delete the other one. If this stack created it, restore its mark: ${markCommand(pod, own)}`,
          }),
    });
  } else if (!sameInitdata(live, toml)) {
    issues.add({
      code: "TA808",
      path: `${path}.adopt`,
      given: `${what}, which runs with ${runsWith(live)}`,
      allowed: "an object with exactly the declared initdata",
      fix: "Use its initdata byte for byte with initdataFile, or delete it so that it is created again.",
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
