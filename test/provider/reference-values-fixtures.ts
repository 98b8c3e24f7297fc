import type { PropertyMap } from "../../provider/protocol/property-value.ts";
import { paddedBase64url } from "../support/base64url.ts";

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

/** An entry of another client's with a value that is no digest. */
export const svn = { name: "svn", expiration: "2020-01-01T00:00:00Z", value: [3] };

export const list = (...entries: object[]): string => JSON.stringify(entries, null, 2);

export const encode = (value: unknown): string => paddedBase64url(JSON.stringify(value));

/** The map's entries in a ConfigMap's data, as JSON, for comparisons that ignore the base64 alphabet. */
export function decoded(data: unknown): unknown {
  const { [MAP]: text = "{}" } = data as Readonly<Record<string, string>>;
  return Object.entries(JSON.parse(text) as Record<string, string>).map(([name, one]) => [
    name,
    JSON.parse(Buffer.from(one, "base64").toString()) as unknown,
  ]);
}

export function liveContentOf(outputs: PropertyMap): string {
  const text = outputs["liveContent"];
  if (typeof text !== "string") throw new Error("liveContent is not text");
  return text;
}
