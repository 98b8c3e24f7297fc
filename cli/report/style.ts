import { palette, signStyle } from "./signs.ts";

const light = `--ground:#f5f7fa;--focus:#1d4ed8;--shadow:0 1px 2px rgb(16 24 40/.06),0 1px 3px rgb(16 24 40/.08);--bad:#b42318;--bad-ground:#fdecea;--warn:#92400e;--warn-ground:#fff4d9;--good:#0f766e;--good-ground:#e0f4f1`;
const dark = `--ground:#0e131a;--focus:#7cb3ff;--shadow:none;--bad:#ff9d92;--bad-ground:#3b1a18;--warn:#fbc14d;--warn-ground:#3b2a0b;--good:#5eead4;--good-ground:#0d332e`;

/** The page's CSS for light, dark and narrow screens, paper, and high contrast. */
export const pageStyle = `${palette(":root")}
:root{color-scheme:light dark;${light}}
@media screen and (prefers-color-scheme:dark){:root{${dark}}}
*{box-sizing:border-box}
html{-webkit-text-size-adjust:100%}
body{margin:0;background:var(--ground);color:var(--ink);font:15px/1.55 system-ui,-apple-system,"Segoe UI",Roboto,"Noto Sans","Liberation Sans",sans-serif}
.skip{position:absolute;left:1rem;top:-4rem;padding:.6rem 1rem;border-radius:8px;background:var(--paper);color:var(--ink);z-index:1}
.skip:focus{top:1rem}
:focus-visible{outline:3px solid var(--focus);outline-offset:2px;border-radius:6px}
main,header,footer{max-width:70rem;margin:0 auto;padding:0 1.5rem}
header{padding-top:2.5rem;padding-bottom:.5rem}
h1{font-size:1.7rem;line-height:1.2;margin:0 0 .35rem;letter-spacing:-.01em}
h2{font-size:1.15rem;margin:0 0 .2rem}
p{margin:.2rem 0 .8rem}
.muted,caption,footer{color:var(--muted)}
code,.code{font-family:ui-monospace,SFMono-Regular,Menlo,Consolas,"Liberation Mono",monospace;font-size:.87em;overflow-wrap:anywhere}
section,.facts>div{background:var(--paper);border:1px solid var(--line);border-radius:14px;box-shadow:var(--shadow)}
section{padding:1.3rem 1.5rem 1.4rem;margin:1.1rem 0}
.facts{display:grid;grid-template-columns:repeat(auto-fit,minmax(11.5rem,1fr));gap:.9rem;margin:1.1rem 0 0}
.facts>div{padding:.9rem 1.1rem}
.facts dd,.facts time{white-space:nowrap}
.facts dt{color:var(--muted);font-size:.87rem}
.facts dd{margin:0;font-size:1.5rem;font-weight:650;letter-spacing:-.01em}
.facts .note{display:block;white-space:normal;font-size:.87rem;font-weight:400;letter-spacing:0;color:var(--muted)}
.scroll{overflow-x:auto;margin:0 -.25rem;padding:.25rem}
.picture svg{display:block;width:100%;height:auto}
table{border-collapse:collapse;width:100%}
caption{text-align:left;padding-bottom:.5rem;font-size:.93rem}
th,td{text-align:left;vertical-align:top;padding:.55rem .8rem .55rem 0;border-top:1px solid var(--line)}
thead th{border-top:0;color:var(--muted);font-weight:600;font-size:.87rem;vertical-align:bottom}
th .code,th small{font-weight:400}
tbody th{font-weight:600;white-space:nowrap}
.scroll tbody th{position:sticky;left:0;background:var(--paper)}
.cell{display:flex;gap:.55rem;align-items:flex-start;min-width:8.5rem}
.cell svg{flex:none;margin-top:.1rem}
.cell small{display:block;color:var(--muted);font-size:.87rem}
.tag{display:inline-block;padding:.05rem .55rem;border-radius:99px;font-size:.87rem;font-weight:600;white-space:nowrap;border:1px solid currentColor;print-color-adjust:exact;-webkit-print-color-adjust:exact}
.tag.bad{color:var(--bad);background:var(--bad-ground)}
.tag.warn{color:var(--warn);background:var(--warn-ground)}
.tag.good{color:var(--good);background:var(--good-ground)}
.tag.plain{color:var(--muted);background:transparent}
.findings{list-style:none;margin:.6rem 0 0;padding:0}
.findings li{border-top:1px solid var(--line);padding:.8rem 0 .7rem}
.findings h3{font-size:1rem;margin:.25rem 0 .15rem;overflow-wrap:anywhere}
.findings p{margin:.15rem 0}
footer{padding-top:.4rem;padding-bottom:2.5rem;font-size:.87rem}
${signStyle}
@media (max-width:40rem){main,header,footer{padding-left:.9rem;padding-right:.9rem}section{padding:1rem}.facts{grid-template-columns:1fr 1fr}header{padding-top:1.4rem}.facts dd{font-size:1.2rem}.stacked thead{position:absolute;clip-path:inset(50%);width:1px;height:1px;overflow:hidden}.stacked tr,.stacked th,.stacked td{display:block}.stacked td{border-top:0;padding-top:0}.facts>div:last-child:nth-child(odd){grid-column:1/-1}}
@media (prefers-contrast:more){:root{--muted:var(--ink);--line:currentColor}}
@page{margin:15mm}
@media print{:root{color-scheme:light;--ground:#fff;--shadow:none}body{font-size:10.5pt}.skip{display:none}main,header,footer{max-width:none;padding-left:0;padding-right:0}header{padding-top:0}section{border:0;border-radius:0;padding:0;margin:1.2rem 0;break-inside:auto}.facts{grid-template-columns:repeat(auto-fit,minmax(6rem,1fr));gap:.5rem}.facts>div{break-inside:avoid;padding:.5rem .7rem}.facts dd{font-size:1.1rem}.scroll{overflow:visible}.picture>div{min-width:0!important}h2,caption{break-after:avoid}tr,.findings li,.picture{break-inside:avoid}thead{display:table-header-group}.scroll tbody th{position:static}section:has(.wide){display:none}}`;
