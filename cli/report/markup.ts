/**
 * Escapes text for HTML or SVG, between tags or in a quoted attribute. Control characters, invisible ones and
 * those that change the text's direction become U+FFFD.
 */
export function escapeText(text: string): string {
  return text
    .replaceAll("&", "&amp;")
    .replaceAll("<", "&lt;")
    .replaceAll(">", "&gt;")
    .replaceAll('"', "&quot;")
    .replaceAll("'", "&#39;")
    .replace(CONTROL, "\uFFFD");
}

const CONTROL = /(?![\t\n\r])\p{C}|[\p{Zl}\p{Zp}]/gu;

/** Shortens a text in the middle and keeps both ends. */
export function shorten(text: string, length: number): string {
  if (text.length <= length) return text;
  const head = Math.ceil((length - 1) / 2);
  return `${text.slice(0, head)}…${text.slice(text.length - (length - 1 - head))}`;
}
