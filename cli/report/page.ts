import { escapeText } from "./svg.ts";
import type { PageContent } from "./content.ts";
import {
  digestsSection,
  expirySection,
  factsList,
  findingsSection,
  otherReadersSection,
  pictureSection,
  wordsSection,
} from "./sections.ts";
import { pageStyle } from "./style.ts";

/**
 * The access matrix as a self-contained page: no script, font or request. The same content gives the same
 * bytes.
 */
export function accessPage(content: PageContent): string {
  const { stack, trustee, matrix, findings, at } = content;
  const time = at?.toISOString().replace(/\.\d+Z$/, "Z") ?? "";
  const made = at === undefined ? "" : `<p>Made at <time datetime="${time}">${time}</time>.</p>`;
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<meta name="color-scheme" content="light dark">
<title>Access matrix of ${escapeText(stack)}</title>
<style>
${pageStyle}
</style>
</head>
<body>
<a class="skip" href="#main">Skip to the matrix</a>
<header>
<h1>Which pod may read which secret</h1>
<p class="muted">Stack <strong>${escapeText(stack)}</strong> · Trustee ${escapeText(trustee.generation)} in <code>${escapeText(trustee.namespace)}</code> · KBS <code>${escapeText(trustee.url)}</code></p>
${factsList(content)}
</header>
<main id="main" tabindex="-1">
${pictureSection(matrix)}
${wordsSection(matrix)}${otherReadersSection(content)}
${digestsSection(content)}
${expirySection(content)}
${findingsSection(findings)}
</main>
<footer>
${made}<p>No value of a secret is in this page.</p>
</footer>
</body>
</html>
`;
}
