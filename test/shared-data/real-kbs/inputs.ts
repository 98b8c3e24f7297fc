import type { Generation } from "../../../core/trustee/generation.ts";
import { joinPolicy } from "../../../core/policy/share.ts";
import { priorReferenceValues } from "../../../sandbox/trustee/manifests/reference-values.ts";
import { kbsPaths } from "../../../sandbox/trustee/standin/kbs.ts";
import type { KbsVersion } from "../../../sandbox/trustee/standin/token.ts";

export const generationOf = (version: KbsVersion): Generation => (version === "v0.21" ? "0.21" : "0.18");

export type Entry = Readonly<Record<string, unknown>> & { readonly name: string };

const EXPIRATION = "2035-01-01T00:00:00Z";

export const entry = (name: string, value: unknown): Entry => ({ name, expiration: EXPIRATION, value });

/** The reference values that make the sample platform affirming. */
export const sampleValues: readonly Entry[] = [
  entry("launch_digest", ["abcde"]),
  entry("svn", ["1"]),
  entry("major_version", 1),
  entry("minimum_minor_version", 4),
];

const twoDigests: readonly string[] = ["aa", "bb"];

/** Foreign values with a digest that this project has added. */
const otherValues = (digests: readonly string[]): readonly Entry[] =>
  priorReferenceValues.map(({ name, value }) => entry(name, name.endsWith("_pcr08") ? digests : value));

export const base64url = (value: unknown): string =>
  Buffer.from(JSON.stringify(value)).toString("base64").replaceAll("+", "-").replaceAll("/", "_");

/**
 * The values in a generation's format. In the list format, launch_digest starts on line 73, as in the
 * recorded errors.
 */
export function valuesText(generation: Generation, entries: readonly Entry[], digests = twoDigests): string {
  const all = [...otherValues(digests), ...entries];
  if (generation === "0.18") {
    const filler = entry("filler", Array.from({ length: 7 }, String));
    return JSON.stringify([filler, ...all], null, 2);
  }
  const map = all.map((one) => [one.name, base64url({ version: "0.1.0", ...one })]);
  return JSON.stringify(Object.fromEntries(map), null, 2);
}

/** The attestation policy reads the first value on line 73, which is indented by a tab in v0.16. */
function attestationPolicy(version: KbsVersion): string {
  const indent = version === "v0.16" ? "\t" : "  ";
  return `${"\n".repeat(72)}${indent}input.sample.launch_digest in query_reference_value("launch_digest")\n`;
}

/** The KBS's files: its own, and those that this project wrote for a pod1 with a grant for fraud-dataset. */
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
