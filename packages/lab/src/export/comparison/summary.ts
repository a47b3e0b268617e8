// Results of the comparison: intervals over seeds, pairings, writers and faces, and which head becomes the default.
import {
  bootstrapPValue,
  type Factor,
  factorOf,
  meanOf,
  percentileInterval,
  resampleMeans,
} from 'mien/parts/evaluate';
import { holm } from '../../evaluate/intervals.js';
import type { ComparedHeadFile, ComparisonFile } from '../../report/comparison-file.js';
import type { Answers } from './answers.js';
import type { Compared, ComparedHead } from './compare.js';

export type ComparisonSummary = Pick<ComparisonFile, 'heads' | 'chosen' | 'pairs' | 'seeds'>;

const REFERENCE = 'gated';
const LEVEL = 0.05;

/**
 * Intervals of 95% by resampling seeds, writers and faces together (`resampleMeans`). p-values of the
 * null hypothesis “as good as the gate” are adjusted by Holm over all trained heads; the product is no candidate.
 */
export function summarize(compared: Compared, replicates = 2000): ComparisonSummary {
  const { situations, heads } = compared;
  const seeds = Math.max(...heads.map(({ runs }) => runs.length));
  const cleanName = situations.find(({ kind }) => kind === 'clean')!.name;
  const factors = factorsOf(compared.validation, seeds);
  const values = (head: ComparedHead, of: (answers: Readonly<Record<string, Answers>>) => number[]) =>
    overSeeds(
      head.runs.map(({ answers }) => of(answers)),
      seeds,
    );
  const scoreOf = (answers: Readonly<Record<string, Answers>>): number[] => {
    const kinds = (['clean', 'corrupted', 'missing'] as const).map((kind) =>
      situations.flatMap((one) => (one.kind === kind ? [answers[one.name]!.hits] : [])),
    );
    return kinds[0]![0]!.map((_, i) => meanOf(kinds.map((hits) => meanOf(hits.map((one) => one[i]!)))));
  };
  const scored = heads.map((head) => values(head, scoreOf));
  const reference = scored[heads.findIndex(({ head }) => head === REFERENCE)];
  const differences = scored.map((own) => own.map((value, i) => value - (reference?.[i] ?? 0)));
  const options = { replicates };
  const means = resampleMeans([...scored, ...differences], factors, options);
  const differing = means.slice(heads.length);
  const judged = heads.flatMap(({ head }, i) => (head === REFERENCE || head === 'product' ? [] : [i]));
  const adjusted = holm(judged.map((i) => bootstrapPValue(differing[i]!.replicates)));
  const pValueOf = (i: number): number =>
    adjusted[judged.indexOf(i)] ?? bootstrapPValue(differing[i]!.replicates);
  const tests = resampleMeans(
    heads.map(({ runs }) =>
      overSeeds(
        runs.map(({ test }) => test.hits),
        seeds,
      ),
    ),
    factorsOf(compared.test, seeds),
    options,
  );

  const projected = heads.map((head) =>
    head.runs.flatMap(({ additive }) => (additive === undefined ? [] : [additive])),
  );
  const additive = (i: number): ComparedHeadFile['additive'] => {
    if (projected[i]!.length === 0) return null;
    const own = overSeeds(projected[i]!, seeds);
    const clean = values(heads[i]!, (answers) => [...answers[cleanName]!.hits]);
    const [accuracy, difference] = resampleMeans(
      [own, clean.map((value, k) => value - own[k]!)],
      factors,
      options,
    ).map((means) => percentileInterval(means));
    return { accuracy: accuracy!, interaction: difference! };
  };

  const summaries = heads.map((head, i): ComparedHeadFile => {
    const { runs } = head;
    const accuracies = resampleMeans(
      situations.map(({ name }) => values(head, (answers) => [...answers[name]!.hits])),
      factors,
      options,
    );
    return {
      head: head.head,
      parameters: head.parameters,
      rate: runs[0]!.rate || null,
      epochs: meanOf(runs.map(({ epochs }) => epochs)),
      secondsAnEpoch: meanOf(runs.map(({ secondsAnEpoch }) => secondsAnEpoch)),
      situations: situations.map(({ name, kind, of }, s) => ({
        name,
        kind,
        of,
        accuracy: percentileInterval(accuracies[s]!),
        gates: runs.flatMap(({ answers }) => answers[name]!.gate ?? []),
      })),
      additive: additive(i),
      score: percentileInterval(means[i]!),
      difference:
        head.head === REFERENCE || reference === undefined
          ? null
          : { ...percentileInterval(differing[i]!), pValue: pValueOf(i) },
      test: percentileInterval(tests[i]!),
    };
  });
  const better = summaries.filter(
    ({ head, difference }) =>
      head !== 'product' && difference !== null && difference.mean > 0 && difference.pValue < LEVEL,
  );
  const best = better.reduce<ComparedHeadFile | undefined>(
    (a, b) => (a === undefined || b.score.mean > a.score.mean ? b : a),
    undefined,
  );
  return {
    heads: summaries,
    chosen: best?.head ?? REFERENCE,
    seeds,
    pairs: { validation: compared.validation.faces.length, test: compared.test.faces.length },
  };
}

/** One value per seed and pair; those of a single run are repeated for every seed. */
const overSeeds = (runs: readonly (readonly number[])[], seeds: number): number[] =>
  Array.from({ length: seeds }, (_, s) => runs[s] ?? runs[0]!).flat();

/** Seeds, writers and faces of `overSeeds`' values. */
function factorsOf({ writers, faces }: Compared['validation'], seeds: number): Factor[] {
  const each = <T>(of: (seed: number, pair: number) => T): T[] =>
    Array.from({ length: seeds }, (_, s) => faces.map((_face, i) => of(s, i))).flat();
  return [
    factorOf(each((seed) => seed)),
    factorOf(each((_, i) => writers[i]!)),
    factorOf(each((_, i) => faces[i]!)),
  ];
}
