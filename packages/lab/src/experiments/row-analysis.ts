// Gathers, row by row, what statistics need besides predictions: posteriors on validation and before temperature,
// training histories, subjects, gates, additive projections, mismatched pairs and what classifiers see.
import { FACE_LABELS, TEXT_LABELS } from 'mien/parts/data';
import {
  type Evidence,
  pick,
  productOfPosteriors,
  scores,
  type Scores,
  toPosteriors,
} from 'mien/parts/evaluate';
import type { HeadName } from '../heads/heads.js';
import { defined, type Tensor } from 'mien-engine/base';
import { take, type FaceSource, type Selection } from './data.js';
import {
  FACE_SOURCES,
  fusedHeads,
  fusedModel,
  pairedFaceModel,
  sevenFaceModel,
  textOnlyModel,
  type ModelSpec,
} from './plan.js';
import type { RowAnalysis } from './results.js';
import {
  scoresOf,
  pairedFaceTemperature,
  pairings,
  pairPrior,
  pairSelections,
  pairTruth,
  temperatureOf,
  underFacePrior,
  type Context,
  type PairSelections,
} from './row-parts.js';
import { mapPositions, mismatchedPairs } from './run-analysis.js';
import { validationPairs, type RunResult } from './run.js';

/** By row id. Of rows with the same heads on the same items one is analysed; Table IV repeats others' rows. */
export function rowAnalyses(context: Context): Map<string, RowAnalysis> {
  const { config } = context;
  const { labels } = config;
  const unimodal = [
    [`II-text-${labels.length}`, textAnalysis(context, labels)],
    [`II-text-${TEXT_LABELS.length}`, textAnalysis(context, TEXT_LABELS)],
    ...FACE_SOURCES.flatMap((source) => [
      [`II-face-${labels.length}-${source}`, naturalFaceAnalysis(context, source)],
      [`II-face-${FACE_LABELS.length}-${source}`, sevenFaceAnalysis(context, source)],
    ]),
  ] as [string, RowAnalysis][];
  const paired = FACE_SOURCES.flatMap((source) => [
    ...fusedHeads(config, source).map(
      (head) => [`III-${head}-${source}`, fusedAnalysis(context, head, source)] as const,
    ),
    [`III-product-${source}`, productAnalysis(context, source)] as const,
  ]);
  return new Map([...unimodal, ...paired]);
}

const trainingsOf = (runs: readonly RunResult[]) =>
  runs.map(({ bestEpoch, history }) => ({ bestEpoch, history }));

/** The first seed's representation, where it was kept. */
function mapOf(
  { config }: Context,
  [run]: readonly RunResult[],
  truth: Uint8Array,
): Pick<RowAnalysis, 'map'> {
  const representation = run?.analysis?.representation;
  if (representation === undefined) return {};
  const { shape, data } = representation;
  return { map: { positions: mapPositions(config, truth), width: shape[1]!, representation: data } };
}

/** A head that is tested on single items and calibrated on those of validation as they are. */
function plain(
  context: Context,
  model: ModelSpec,
  select: (split: 'validation' | 'test') => Selection,
  subjects: RowAnalysis['subjects'],
): RowAnalysis {
  const { config, runs } = context;
  const found = runs(model);
  const { labels: truth } = select('validation');
  return {
    seeds: config.seeds,
    trainings: trainingsOf(found),
    validation: {
      truth,
      posteriors: found.map((run) => toPosteriors(scoresOf(run.validation), temperatureOf(run, truth))),
    },
    uncalibrated: found.map(({ tests }) => [toPosteriors(scoresOf(tests[0]!))]),
    subjects,
    ...mapOf(context, found, select('test').labels),
  };
}

/** Who wrote the selected texts; null where the data set does not say of any. */
function subjectsOf({ data }: Context, { rows }: Selection): RowAnalysis['subjects'] {
  const subjects = rows.map((row) => data.sets.texts.subject[row]!);
  return subjects.every((subject) => subject === -1) ? null : subjects;
}

function textAnalysis(context: Context, labels: readonly string[]): RowAnalysis {
  const select = (split: 'validation' | 'test') => context.data.texts(labels, split);
  return plain(context, textOnlyModel(labels), select, subjectsOf(context, select('test')));
}

const sevenFaceAnalysis = (context: Context, source: FaceSource): RowAnalysis =>
  plain(context, sevenFaceModel(source), (split) => context.data.faces(source, FACE_LABELS, split), null);

/** As the row itself: under the faces' own label distribution. */
function naturalFaceAnalysis(context: Context, source: FaceSource): RowAnalysis {
  const { config, runs } = context;
  const selections = pairSelections(context, source);
  const moved = underFacePrior(context, source);
  const found = runs(pairedFaceModel(config.labels, source));
  return {
    seeds: config.seeds,
    trainings: trainingsOf(found),
    validation: {
      truth: selections.faces.validation.labels,
      posteriors: found.map((run) =>
        moved(scoresOf(run.validation), pairedFaceTemperature(context, selections, run)),
      ),
    },
    uncalibrated: found.map((run) => [moved(scoresOf(run.tests[0]!), 1)]),
    subjects: null,
    ...mapOf(context, found, selections.faces.test.labels),
  };
}

/** What a head or the product makes of pairs, at its own temperature and at 1. */
interface PairPosteriors {
  readonly validation: Scores;
  readonly uncalibrated: readonly Scores[];
  readonly mismatched?: Scores;
}

function pairedAnalysis(
  context: Context,
  selections: PairSelections,
  of: readonly PairPosteriors[],
): Omit<RowAnalysis, 'trainings'> {
  const { config } = context;
  const { texts, faces } = selections;
  const mismatched = of.flatMap((one) => one.mismatched ?? []);
  const others = mismatchedPairs(config, texts.test, faces.test);
  return {
    seeds: config.seeds,
    validation: {
      truth: pairTruth(context, selections),
      posteriors: of.map(({ validation }) => validation),
    },
    uncalibrated: of.map(({ uncalibrated }) => uncalibrated),
    subjects: subjectsOf(context, texts.test),
    ...(mismatched.length < of.length
      ? {}
      : { mismatched: { faceLabels: take(faces.test, others).labels, posteriors: mismatched } }),
  };
}

function fusedAnalysis(context: Context, head: HeadName, source: FaceSource): RowAnalysis {
  const { config, runs } = context;
  const selections = pairSelections(context, source);
  const found = runs(fusedModel(head, config.labels, source));
  const truth = pairTruth(context, selections);
  const posteriors = found.map((run): PairPosteriors => {
    const { validation, tests, analysis } = run;
    const temperature = temperatureOf(run, truth);
    return {
      validation: toPosteriors(scoresOf(validation), temperature),
      uncalibrated: tests.map((test) => toPosteriors(scoresOf(test))),
      ...defined({
        mismatched: analysis?.mismatched && toPosteriors(scoresOf(analysis.mismatched), temperature),
      }),
    };
  });
  const gates = found.flatMap(({ analysis }) => analysis?.gate ?? []);
  const additive = found.flatMap(({ analysis }) => analysis?.additive ?? []);
  return {
    ...pairedAnalysis(context, selections, posteriors),
    trainings: trainingsOf(found),
    ...defined({
      gates: gates.length === found.length ? gates.map(rowsOfTensor) : undefined,
      additive:
        additive.length === found.length
          ? additive.map(({ shape, data }) => scores(shape[1]!, data))
          : undefined,
    }),
    ...mapOf(context, found, selections.texts.test.labels),
  };
}

const rowsOfTensor = ({ shape, data }: Tensor<'float32'>): Float32Array[] =>
  Array.from({ length: shape[0]! }, (_, row) => data.subarray(row * shape[1]!, (row + 1) * shape[1]!));

/** As the row itself: the two unimodal heads' posteriors, multiplied. */
function productAnalysis(context: Context, source: FaceSource): RowAnalysis {
  const { config, data, runs } = context;
  const selections = pairSelections(context, source);
  const { texts, faces } = selections;
  const prior = pairPrior(context);
  const textTruth = data.texts(config.labels, 'validation').labels;
  const pairs = validationPairs(config, texts.validation, faces.validation);
  const others = mismatchedPairs(config, texts.test, faces.test);
  const faceRuns = runs(pairedFaceModel(config.labels, source));
  const posteriors = runs(textOnlyModel(config.labels)).map((textRun, seed): PairPosteriors => {
    const faceRun = faceRuns[seed]!;
    const temperatures = {
      text: temperatureOf(textRun, textTruth),
      face: pairedFaceTemperature(context, selections, faceRun),
    };
    const multiplied = (text: Scores, face: Scores, { text: t, face: f } = temperatures): Scores => {
      const evidence: Evidence[] = [
        { logits: text, temperature: t, prior },
        { logits: face, temperature: f, prior },
      ];
      return toPosteriors(productOfPosteriors(evidence, prior));
    };
    const text = scoresOf(textRun.tests[0]!);
    const face = scoresOf(faceRun.tests[0]!);
    return {
      validation: multiplied(
        pick(scoresOf(textRun.validation), pairs.texts),
        pick(scoresOf(faceRun.validation), pairs.faces),
      ),
      uncalibrated: pairings(context, selections).map(({ faces: positions }) =>
        multiplied(text, pick(face, positions), { text: 1, face: 1 }),
      ),
      mismatched: multiplied(text, pick(face, others)),
    };
  });
  return { ...pairedAnalysis(context, selections, posteriors), trainings: [] };
}
