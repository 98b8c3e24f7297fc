/**
 * Text as it stands in HTML or SVG, between tags or in a quoted attribute. Control characters, which no XML may hold, and what is
 * invisible or turns a text round become U+FFFD.
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

/** Cut in the middle, so that both ends stay to be compared. */
export function shorten(text: string, length: number): string {
  if (text.length <= length) return text;
  const head = Math.ceil((length - 1) / 2);
  return `${text.slice(0, head)}…${text.slice(text.length - (length - 1 - head))}`;
}
