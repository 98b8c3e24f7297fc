/** Base64url with padding, the encoding of entries in the map format. */
export const paddedBase64url = (text: string): string =>
  Buffer.from(text).toString("base64").replaceAll("+", "-").replaceAll("/", "_");
