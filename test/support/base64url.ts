/** Base64url with padding, the encoding of entries in the map format. */
export function paddedBase64url(text: string): string {
  return Buffer.from(text).toString("base64").replaceAll("+", "-").replaceAll("/", "_");
}
