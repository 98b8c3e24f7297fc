import TOML from "@iarna/toml";
import { isRecord, own } from "../records.ts";
import { decodeAnnotation } from "./annotation.ts";
import { textAt } from "./guest-files.ts";
import type { Table } from "./toml-parts.ts";

function documentIn(annotation: string): Table {
  return TOML.parse(Buffer.from(decodeAnnotation(annotation)).toString("utf8"));
}

/**
 * The agent policy in an initdata annotation, if any.
 * @throws Error if the annotation is not initdata
 */
export function agentPolicyIn(annotation: string): string | undefined {
  return textAt(documentIn(annotation), "data", "policy.rego");
}

/**
 * The names of the files that differ between two initdata annotations, sorted.
 * @throws Error if an annotation is not initdata
 */
export function changedFiles(before: string, after: string): readonly string[] {
  const [was, will] = [before, after].map((annotation) => {
    const data = own(documentIn(annotation), "data");
    return isRecord(data) ? data : {};
  });
  const names = new Set([was, will].flatMap((data = {}) => Object.keys(data)));
  const textIn = (data: Table | undefined, name: string): string =>
    JSON.stringify(own(data ?? {}, name) ?? null);
  return [...names].filter((name) => textIn(was, name) !== textIn(will, name)).sort();
}
