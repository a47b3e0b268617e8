// Predictions of several models on the same pairs as one list of observations: every seed on every pairing of every pair.
import { type Factor, factorOf, hitsAgainst } from 'mien/parts';
import type { RowPredictions } from '../../experiments/results.js';

/** Observations go by seed, then by pairing, then by pair. */
export interface Layout {
  readonly n: number;
  readonly seeds: readonly number[];
  readonly pairings: readonly number[];
  readonly ids: readonly string[];
  readonly truth: ArrayLike<number>;
  /** By pairing. */
  readonly faces: readonly (readonly string[])[];
}

export function layoutOf({ runs }: RowPredictions): Layout {
  const seeds = [...new Set(runs.map(({ seed }) => seed))];
  const pairings = [...new Set(runs.map(({ pairing }) => pairing ?? 0))];
  const [{ ids, truth }] = runs as [RowPredictions['runs'][number]];
  const faces = pairings.map(
    (wanted) => runs.find(({ pairing }) => (pairing ?? 0) === wanted)!.faceIds ?? ids,
  );
  return { n: ids.length, seeds, pairings, ids, truth, faces };
}

/** Hits in the layout's order; a row of texts alone says the same on every pairing. Undefined where a run is missing. */
export function hitsOf({ runs }: RowPredictions, layout: Layout): Uint8Array | undefined {
  const { n, seeds, pairings } = layout;
  const out = new Uint8Array(seeds.length * pairings.length * n);
  let at = 0;
  for (const seed of seeds)
    for (const pairing of pairings) {
      const run = runs.find((one) => one.seed === seed && (one.pairing ?? pairing) === pairing);
      if (run?.ids.length !== n) return undefined;
      out.set(hitsAgainst(run.posteriors, run.truth), at);
      at += n;
    }
  return out;
}

/** Seeds, subjects (else texts) and faces as factors; pairings are no factor: another one is other faces. */
export function factorsOf(
  { n, seeds, pairings, ids, faces }: Layout,
  subjects: ArrayLike<number> | null,
): Factor[] {
  const text = factorOf(subjects === null ? ids : Array.from(subjects));
  const face = factorOf(faces.flat());
  const total = seeds.length * pairings.length * n;
  const each = (of: (o: number) => number): Factor => Int32Array.from({ length: total }, (_, o) => of(o));
  return [
    each((o) => Math.floor(o / (pairings.length * n))),
    each((o) => text[o % n]!),
    each((o) => face[o % (pairings.length * n)]!),
  ];
}

/** The layout of the first pairing alone. */
export const firstPairing = (layout: Layout): Layout => ({
  ...layout,
  pairings: layout.pairings.slice(0, 1),
  faces: layout.faces.slice(0, 1),
});

/** What of a list over all pairings belongs to the first. */
export function onFirstPairing({ n, seeds, pairings }: Layout, hits: Uint8Array): Uint8Array {
  const size = pairings.length * n;
  const out = new Uint8Array(seeds.length * n);
  seeds.forEach((_seed, s) => out.set(hits.subarray(s * size, s * size + n), s * n));
  return out;
}
