import { claimSpellings, initDataClaim, normalizedClaim, type Binding } from "../initdata/binding.ts";
import { inspectInitdata, type InitdataFacts } from "../initdata/verbatim.ts";
import type { Issues } from "../issues.ts";
import type { ReaderSettings } from "../settings/schema.ts";
import { carriedAlgorithm, type PlannedPod } from "./pod.ts";

/** Whoever may read a secret: a pod of this stack, or an initdata that is deployed elsewhere. */
export interface Reader {
  /** How grants, outputs and the policy call it. */
  readonly id: string;
  /** Empty for one that is deployed elsewhere. */
  readonly namespace: string;
  readonly binding: Binding;
  /** The claim `init_data`: lower-case hex, or base64 for the sample TEE. */
  readonly initData: string;
  /** The claim in every spelling that a verifier may report. */
  readonly spellings: readonly string[];
  /** Whether its digest goes into the reference values. */
  readonly registered: boolean;
  /** Where it stands in the settings. */
  readonly path: string;
  /** A pod's initdata file, which it may share with others. */
  readonly file?: string;
  /** What its initdata file says of itself, where it is deployed elsewhere and given by a file. */
  readonly facts?: InitdataFacts;
}

export function podReader({ declaration, initData }: PlannedPod, path: string): Reader {
  const { id, namespace, binding, initdataFile: file } = declaration;
  const spellings = claimSpellings(binding, initData);
  const reader = { id, namespace, binding, initData, spellings, registered: true, path };
  return file === undefined ? reader : { ...reader, file };
}

/** @param file the content of its initdataFile, where it is not given by its digest */
export function outsideReader(
  reader: ReaderSettings,
  file: string | undefined,
  path: string,
  issues: Issues,
): Reader {
  const { name, binding, referenceValues } = reader;
  const filePath = `${path}.initdataFile`;
  const facts = file === undefined ? undefined : inspectInitdata(file, filePath, issues);
  const initData =
    file === undefined || facts === undefined
      ? normalizedClaim(binding, reader.initdata ?? "")
      : initDataClaim(binding, carriedAlgorithm(binding, facts.algorithm, filePath, issues), file);
  return {
    id: name,
    namespace: "",
    binding,
    initData,
    spellings: claimSpellings(binding, initData),
    registered: referenceValues,
    path,
    ...(facts === undefined ? {} : { facts }),
  };
}

/** The readers by what Trustee knows them by: pods that share a file, and measure alike, are one. */
export function readerGroups(readers: readonly Reader[]): ReadonlyMap<string, readonly Reader[]> {
  return Map.groupBy(readers, groupOf);
}

/** What readers that are one have in common. */
export function groupOf({ id, file, initData }: Reader): string {
  return JSON.stringify(file === undefined ? [id] : [file, initData]);
}

/**
 * Two that measure alike cannot be told apart: a grant to one is a grant to both. Pods that share a file are meant to be so; of all
 * others it is a mistake.
 */
export function checkDistinct(readers: readonly Reader[], issues: Issues): void {
  const first = new Map<string, Reader>();
  for (const reader of readers) {
    const { id, initData, path } = reader;
    const before = first.get(initData);
    if (before === undefined) first.set(initData, reader);
    else if (groupOf(before) !== groupOf(reader)) {
      issues.add({
        path,
        given: `the same initdata as ${before.id}`,
        allowed:
          "initdata of its own, or one initdataFile for pods that may read the same: Trustee tells pods apart by nothing else",
        fix: `Give ${id} a claim of its own (claims), or another initdataFile.`,
      });
    }
  }
}
