/** Seconds since 1970; `undefined` if the expiration is not in the only format that the RVPS reads. */
export function expirySeconds(expiration: string): number | undefined {
  if (!/^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}Z$/.test(expiration)) return undefined;
  const time = Date.parse(expiration);
  return Number.isNaN(time) ? undefined : time / 1000;
}
