// Shares of a whole as stacked bars.
import { type Panel, panelOf } from './figure.js';
import { color, labelAxis } from './theme.js';

/** Rows whose shares sum to one; a part that a row lacks is left out. */
export function sharesPanel(
  id: string,
  title: string,
  parts: readonly string[],
  rows: readonly { readonly row: string; readonly shares: Readonly<Record<string, number>> }[],
): Panel {
  const values = rows.flatMap(({ row, shares }) =>
    parts.flatMap((part, place) =>
      shares[part] === undefined ? [] : [{ row, part, place, share: shares[part] }],
    ),
  );
  const range = (['accent', 'second', 'third', 'fourth'] as const).slice(0, parts.length).map(color);
  return panelOf(id, title, values, {
    width: 260,
    height: { step: 20 },
    encoding: {
      y: { field: 'row', type: 'nominal', sort: null, axis: labelAxis, scale: { paddingInner: 0.25 } },
      x: {
        field: 'share',
        type: 'quantitative',
        stack: 'zero',
        scale: { domain: [0, 1] },
        axis: { title: 'mean share in the gate', values: [0, 0.25, 0.5, 0.75, 1], format: '.2~f' },
      },
      order: { field: 'place' },
    },
    layer: [
      {
        mark: { type: 'bar', opacity: 0.85 },
        encoding: {
          color: {
            field: 'part',
            type: 'nominal',
            scale: { domain: parts, range },
            legend: { title: null },
          },
        },
      },
      {
        mark: { type: 'text', fontSize: 10.5, color: color('surface') },
        encoding: {
          x: { field: 'share', type: 'quantitative', stack: 'zero', bandPosition: 0.5 },
          text: { field: 'share', type: 'quantitative', format: '.2f' },
          detail: { field: 'part' },
        },
      },
    ],
  });
}
