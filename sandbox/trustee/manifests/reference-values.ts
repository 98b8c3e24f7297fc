import { z } from "zod";
import type { Generation } from "../../../core/trustee/generation.ts";
import { generationFacts } from "../../../core/trustee/generation.ts";

/** A reference value from the tutorial's earlier steps. This project does not own it. */
interface PriorReferenceValue {
  readonly name: string;
  readonly expiration: string;
  readonly value: readonly string[];
}

const EXPIRATION = "2035-01-01T00:00:00Z";

/** Measured boot of the peer pod image, and an initdata digest that belongs to no pod of the tutorial. */
export const priorReferenceValues: readonly PriorReferenceValue[] = [
  ["snp_pcr03", "3d458cfe55cc03ea1f443f1562beec8df51c75e14a9fcf9a7234a13f198e7969"],
  ["snp_pcr08", "6a1d4e0bd2a4c25d1e7b9e5d0a0bff7f5a3f0a2c4b8b1f36f0f1f1ce6f5b3d21"],
  ["snp_pcr09", "9b6f0c1b7d2a7bd1e0c1a44b0ce9b6f7af0bfa3b63d3b39ba2c59e3f7e50c0a4"],
  ["snp_pcr11", "c3e1f4ab9d07c2d1c5c9eaa20f6f4f0d7a3c7e2b4a8d5b6e9f10a1b2c3d4e5f6"],
  ["tdx_pcr03", "3d458cfe55cc03ea1f443f1562beec8df51c75e14a9fcf9a7234a13f198e7969"],
  ["tdx_pcr08", "6a1d4e0bd2a4c25d1e7b9e5d0a0bff7f5a3f0a2c4b8b1f36f0f1f1ce6f5b3d21"],
  ["tdx_pcr09", "9b6f0c1b7d2a7bd1e0c1a44b0ce9b6f7af0bfa3b63d3b39ba2c59e3f7e50c0a4"],
  ["tdx_pcr11", "c3e1f4ab9d07c2d1c5c9eaa20f6f4f0d7a3c7e2b4a8d5b6e9f10a1b2c3d4e5f6"],
].map(([name = "", digest = ""]) => ({ name, expiration: EXPIRATION, value: [digest] }));

function mapEntry({ name, expiration, value }: PriorReferenceValue): readonly [string, string] {
  return [name, encoded({ version: "0.1.0", name, expiration, value })];
}

/** JSON in padded base64url. */
function encoded(value: unknown): string {
  return Buffer.from(JSON.stringify(value)).toString("base64").replaceAll("+", "-").replaceAll("/", "_");
}

const listSchema = z.array(z.looseObject({ name: z.string() }));

/** Converts the list of 0.18 to the map of 0.21, with the same entries in the same order. */
export function convertedReferenceValues(list: string): string {
  const entries = listSchema.parse(JSON.parse(list));
  return entries.length === 0
    ? "{\n}\n"
    : pretty(
        Object.fromEntries(entries.map((entry) => [entry.name, encoded({ version: "0.1.0", ...entry })])),
      );
}

/**
 * The data of ConfigMap trusteeconfig-rvps-reference-values. Without values it is what the operator installs.
 */
export function referenceValuesData(
  generation: Generation,
  values: readonly PriorReferenceValue[],
): Readonly<Record<string, string>> {
  const key = generationFacts[generation].referenceValuesKey;
  if (generation === "0.18") return { [key]: values.length === 0 ? "[\n]\n" : pretty(values) };
  return { [key]: values.length === 0 ? "{\n}\n" : pretty(Object.fromEntries(values.map(mapEntry))) };
}

/** The format of `jq --indent 2`, which the tutorial uses for this ConfigMap. */
function pretty(value: unknown): string {
  return `${JSON.stringify(value, null, 2)}\n`;
}
