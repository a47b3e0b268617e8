// The table of what a profile weighs and costs: parameters, size and time of its parts.
import type { RowGroup, TextTable } from 'mien/parts/cli';
import type { CostRow } from '../experiments/results.js';

/** Three significant digits with a unit: `22.7 M`, `1.20 G`, `640`. */
export function formatQuantity(value: number, unit = ''): string {
  const steps = ['', 'k', 'M', 'G', 'T'];
  let step = 0;
  let scaled = value;
  // 999.5 would round to 1000.
  while (scaled >= 999.5 && step < steps.length - 1) {
    scaled /= 1000;
    step++;
  }
  const digits = step === 0 || scaled >= 99.95 ? 0 : scaled >= 9.995 ? 1 : 2;
  return `${scaled.toFixed(digits)} ${steps[step]}${unit}`.trim();
}

const formatMilliseconds = (value: number | null): string =>
  value === null ? '–' : value >= 10 ? value.toFixed(0) : value >= 1 ? value.toFixed(1) : value.toFixed(2);

/** Parameters, size and time of each part of each profile, in the given order, with totals. */
export function costTable(costs: readonly CostRow[]): TextTable {
  const profiles = [...new Set(costs.map(({ profile }) => profile))];
  const groups = profiles.map((profile): RowGroup => ({
    heading: `Profile ${profile}`,
    rows: costs
      .filter((row) => row.profile === profile)
      .map((row) => [
        row.part + (row.name === '' ? '' : `: ${row.name}`),
        row.item,
        formatQuantity(row.parameters),
        formatQuantity(row.trainedParameters),
        formatQuantity(row.multiplyAdds),
        formatQuantity(row.bytes, 'B'),
        formatMilliseconds(row.milliseconds),
      ]),
  }));
  const right = { align: 'right' } as const;
  return {
    title: 'Lightweight: what a profile weighs and costs',
    columns: [
      { header: 'Part' },
      { header: 'Item' },
      { header: 'Parameters', ...right },
      { header: 'trained', ...right },
      { header: 'Mult-adds', ...right },
      { header: 'Size', ...right },
      { header: 'ms/item', ...right },
    ],
    groups,
    notes: [
      'Multiply-adds and milliseconds are for one item by itself; size is that of the weights as stored and run.',
    ],
  };
}
