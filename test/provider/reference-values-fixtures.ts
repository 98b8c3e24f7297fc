import type { PropertyMap } from "../../provider/protocol/property-value.ts";

export const LIST = "reference-values.json";
export const MAP = "reference_value";
export const A = "aa".repeat(32);
export const B = "bb".repeat(32);
export const C = "cc".repeat(32);

export function inputsIn(
  namespace: string,
  configMap: string,
  snp: readonly string[] = [A],
  more: PropertyMap = {},
) {
  return {
    namespace,
    configMap,
    candidateKeys: [MAP, LIST],
    digests: { snp_pcr08: [...snp] },
    validityDays: 365,
    ...more,
  };
}

export function entry(value: unknown, more: object = {}): object {
  return { name: "snp_pcr08", expiration: "2036-01-01T00:00:00Z", value, ...more };
}

export function list(...entries: object[]): string {
  return JSON.stringify(entries, null, 2);
}

export function encode(value: unknown): string {
  return Buffer.from(JSON.stringify(value)).toString("base64").replaceAll("+", "-").replaceAll("/", "_");
}

/** The live text in outputs. */
export function liveContentOf(outputs: PropertyMap): string {
  const text = outputs["liveContent"];
  if (typeof text !== "string") throw new Error("liveContent is not text");
  return text;
}
