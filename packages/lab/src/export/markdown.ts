// Pieces of Markdown that cards and comparisons share.
import type { Interval } from 'mien/parts/evaluate';

/** `.873`, `-1.200` */
export const fraction = (value: number): string => value.toFixed(3).replace(/^(-?)0(?=\.)/, '$1');

/** `.873 [.861, .884]`; without an interval the mean alone. */
export const withInterval = ({ mean, low, high }: Interval): string =>
  low === null || high === null ? fraction(mean) : `${fraction(mean)} [${fraction(low)}, ${fraction(high)}]`;

const row = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;

/** A table whose first column is text and whose others are numbers. */
export const table = (head: readonly string[], rows: readonly (readonly string[])[]): string =>
  [row(head), row(head.map((_, i) => (i === 0 ? '---' : '--:'))), ...rows.map(row)].join('\n');
