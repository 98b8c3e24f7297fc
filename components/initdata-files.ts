import { readFile } from "node:fs/promises";
import * as pulumi from "@pulumi/pulumi";
import { Issues } from "../core/issues.ts";
import type { PodDeclaration } from "../core/settings/pod.ts";

/**
 * The initdata files that pods are to take byte for byte: path -> content.
 * @throws IssuesError naming every file that cannot be read
 */
export async function readInitdataFiles(
  pods: readonly PodDeclaration[],
  subject: string,
): Promise<Readonly<Record<string, string>>> {
  const issues = new Issues();
  const read = pods.map(async ({ initdataFile }, index): Promise<readonly [string, string][]> => {
    if (initdataFile === undefined) return [];
    try {
      return [[initdataFile, await readFile(initdataFile, "utf8")]];
    } catch {
      issues.add({
        path: `pods[${index}].initdataFile`,
        given: `"${initdataFile}", which cannot be read`,
        allowed: "the path of a TOML file, from the project's folder",
        mend: "Correct the path, or remove the setting to have the initdata generated.",
      });
      return [];
    }
  });
  const files = (await Promise.all(read)).flat();
  issues.throwIfAny(subject);
  return Object.fromEntries(files);
}

/** `organization/project/stack`: under this name a stack's lines stand in what it shares with others. */
export function stackName(): string {
  return `${pulumi.getOrganization()}/${pulumi.getProject()}/${pulumi.getStack()}`;
}
