/** Expressions that the browser evaluates. They are strings, as this program has no DOM types. */

/** The texts with a contrast below 4.5 and the strokes of signs below 3: the limits of WCAG 2.2, AA. */
export const lowContrast = `(() => {
  const channels = (color) => (color.match(/[\\d.]+/g) ?? []).map(Number);
  const luminance = (color) => {
    const [r, g, b] = channels(color).map((value) => {
      const part = value / 255;
      return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const contrast = (a, b) => {
    const [light, dark] = [luminance(a), luminance(b)].sort((x, y) => y - x);
    return (light + 0.05) / (dark + 0.05);
  };
  const opaque = (color) => { const [, , , alpha = 1] = channels(color); return color !== "none" && alpha === 1; };
  const behind = (element) => {
    for (let at = element; at !== null; at = at.parentElement) {
      const style = getComputedStyle(at);
      if (at.tagName === "svg") {
        const paper = at.querySelector(".paper");
        if (paper !== null) return getComputedStyle(paper).fill;
      }
      if (opaque(style.backgroundColor)) return style.backgroundColor;
    }
    return "rgb(255,255,255)";
  };
  const found = [];
  let texts = 0;
  for (const element of document.querySelectorAll("body *")) {
    const own = [...element.childNodes].some((node) => node.nodeType === 3 && node.data.trim() !== "");
    if (!own || ["STYLE", "style", "title", "desc"].includes(element.tagName)) continue;
    texts += 1;
    const style = getComputedStyle(element);
    const color = element.namespaceURI.endsWith("svg") ? style.fill : style.color;
    const ratio = contrast(color, behind(element));
    if (ratio < 4.5) found.push([element.textContent.slice(0, 40), color, behind(element), ratio]);
  }
  let signs = 0;
  for (const sign of document.querySelectorAll(".sign")) {
    signs += 1;
    const ground = getComputedStyle(sign.querySelector("rect")).fill;
    const stroke = getComputedStyle(sign.querySelector("path")).stroke;
    if (contrast(stroke, ground) < 3) found.push([sign.getAttribute("class"), stroke, ground, contrast(stroke, ground)]);
  }
  return { found, texts, signs };
})()`;

/** How much wider the page is than its window. */
export const overflow = `document.documentElement.scrollWidth - document.documentElement.clientWidth`;

/** Each sign of the matrix, with its colour and the shape of its stroke. */
export const signLooks = `[...new Set([...document.querySelectorAll(".sign")].map((sign) => [
  sign.getAttribute("class"),
  getComputedStyle(sign.querySelector("rect")).fill,
  sign.querySelector("path").getAttribute("d"),
].join(" | ")))]`;

/** The focused element: its name, and whether it has a visible outline. */
export const focused = `(() => {
  const element = document.activeElement;
  const { outlineStyle, outlineWidth } = getComputedStyle(element);
  const box = element.getBoundingClientRect();
  return {
    what: element.getAttribute("aria-label") ?? (element.id || element.textContent),
    marked: outlineStyle !== "none" && outlineWidth !== "0px",
    inside: box.bottom > 0 && box.top < innerHeight,
  };
})()`;

/** The scroll offset of the matrix table. */
export const scrolled = `document.querySelector("[aria-label='The access matrix as a table']").scrollLeft`;
