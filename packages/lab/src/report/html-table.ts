// Lays the same tables out as HTML that `text-table.ts` lays out as text.
import { escapeXml } from './figures/figure.js';
import type { TextTable } from 'mien/parts';

/** Cells longer than this, in characters, may wrap. */
const LONG = 40;

/** A table in a box that scrolls by itself where it is wider than the screen; its notes below. */
export function renderHtml({ id, title, columns, groups, notes = [] }: TextTable): string {
  const long = columns.map((_column, k) =>
    groups.some(({ rows }) => rows.some((row) => (row[k] ?? '').length > LONG)),
  );
  // Several columns of sentences do not fit beside each other on a phone.
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
