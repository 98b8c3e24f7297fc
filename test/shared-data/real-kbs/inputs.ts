import type { Generation } from "../../../core/trustee/generation.ts";
import { joinPolicy } from "../../../core/policy/share.ts";
import { priorReferenceValues } from "../../../sandbox/trustee/manifests/reference-values.ts";
import { kbsPaths } from "../../../sandbox/trustee/standin/kbs.ts";
import type { KbsVersion } from "../../../sandbox/trustee/standin/token.ts";

export function generationOf(version: KbsVersion): Generation {
  return version === "v0.21" ? "0.21" : "0.18";
}

/** A reference value as a scenario writes it. */
export type Entry = Readonly<Record<string, unknown>> & { readonly name: string };

const EXPIRATION = "2035-01-01T00:00:00Z";

export function entry(name: string, value: unknown): Entry {
  return { name, expiration: EXPIRATION, value };
}

/** What makes the sample platform affirming. */
export const sampleValues: readonly Entry[] = [
  entry("launch_digest", ["abcde"]),
  entry("svn", ["1"]),
  entry("major_version", 1),
  entry("minimum_minor_version", 4),
];

const twoDigests: readonly string[] = ["aa", "bb"];

/** Somebody else's values, to which the product has added a digest. */
function otherValues(digests: readonly string[]): readonly Entry[] {
  return priorReferenceValues.map(({ name, value }) =>
    entry(name, name.endsWith("_pcr08") ? digests : value),
  );
}

export function base64url(value: unknown): string {
  return Buffer.from(JSON.stringify(value)).toString("base64").replaceAll("+", "-").replaceAll("/", "_");
}

/** The values in a generation's format. In the list format launch_digest begins on line 73, as errors in the recordings say. */
export function valuesText(generation: Generation, entries: readonly Entry[], digests = twoDigests): string {
  const all = [...otherValues(digests), ...entries];
  if (generation === "0.18") {
    const filler = entry("filler", Array.from({ length: 7 }, String));
    return JSON.stringify([filler, ...all], null, 2);
  }
  const map = all.map((one) => [one.name, base64url({ version: "0.1.0", ...one })]);
  return JSON.stringify(Object.fromEntries(map), null, 2);
}

/** Where the attestation policy asks for the value that is asked first: on line 73, in v0.16 indented by a tab. */
function attestationPolicy(version: KbsVersion): string {
  const indent = version === "v0.16" ? "\t" : "  ";
  return `${"\n".repeat(72)}${indent}input.sample.launch_digest in query_reference_value("launch_digest")\n`;
}

/** The files that the KBS reads: its own, and what the product wrote for a pod1 that is granted fraud-dataset. */
export function filesOf(version: KbsVersion, pod1: string, digests?: readonly string[]): Map<string, Buffer> {
  const generation = generationOf(version);
  const paths = kbsPaths[generation];
  const secrets = { "fraud-dataset": { "*": { sample: { [pod1]: "pod1" } } } };
  const files: Readonly<Record<string, string>> = {
    [paths.policy]: joinPolicy(null, { stack: "o/p/s", others: "affirming", secrets }),
    [paths.attestationPolicy]: attestationPolicy(version),
    [paths.referenceValues]: valuesText(generation, sampleValues, digests),
    [`${paths.repository}/fraud-dataset/dataset_key`]: "sandbox dataset decryption key",
    [`${paths.repository}/kbsres1/key1`]: "resval1",
  };
  return new Map(Object.entries(files).map(([path, text]) => [path, Buffer.from(text)]));
}
