// Lays measurements out as a table for people or as Markdown for README.md.
import { renderMarkdown, renderText, type TextTable } from 'mien/parts/cli';
import type { Measured, Spread } from './compare.js';

const number = (value: number): string => value.toPrecision(value >= 100 ? 4 : 3);
const range = ({ min, max }: Spread, format: (value: number) => string): string =>
  `${format(min)}–${format(max)}`;

/** Seconds as what reads best. */
const duration = (seconds: number): string =>
  seconds < 1 ? `${number(seconds * 1000)} ms` : `${number(seconds)} s`;

export function tableOf({ title, work, timings, notes }: Measured): TextTable {
  const rate = (seconds: number): string => number(work.count / seconds);
  return {
    title,
    columns: [
      { header: 'contender' },
      { header: 'median', align: 'right' },
      { header: 'min–max', align: 'right' },
      { header: `${work.unit} / s`, align: 'right' },
      { header: 'time / ours', align: 'right' },
      { header: 'min–max', align: 'right' },
    ],
    groups: [
      {
        rows: timings.map(({ name, ratio, ...seconds }) => [
          name,
          duration(seconds.median),
          range(seconds, duration),
          rate(seconds.median),
          ratio ? ratio.median.toFixed(2) : '',
          ratio ? range(ratio, (value) => value.toFixed(2)) : '',
        ]),
      },
    ],
    notes,
  };
}

export const printed = (measured: Measured, markdown: boolean): string =>
  markdown ? renderMarkdown(tableOf(measured)) : renderText(tableOf(measured), { width: 120 });
