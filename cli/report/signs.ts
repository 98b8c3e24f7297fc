import type { Decision } from "../../core/access/model.ts";

/** A cell's look: each kind has its own colour and sign, so neither is needed alone. */
export const signs = ["granted", "open", "denied"] as const;
export type Sign = (typeof signs)[number];

export function signOf({ allowed, why }: Pick<Decision, "allowed" | "why">): Sign {
  if (!allowed) return "denied";
  return why === "granted" ? "granted" : "open";
}

/** Each sign's meaning, for the legend. */
export const signWords: Readonly<Record<Sign, string>> = {
  granted: "may read: granted",
  open: "may read: open to every attested pod",
  denied: "denied",
};

/** Each sign as the path of a stroke in a square of 24: a tick, a ring, a cross. No font is needed. */
const strokes: Readonly<Record<Sign, string>> = {
  granted: "M6 12.5l4.2 4.2L18 8",
  open: "M12 6.5a5.5 5.5 0 1 0 0 11a5.5 5.5 0 1 0 0-11",
  denied: "M8 8l8 8M16 8l-8 8",
};

/** A sign's badge at (x, y): a rounded square of `size` in the colours of {@link signStyle}. */
export function signBadge(sign: Sign, x: number, y: number, size: number): string {
  const scale = size / 24;
  return `<g class="sign ${sign}" transform="translate(${x} ${y}) scale(${scale})"><rect x="0.75" y="0.75" width="22.5" height="22.5" rx="6"/><path d="${strokes[sign]}"/></g>`;
}

const light = `--ink:#18212f;--muted:#566072;--line:#dde2ea;--paper:#ffffff;--granted:#0f766e;--granted-line:#0f766e;--granted-ink:#ffffff;--open:#fff4d9;--open-line:#b45309;--open-ink:#92400e;--denied:#eef1f5;--denied-line:#eef1f5;--denied-ink:#6a7486`;
const dark = `--ink:#e7ebf2;--muted:#9ba6b8;--line:#2d3643;--paper:#171d27;--granted:#2dd4bf;--granted-line:#2dd4bf;--granted-ink:#05302a;--open:#3b2a0b;--open-line:#f0a92b;--open-ink:#fbc14d;--denied:#232b37;--denied-line:#232b37;--denied-ink:#8a95a7`;

/** CSS variables for the colours on light and dark screens and on paper, under `selector`. */
export function palette(selector: string): string {
  return `${selector}{${light}}
@media screen and (prefers-color-scheme:dark){${selector}{${dark}}}`;
}

/** The badges' CSS. */
export const signStyle = `.sign rect{stroke-width:1.5;print-color-adjust:exact;-webkit-print-color-adjust:exact}
.sign path{fill:none;stroke-width:2.4;stroke-linecap:round;stroke-linejoin:round}
${signs.map((sign) => `.sign.${sign} rect{fill:var(--${sign});stroke:var(--${sign}-line)}.sign.${sign} path{stroke:var(--${sign}-ink)}`).join("\n")}
@media (forced-colors:active){.sign rect{fill:Canvas;stroke:CanvasText}.sign path{stroke:CanvasText}}`;
