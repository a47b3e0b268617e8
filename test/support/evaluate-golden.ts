// Values of scikit-learn, SciPy and statsmodels that the statistics are held against.
import { readFileSync } from 'node:fs';

export interface Golden {
  readonly maps: {
    readonly width: number;
    readonly space: number[];
    readonly map: number[];
    readonly trustworthiness: Readonly<Record<string, number>>;
  };
  readonly mcnemar: readonly { firstOnly: number; secondOnly: number; pValue: number }[];
  readonly holm: readonly { pValues: number[]; holm: number[] }[];
  readonly resampling: {
    readonly values: number[];
    readonly mean: number;
    readonly standardError: number;
    readonly low: number;
    readonly high: number;
    readonly clusters: number[];
    readonly clustered: number[];
    readonly clusteredStandardError: number;
    readonly rows: number[];
    readonly columns: number[];
    readonly crossed: number[];
    readonly crossedStandardError: number;
    readonly quantiles: [q: number, value: number][];
  };
  readonly confidence: {
    readonly classes: number;
    readonly truth: number[];
    readonly posteriors: number[];
    readonly reliability: { accuracy: number[]; confidence: number[] };
    readonly risk: number[];
    readonly area: number;
    /** The first items are held out, the rest is judged. */
    readonly held: number;
    readonly conformal: readonly {
      alpha: number;
      threshold: number;
      coverage: number;
      size: number;
      single: number;
      empty: number;
      perLabel: number[];
    }[];
  };
  readonly emap: { readonly texts: number[]; readonly faces: number[]; readonly additive: number[] };
}

export const golden = JSON.parse(
  readFileSync(new URL('../golden/evaluate/statistics.json', import.meta.url), 'utf8'),
) as Golden;
