// The report as one HTML file that loads nothing else.
import type { TextTable } from 'mien/parts/cli';
import {
  escapeXml,
  type Figure,
  inlineSvg,
  type Panel,
  panelCsv,
  type PointNote,
  size,
} from '../figures/figure.js';
import type { Block, Section } from '../sections/section.js';
import { style } from './style.js';

export interface Page {
  readonly title: string;
  readonly lead: string;
  readonly sections: readonly Section[];
  readonly footer: string;
}

/** Allows what the file itself contains, and nothing else. */
const policy =
  "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'";

/** The page's HTML in pieces; `svgOf` gives each panel's chart. */
export function* renderPage(
  { title, lead, sections, footer }: Page,
  svgOf: (panel: Panel) => string,
): Generator<string> {
  const numbers = numberFigures(sections);
  yield `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="${policy}">
<meta name="color-scheme" content="light dark"><title>${escapeXml(title)}</title><style>${style}</style></head>
<body><div class="page"><header><h1>${escapeXml(title)}</h1><p class="lead">${escapeXml(lead)}</p></header>
<nav aria-label="Contents"><ol>${sections.map(({ id, title: name }) => `<li><a href="#${id}">${escapeXml(name)}</a></li>`).join('')}</ol></nav>
<main>\n`;
  for (const { id, title: name, blocks } of sections) {
    yield `<section id="${id}"><h2>${escapeXml(name)}</h2>\n`;
    for (const block of blocks) yield renderBlock(block, svgOf, numbers);
    yield '</section>\n';
  }
  yield `</main><footer><p>${escapeXml(footer)}</p></footer></div><div id="tip" role="status"></div><script>${script}</script></body></html>\n`;
}

const numberFigures = (sections: readonly Section[]): Map<Figure, number> =>
  new Map(figuresOf(sections).map((figure, i) => [figure, i + 1]));

/** All figures that have a panel, in order. */
export const figuresOf = (sections: readonly Section[]): Figure[] =>
  sections.flatMap(({ blocks }) =>
    blocks.flatMap((block) => ('figure' in block && block.figure.panels.length > 0 ? [block.figure] : [])),
  );

function renderBlock(
  block: Block,
  svgOf: (panel: Panel) => string,
  numbers: ReadonlyMap<Figure, number>,
): string {
  if ('text' in block) return `<p>${escapeXml(block.text)}</p>\n`;
  if ('html' in block) return `${block.html}\n`;
  if ('table' in block) return `${renderHtml(block.table)}\n`;
  const { figure } = block;
  const number = numbers.get(figure);
  if (number === undefined) return '';
  const panels = figure.panels.map((panel) => renderPanel(figure, panel, svgOf(panel)));
  const notes = (figure.notes ?? []).map((note) => `<p class="note">${escapeXml(note)}</p>`);
  return `<figure id="figure-${figure.id}"><div class="panels">${panels.join('')}</div><figcaption><strong>Figure ${number}. ${escapeXml(figure.title)}.</strong> ${escapeXml(figure.caption)}${notes.join('')}</figcaption></figure>\n`;
}

function renderPanel(figure: Figure, panel: Panel, svg: string): string {
  const name = [figure.title, panel.title].filter((part) => part !== '').join(': ');
  const csv = `data:text/csv;charset=utf-8,${encodeURIComponent(panelCsv(panel))}`;
  return [
    `<div class="panel${panel.points ? ' points' : ''}" style="--w:${size(svg).width}px;width:var(--w)">`,
    panel.title === '' ? '' : `<h3>${escapeXml(panel.title)}</h3>`,
    inlineSvg(svg, name),
    panel.points ? notesJson(panel.points) : '',
    `<p class="links"><a download="${panel.id}.csv" href="${csv}">data (CSV)</a></p></div>`,
  ].join('');
}

/** Notes as JSON that cannot end its own script element. */
const notesJson = (points: readonly PointNote[]): string =>
  `<script type="application/json">${JSON.stringify(
    points.map(({ label, predicted, text, image }) => ({ l: label, p: predicted, t: text, i: image })),
  ).replaceAll('<', '\\u003c')}</script>`;

/** Cells longer than this, in characters, may wrap. */
const LONG = 40;

/** A table as HTML, in a box that scrolls if it is wider than the screen, with its notes below. */
export function renderHtml({ id, title, columns, groups, notes = [] }: TextTable): string {
  const long = columns.map((_column, k) =>
    groups.some(({ rows }) => rows.some((row) => (row[k] ?? '').length > LONG)),
  );
  // Several columns of sentences do not fit on a phone.
  const prose = long.filter(Boolean).length > 1;
  const side = (k: number): string =>
    columns[k]?.align === 'right' ? ' class="right"' : long[k] ? ' class="long"' : '';
  const head = columns.map(({ header }, k) => `<th scope="col"${side(k)}>${escapeXml(header)}</th>`);
  const bodies = groups.map(({ heading, rows }) => {
    const group =
      heading === undefined
        ? ''
        : `<tr class="group"><th scope="rowgroup" colspan="${columns.length}"><span>${escapeXml(heading)}</span></th></tr>`;
    const lines = rows.map((row) => {
      const cells = columns.map((_column, k) => {
        const tag = k === 0 ? 'th' : 'td';
        const scope = k === 0 ? ' scope="row"' : '';
        const name = prose && k > 0 ? ` data-column="${escapeXml(columns[k]!.header)}"` : '';
        return `<${tag}${scope}${side(k)}${name}>${escapeXml(row[k] ?? '')}</${tag}>`;
      });
      return `<tr>${cells.join('')}</tr>`;
    });
    return `<tbody>${group}${lines.join('')}</tbody>`;
  });
  const caption = title === undefined ? '' : `<caption><span>${escapeXml(title)}</span></caption>`;
  const name = escapeXml(title ?? 'table');
  return [
    `<div${id === undefined ? '' : ` id="table-${escapeXml(id)}"`} class="table${prose ? ' prose' : ''}" role="region" aria-label="${name}" tabindex="0"><table>${caption}<thead><tr>${head.join('')}</tr></thead>${bodies.join('')}</table></div>`,
    ...notes.map((note) => `<p class="note">${escapeXml(note)}</p>`),
  ].join('\n');
}

// The page's only script: shows what a point of a map stands for when it is pointed at or tapped.

/** Points are drawn in the order of their notes, which stand beside the chart as JSON. */
const script = `
for (const panel of document.querySelectorAll('.points')) {
  const notes = JSON.parse(panel.querySelector('script').textContent);
  const marks = [...panel.querySelectorAll('.role-mark path')];
  const tip = document.getElementById('tip');
  const show = (event) => {
    const note = notes[marks.indexOf(event.target)];
    if (!note) { tip.style.display = 'none'; return; }
    tip.textContent = note.l === note.p ? note.l : note.l + ', taken for ' + note.p;
    if (note.t) tip.append(document.createElement('br'), note.t);
    if (note.i) { const image = new Image(); image.src = note.i; image.alt = ''; tip.append(image); }
    tip.style.display = 'block';
    const box = tip.getBoundingClientRect();
    tip.style.left = Math.max(8, Math.min(event.clientX + 14, innerWidth - box.width - 8)) + 'px';
    tip.style.top = (event.clientY + box.height + 24 < innerHeight ? event.clientY + 14 : event.clientY - box.height - 14) + 'px';
  };
  panel.addEventListener('pointermove', show);
  panel.addEventListener('pointerdown', show);
  panel.addEventListener('pointerleave', () => { tip.style.display = 'none'; });
}`;
