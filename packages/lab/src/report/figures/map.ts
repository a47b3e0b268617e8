// Maps of what a classifier sees: points by t-SNE, marked by true label.
import type { PointMap } from '../../evaluate/projection.js';
import type { Panel, PointNote } from './figure.js';
import { labelScales } from './theme.js';

export interface MappedItem extends PointNote {
  readonly id: string;
}

export function mapPanel(
  id: string,
  title: string,
  labels: readonly string[],
  { coordinates }: PointMap,
  items: readonly MappedItem[],
): Panel {
  const rows = items.map(({ id: item, label, predicted }, i) => ({
    id: item,
    label,
    predicted,
    x: coordinates[2 * i]!,
    y: coordinates[2 * i + 1]!,
  }));
  const scales = labelScales(labels);
  const place = { type: 'quantitative', axis: null, scale: { zero: false, nice: false } } as const;
  return {
    id,
    title,
    rows,
    points: items,
    spec: {
      width: 300,
      height: 300,
      data: { values: rows },
      mark: { type: 'point', filled: true, size: 22, opacity: 0.75, strokeWidth: 0 },
      encoding: {
        x: { field: 'x', ...place },
        y: { field: 'y', ...place },
        color: {
          field: 'label',
          type: 'nominal',
          scale: scales.color,
          legend: { title: null, columns: 5, symbolOpacity: 1 },
        },
        shape: { field: 'label', type: 'nominal', scale: scales.shape },
      },
    },
  };
}

/** What a reader must know about the map: how it was made, and how far to trust it. */
export function describeMap({ trustworthiness, settings, coordinates }: PointMap): string {
  const { perplexity, iterations, learningRate, seed, neighbours } = settings;
  return (
    `${(coordinates.length / 2).toLocaleString('en-US')} points, perplexity ${perplexity}, ${iterations} steps at ` +
    `learning rate ${learningRate}, seed ${seed}; trustworthiness ${trustworthiness.toFixed(3)} over ${neighbours} neighbours`
  );
}
