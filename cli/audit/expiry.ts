import { isExpiration } from "../../core/reference-values/document.ts";

/** Seconds since 1970; `undefined` if the expiration is not in the only format that the RVPS reads. */
export function expirySeconds(expiration: string): number | undefined {
  return isExpiration(expiration) ? Date.parse(expiration) / 1000 : undefined;
}
