// What the feature pack costs: the accuracy of every row on the pack against the same row on the full features.
// Usage: node --import tsx bench/pack-cost.ts FULL/results.json PACKED/results.json > cost.json
import { readResults } from 'mien-lab';

const [full, packed] = process.argv.slice(2);
if (full === undefined || packed === undefined)
  throw new Error('usage: node --import tsx bench/pack-cost.ts FULL/results.json PACKED/results.json');
const [reference, reduced] = await Promise.all([readResults(full), readResults(packed)]);
const round = (value: number) => Number(value.toFixed(4));
const rows = reduced.rows.flatMap(({ id, accuracy }) => {
  const other = reference.rows.find((row) => row.id === id);
  return other ? [{ row: id, full: round(other.accuracy.mean), pack: round(accuracy.mean) }] : [];
});
const differences = rows.map((row) => row.full - row.pack);
const mean = differences.reduce((total, difference) => total + difference, 0) / differences.length;
console.log(
  JSON.stringify(
    {
      measured: 'mean accuracy over model seeds and test pairings, full features against the pack',
      meanLoss: round(mean),
      largestLoss: round(Math.max(...differences)),
      rows,
    },
    null,
    1,
  ),
);
