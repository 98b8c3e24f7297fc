import { claimSpellings, initDataClaim, normalizedClaim, type Binding } from "../initdata/binding.ts";
import { inspectInitdata, type InitdataFacts } from "../initdata/verbatim.ts";
import type { Issues } from "../issues.ts";
import type { Grant } from "../policy/grants.ts";
import type { Rotation } from "../policy/rotation.ts";
import { byName } from "../records.ts";
import type { ReaderSettings } from "../settings/schema.ts";
import { carriedAlgorithm, type PlannedPod } from "./pod.ts";

/** A pod of this stack, or initdata deployed elsewhere, that may read secrets. */
export interface Reader {
  /** Its name in grants, outputs and the policy. */
  readonly id: string;
  /** Empty if it is deployed elsewhere. */
  readonly namespace: string;
  readonly binding: Binding;
  /** The claim `init_data`: lower-case hex, or base64 for the sample TEE. */
  readonly initData: string;
  /** All spellings in which a verifier may report the claim. */
  readonly spellings: readonly string[];
  /** Whether its digest goes into the reference values. */
  readonly registered: boolean;
  /** Its path in the settings. */
  readonly path: string;
  /** A pod's initdata file, which several pods may share. */
  readonly file?: string;
  /** The facts in its initdata file, if it is deployed elsewhere and given by a file. */
  readonly facts?: InitdataFacts;
}

export function podReader({ declaration, initData }: PlannedPod, path: string): Reader {
  const { id, namespace, binding, initdataFile: file } = declaration;
  const spellings = claimSpellings(binding, initData);
  const reader = { id, namespace, binding, initData, spellings, registered: true, path };
  return file === undefined ? reader : { ...reader, file };
}

/** @param file the content of its initdataFile, if it has one */
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

/** The policy's entries for a grant: one for each spelling of the reader's claim. */
export function grantsTo({ id, binding, spellings }: Reader, secret: string, key: string): readonly Grant[] {
  return spellings.map((initData) => ({ secret, key, binding, initData, reader: id }));
}

/** The claims of readers, in every spelling -> the reader's name. Sorted. */
export function currentClaims(readers: readonly Reader[]): Rotation["current"] {
  const claims = readers.flatMap(({ id, spellings }) =>
    spellings.map((claim): [string, string] => [claim, id]),
  );
  return Object.fromEntries(claims.sort(byName));
}

/** The readers as Trustee distinguishes them: pods with the same file and digest are one. */
export function readerGroups(readers: readonly Reader[]): ReadonlyMap<string, readonly Reader[]> {
  return Map.groupBy(readers, groupOf);
}

export function groupOf({ id, file, initData }: Reader): string {
  return JSON.stringify(file === undefined ? [id] : [file, initData]);
}

/**
 * Rejects readers with the same digest: Trustee cannot distinguish them, so a grant to one is a grant to
 * both. Pods that share a file are exempt.
 */
export function checkDistinct(readers: readonly Reader[], issues: Issues): void {
  const first = new Map<string, Reader>();
  for (const reader of readers) {
    const { id, initData, path } = reader;
    const before = first.get(initData);
    if (before === undefined) first.set(initData, reader);
    else if (groupOf(before) !== groupOf(reader)) {
      issues.add({
        code: "TA704",
        path,
        given: `the same initdata as ${before.id}`,
        allowed:
          "its own initdata, or a shared initdataFile for pods with the same access: Trustee distinguishes pods only by initdata",
        fix: `Give ${id} a claim of its own (claims), or another initdataFile.`,
      });
    }
  }
}
