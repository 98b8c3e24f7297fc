import { readFileSync } from "node:fs";
import { isMap, isSeq, parseAllDocuments, type Document } from "yaml";
import type { Sandbox } from "../../../sandbox/api.ts";
import { NAMESPACE } from "./cluster.ts";
import type { Manifest } from "../../../sandbox/trustee/manifests/objects.ts";
import { apply } from "./objects.ts";

/** The shipped manifests that every stack needs, and their namespaces. */
export const sides = { "trustee-side": NAMESPACE, "pod-side": "default" } as const;
export type Side = keyof typeof sides;

interface Rule {
  readonly resources: readonly string[];
  readonly verbs: readonly string[];
}

/** One verb on one resource, and the manifest's comment on its rule. */
export interface Right {
  readonly resource: string;
  readonly verb: string;
  readonly comment: string;
}

function read(side: Side, edit: (text: string) => string = (text) => text): Document[] {
  return [...parseAllDocuments(edit(readFileSync(`deploy/rbac/${side}.yaml`, "utf8")))];
}

function isRole(document: Document): boolean {
  return document.get("kind") === "Role";
}

/** Every right that a manifest grants. */
export function rightsOf(side: Side): readonly Right[] {
  const role = read(side).find(isRole);
  const rules = role?.get("rules");
  if (!isSeq(rules)) throw new Error(`deploy/rbac/${side}.yaml has no rules`);
  return rules.items.flatMap((item, index) => {
    if (!isMap(item)) throw new Error(`deploy/rbac/${side}.yaml has a rule that is not a map`);
    const { resources, verbs } = item.toJSON() as Rule;
    const comment = item.commentBefore ?? (index === 0 ? rules.commentBefore : undefined) ?? "";
    return resources.flatMap((resource) =>
      verbs.map((verb) => ({ resource, verb, comment: comment.replaceAll(/\s+/g, " ") })),
    );
  });
}

/** Enables the rules that the manifest has as comments. */
export function withOptionalRules(text: string): string {
  return text.replaceAll(/^ {2}# (- apiGroups| {2}(resources|resourceNames|verbs))/gm, "  $1");
}

/** Applies a manifest with only the granted rights, in place of the previous ones. */
export async function grant(
  sandbox: Sandbox,
  side: Side,
  isGranted: (right: Pick<Right, "resource" | "verb">) => boolean,
  edit?: (text: string) => string,
): Promise<void> {
  for (const document of read(side, edit)) {
    const { rules = [], ...object } = document.toJSON() as Manifest & { readonly rules?: readonly Rule[] };
    const granted = rules.map((rule) => ({
      ...rule,
      verbs: rule.verbs.filter((verb) => rule.resources.every((resource) => isGranted({ resource, verb }))),
    }));
    await apply(sandbox, {
      ...object,
      metadata: { ...object.metadata, namespace: sides[side] },
      ...(isRole(document) ? { rules: granted.filter(({ verbs }) => verbs.length > 0) } : {}),
    });
  }
}
