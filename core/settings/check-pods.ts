import { INITDATA_ANNOTATION } from "../initdata/annotation.ts";
import { algorithmsOf } from "../initdata/binding.ts";
import { given, type Issues } from "../issues.ts";
import { checkName, checkUnique } from "../names.ts";
import { shownName } from "../shown.ts";
import { everythingKnown, type Unread, type IsKnown } from "./unread.ts";
import type { PodDeclaration } from "./pod.ts";
import { hasReplicas } from "./workload.ts";

/** Top-level names that the initdata document already uses, and what sets them. */
const reservedClaims: ReadonlyMap<string, string> = new Map([
  ["algorithm", "the setting algorithm"],
  ["version", "the document's format"],
  ["data", "the document's format"],
  ["pod_name", "the pod's name"],
  ["pod_namespace", "the pod's namespace"],
]);

/** Control characters. TOML or some of its readers reject them, and a terminal obeys them. */
const CONTROL = /[\p{Cc}\p{Surrogate}]/u;

/**
 * Rejects claims that replace a field of the document itself, and claims with control characters.
 * @param path of the claims in the settings
 */
export function checkClaims(
  claims: Readonly<Record<string, string>> | undefined,
  path: string,
  issues: Issues,
): void {
  for (const [name, value] of Object.entries(claims ?? {})) {
    if (CONTROL.test(value)) {
      issues.add({
        code: "TA602",
        path: `${path}.${name}`,
        given: `"${shownName(value)}"`,
        allowed: "one line of text without control characters, which a guest may refuse to read",
        fix: "Remove the control characters.",
      });
    }
    const owner = reservedClaims.get(name);
    if (owner === undefined) continue;
    issues.add({
      code: "TA604",
      path: `${path}.${name}`,
      given: "a claim with a name that the initdata document already uses",
      allowed: `any name except ${[...reservedClaims.keys()].join(", ")}`,
      fix: `Rename the claim: ${name} is set by ${owner}.`,
    });
  }
}

/**
 * Rejects a user's initdata annotation: this program sets it and would drop the user's value.
 * @param path of the annotations in the settings
 */
export function checkAnnotations(
  annotations: Readonly<Record<string, string>> | undefined,
  path: string,
  issues: Issues,
): void {
  if (!Object.hasOwn(annotations ?? {}, INITDATA_ANNOTATION)) return;
  issues.add({
    code: "TA604",
    path: `${path}["${INITDATA_ANNOTATION}"]`,
    given: "an initdata annotation, which this program sets itself",
    allowed: "other annotations",
    fix: "Remove it. To use existing initdata, decode it (base64 -d | gunzip) into a file and set initdataFile.",
  });
}

/**
 * Checks that need nothing but the pod itself.
 * @param isKnown whether a setting was read; otherwise it only has its default
 */
export function checkPod(
  pod: PodDeclaration,
  path: string,
  issues: Issues,
  isKnown: IsKnown = everythingKnown,
): void {
  const prefix = path === "" ? "" : `${path}.`;
  // A controller's name becomes a label value, which is limited to 63 characters.
  checkName(pod.kind === "Pod" ? "subdomain" : "label", pod.name, `${prefix}name`, issues);
  checkName("label", pod.namespace, `${prefix}namespace`, issues);
  if (isKnown("containerName")) {
    checkName("label", pod.containerName, `${prefix}containerName`, issues);
  }
  if (pod.image === "" && pod.deploy && isKnown("image")) {
    issues.add({
      code: "TA609",
      path: `${prefix}image`,
      given: "nothing",
      allowed: "an image reference",
      fix: "Set it for this pod, or for all in podDefaults.image.",
    });
  }
  if (isKnown("binding") && !algorithmsOf(pod.binding).includes(pod.algorithm)) {
    issues.add({
      code: "TA614",
      path: `${prefix}algorithm`,
      given: given(pod.algorithm),
      allowed: `${algorithmsOf(pod.binding).join(", ")} (the binding ${pod.binding} extends a SHA-256 PCR)`,
      fix: "Use sha256, or the binding of a bare-metal TEE (snp, tdx).",
    });
  }
  if (pod.replicas !== undefined && !hasReplicas(pod.kind) && isKnown("kind")) {
    issues.add({
      code: "TA611",
      path: `${prefix}replicas`,
      given: `${pod.replicas} for a ${pod.kind}`,
      allowed: "a number of replicas for a Deployment or a StatefulSet",
      fix: "Remove it, or set kind.",
    });
  }
  if (pod.adopt && pod.kind !== "Pod") {
    issues.add({
      code: "TA611",
      path: `${prefix}adopt`,
      given: `true for a ${pod.kind}: the selector of an existing one cannot be changed`,
      allowed: "adopt: true for kind: Pod",
      fix: "Delete the existing one so that it can be created again, or leave it to its owner: deploy: false.",
    });
  } else if (pod.adopt && !pod.deploy) {
    issues.add({
      code: "TA611",
      path: `${prefix}adopt`,
      given: "true, for a pod that is not deployed here",
      allowed: "adopt: true with deploy: true",
      fix: "Remove one of the two.",
    });
  }
}

export function checkPods(pods: readonly PodDeclaration[], { knownOf }: Unread, issues: Issues): void {
  pods.forEach((pod, index) => {
    checkPod(pod, `pods[${index}]`, issues, knownOf(pod));
  });
  // Pods with an unknown namespace all have the default one: compare them only with each other.
  for (const isPlaced of [true, false]) {
    checkUnique(
      pods.flatMap((pod, index) =>
        knownOf(pod)("namespace") === isPlaced ? [{ name: pod.id, path: `pods[${index}].name` }] : [],
      ),
      "a pod",
      issues,
    );
  }
}
