// One experiment on several features: rows of the same model and test data stand beside each other.
import type { ExperimentResults, RowPredictions } from './results.js';

export interface Reproduced {
  readonly results: ExperimentResults;
  readonly predictions: readonly RowPredictions[];
}

/** The experiment on other features than the first's, by a short name. */
export interface Beside extends Reproduced {
  readonly name: string;
}

/**
 * The first experiment with the others' rows after its own of the same kind, and at the end those of kinds that it does
 * not have. Rows of others are marked by their name and have no figure of the paper beside them, which the first has;
 * costs, configuration and environment are the first's.
 */
export function putBeside(first: Reproduced, others: readonly Beside[]): Reproduced {
  const renamed = others.map(({ name, results, predictions }) => ({
    rows: new Map(results.rows.map((row) => [row.id, { ...row, id: `${row.id}-${name}`, reproduces: null }])),
    counts: Object.fromEntries(
      Object.entries(results.counts).map(([set, counts]) => [`${set} (${name})`, counts]),
    ),
    predictions: predictions.map((one) => ({ ...one, row: `${one.row}-${name}` })),
  }));
  const known = new Set(first.results.rows.map(({ id }) => id));
  return {
    results: {
      ...first.results,
      rows: [
        ...first.results.rows.flatMap((row) => [
          row,
          ...renamed.flatMap(({ rows }) => rows.get(row.id) ?? []),
        ]),
        ...renamed.flatMap(({ rows }) => [...rows].flatMap(([id, row]) => (known.has(id) ? [] : [row]))),
      ],
      counts: Object.assign(
        { ...first.results.counts },
        ...renamed.map(({ counts }) => counts),
      ) as ExperimentResults['counts'],
    },
    predictions: [...first.predictions, ...renamed.flatMap(({ predictions }) => predictions)],
  };
}
