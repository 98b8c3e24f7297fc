/** Base64url with padding, in which the map format has its entries. */
export const paddedBase64url = (text: string): string =>
  Buffer.from(text).toString("base64").replaceAll("+", "-").replaceAll("/", "_");
