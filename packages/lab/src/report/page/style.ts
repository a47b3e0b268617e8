// The page's style sheet: a quiet scientific report, on screens of any width, dark or light, and on paper.
import { colors, fonts, type ColorName } from '../figures/theme.js';

const variables = (theme: 'light' | 'dark'): string =>
  (Object.keys(colors) as ColorName[]).map((name) => `--${name}:${colors[name][theme]}`).join(';');

export const style = `
:root{color-scheme:light dark;${variables('light')};
--serif:Charter,'Bitstream Charter','Source Serif 4','Source Serif Pro','Sitka Text',Cambria,'Noto Serif',Georgia,serif;
--sans:${fonts}}
@media (prefers-color-scheme:dark){:root{${variables('dark')}}}
*{box-sizing:border-box}
html{-webkit-text-size-adjust:100%;scroll-behavior:smooth}
body{margin:0;background:var(--surface);color:var(--ink);font:1.0625rem/1.62 var(--serif);text-rendering:optimizeLegibility}
.page{max-width:64rem;margin:0 auto;padding:clamp(2rem,7vw,5.5rem) clamp(1.1rem,5vw,3rem) 6rem}
header,section>p,section>h2,section>h3,section>h4,nav,.note,details,.confused,figcaption{max-width:42rem}
h1{font-size:clamp(1.75rem,4.5vw,2.5rem);line-height:1.18;font-weight:600;letter-spacing:-.012em;margin:0 0 .7rem;text-wrap:balance}
h2{font-size:1.55rem;line-height:1.25;font-weight:600;margin:0 0 1.2rem;letter-spacing:-.006em}
h3{font-size:1.14rem;line-height:1.35;font-weight:600;margin:3rem 0 .6rem}
h4,.panel h3{font:600 .9rem/1.4 var(--sans);margin:2rem 0 .5rem}
p{margin:0 0 1.1rem;hyphens:auto}
.lead{color:var(--muted);font-size:1.05rem}
section{margin-top:5rem}
a{color:var(--accent);text-decoration-thickness:1px;text-underline-offset:.18em}
a:focus-visible,.table:focus-visible,summary:focus-visible,pre:focus-visible{outline:2px solid var(--accent);outline-offset:3px}
nav{margin-top:2.4rem;font:.95rem/1.9 var(--sans)}
nav ol{margin:0;padding:0;list-style:none;display:flex;flex-wrap:wrap;gap:.1rem 1.5rem}
nav a{text-decoration:none}nav a:hover{text-decoration:underline}
figure{margin:3rem 0 3.4rem;padding:0}
.panels{display:flex;flex-wrap:wrap;gap:2rem 2.8rem;align-items:flex-start}
.panel{min-width:0;max-width:100%;overflow:auto hidden}
.panel h3{margin:0 0 .5rem;color:var(--ink)}
.panel svg{display:block;width:100%;min-width:calc(.8*var(--w));height:auto;overflow:visible}
.panel .links{font:.78rem/1.4 var(--sans);margin:.35rem 0 0;color:var(--muted)}
figcaption{margin-top:1.2rem;font-size:.96rem;line-height:1.55}
figcaption strong{font-weight:600}
.note{font-size:.88rem;line-height:1.5;color:var(--muted);margin:.5rem 0 0}
.table{overflow-x:auto;margin:2.6rem 0 .7rem;-webkit-overflow-scrolling:touch}
.table+.note{margin-top:0}
.note+p:not(.note),.note+details{margin-top:1.6rem}
table{border-collapse:collapse;font:.86rem/1.45 var(--sans);font-variant-numeric:tabular-nums lining-nums;min-width:100%}
caption{text-align:left;font:600 1rem/1.4 var(--serif);padding:0 0 .7rem;color:var(--ink)}
th,td{text-align:left;font-weight:400;padding:.32rem 1.3rem .32rem 0;vertical-align:baseline;white-space:nowrap}
th:last-child,td:last-child{padding-right:0}
.long{white-space:normal;min-width:15rem}
thead th{color:var(--muted);border-bottom:1px solid var(--muted);vertical-align:bottom;white-space:normal}
tbody tr+tr>*{border-top:1px solid color-mix(in srgb,var(--rule) 55%,transparent)}
tr.group th{padding-top:1.15rem;color:var(--muted);white-space:normal;border-top:0!important}
tr.group span,caption span{position:sticky;left:0;display:inline-block;max-width:min(100%,calc(100vw - 2.6rem))}
tr.group+tr>*{border-top:1px solid var(--rule)!important}
.right{text-align:right}
code,pre{font-family:ui-monospace,SFMono-Regular,Menlo,Consolas,monospace;font-size:.82em}
pre{overflow-x:auto;line-height:1.5;padding:1rem 0;margin:0}
details{margin:1.4rem 0}
summary{cursor:pointer;font:.95rem/1.5 var(--sans);color:var(--accent)}
.lists{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(17rem,100%),1fr));gap:0 2.4rem}
.confused{padding-left:1.3rem;font-size:.95rem}
.confused>li{margin:.7rem 0}
.confused ul{list-style:none;margin:.2rem 0 0;padding:0;font-size:.9rem;color:var(--muted)}
.confused ul li{display:flex;gap:.7rem;align-items:center;margin:.3rem 0;overflow-wrap:anywhere}
.confused img{border-radius:3px;flex:none}
q{color:var(--ink);font-style:italic;quotes:'“' '”'}
footer{margin-top:6rem;color:var(--muted);font-size:.88rem;max-width:42rem}
#tip{position:fixed;z-index:2;max-width:min(19rem,90vw);padding:.55rem .75rem;border-radius:5px;background:var(--ink);color:var(--surface);font:.82rem/1.4 var(--sans);pointer-events:none;display:none}
#tip img{display:block;margin:.4rem 0 .1rem;border-radius:3px;width:72px;height:72px}
.points path{cursor:crosshair}
@media (max-width:34rem){body{font-size:1rem}section{margin-top:3.8rem}figure{margin:2.2rem 0 2.6rem}p{hyphens:manual}
tbody th[scope=row]{white-space:normal;min-width:9.5rem}
.prose :is(table,caption,tbody,tr,th,td){display:block;text-align:left;padding-right:0}
.prose thead{display:none}
.prose .long{min-width:0}
.prose th[scope=row]{font-weight:600;padding-top:.9rem}
.prose tbody tr>*{border-top:0!important}
.prose td::before{content:attr(data-column);display:block;color:var(--muted)}
.prose td.right::before{display:inline-block;min-width:6rem}}
@page{margin:17mm 15mm}
@media print{
:root{color-scheme:light;${variables('light')}}
html{font-size:9.6pt}
body{font-size:1rem;line-height:1.45}
.panel{zoom:.86;overflow:visible}
.page{max-width:none;padding:0}
nav,.links,#tip{display:none}
section{margin-top:2.2rem}
figure,tr,.panel,.confused>li{break-inside:avoid}
figure{margin:1.4rem 0 1.8rem}
h2,h3,h4,caption{break-after:avoid}
thead{display:table-header-group}
.panels{gap:1.1rem 1.6rem}
.table{overflow:visible}
table{font-size:.78rem}th,td{padding-right:.8rem}
.note{font-size:.82rem}
a{color:inherit;text-decoration:none}
}`;
