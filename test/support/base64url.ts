/** Base64url with padding, in which the map format has its entries. */
export function paddedBase64url(text: string): string {
  return Buffer.from(text).toString("base64").replaceAll("+", "-").replaceAll("/", "_");
}
