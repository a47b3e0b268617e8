// Rows of one modality: texts, faces at their own label distribution, faces at that of the pairs.
import { type Evidence, FACE_LABELS, labelPrior, pick, productOfPosteriors, softmax } from 'mien/parts';
import type { FaceSource } from './data.js';
import { pairedFaceModel, sevenFaceModel, textModel } from './plan.js';
import {
  calibrated,
  finish,
  logitsOf,
  pairedFaceTemperature,
  pairings,
  pairPrior,
  pairSelections,
  setTitles,
  textTitles,
  type Context,
  type TableRow,
} from './row-parts.js';

export function textRow(
  context: Context,
  table: 'II' | 'III' | 'seven',
  labels: readonly string[],
): TableRow {
  const { data, runs } = context;
  const validation = data.texts(labels, 'validation').labels;
  const { labels: truth, ids } = data.texts(labels, 'test');
  const shared = labels.length === context.config.labels.length;
  const head = {
    id: `${table}-text-${labels.length}`,
    table,
    model: 'text',
    labels,
    dataset: textTitles[data.source],
    variant: null,
    reproduces: !shared || table === 'seven' ? null : table === 'II' ? 'text' : 'ablation-text',
  } as const;
  const cells = runs(textModel(labels, data.source)).map((run) => [
    { posteriors: calibrated(run, validation), truth, ids, faceIds: null },
  ]);
  return finish(context, head, cells);
}

/** A face head trained on all seven labels, tested on all test faces or on one official part of FER2013's. */
export function sevenFaceRow(context: Context, faces: FaceSource, usage?: string): TableRow {
  const { data, runs } = context;
  const validation = data.faces(faces, FACE_LABELS, 'validation').labels;
  const test = data.faces(faces, FACE_LABELS, 'test');
  const kept = usage === undefined ? test : data.faces(faces, FACE_LABELS, 'test', usage);
  const position = new Map(Array.from(test.rows, (row, i) => [row, i]));
  const positions = Array.from(kept.rows, (row) => position.get(row)!);
  const head = {
    id: `II-face-7-${faces}${usage === undefined ? '' : `-${usage}`}`,
    table: 'II',
    model: 'face',
    labels: FACE_LABELS,
    dataset: setTitles[faces] + (usage === undefined ? '' : ` ${usage}`),
    variant: null,
    reproduces: null,
  } as const;
  const cells = runs(sevenFaceModel(faces)).map((run) => [
    {
      posteriors: pick(calibrated(run, validation), positions),
      truth: kept.labels,
      ids: kept.ids,
      faceIds: null,
    },
  ]);
  return finish(context, head, cells);
}

/**
 * The face head of the pairs on all test faces, at the faces' own label distribution: its posterior is moved from
 * the prior of the pairs to that of the training faces.
 */
export function naturalFaceRow(context: Context, source: FaceSource): TableRow {
  const { config, data, runs } = context;
  const selections = pairSelections(context, source);
  const { labels: truth, ids } = selections.faces.test;
  const prior = pairPrior(context);
  const target = labelPrior(data.faces(source, config.labels, 'train').labels, config.labels.length);
  const head = {
    id: `II-face-${config.labels.length}-${source}`,
    table: 'II',
    model: 'face',
    labels: config.labels,
    dataset: setTitles[source],
    variant: null,
    reproduces: source === config.pairing.faces ? 'face' : null,
  } as const;
  const cells = runs(pairedFaceModel(config.labels, source)).map((run) => {
    const evidence: Evidence = {
      logits: logitsOf(run.tests[0]!),
      temperature: pairedFaceTemperature(context, selections, run),
      prior,
    };
    return [{ posteriors: softmax(productOfPosteriors([evidence], target)), truth, ids, faceIds: null }];
  });
  return finish(context, head, cells);
}

/** The faces of the test pairings, judged by the face alone. */
export function pairedFaceRow(context: Context, table: 'II' | 'III' | 'seven', source: FaceSource): TableRow {
  const { config, data, runs } = context;
  const selections = pairSelections(context, source);
  const head = {
    id: `${table}-face-${config.labels.length}-${source}-paired`,
    table,
    model: 'face',
    labels: config.labels,
    dataset: setTitles[source],
    variant: 'label distribution of the pairs',
    reproduces: table === 'III' && source === config.pairing.faces ? 'ablation-face' : null,
  } as const;
  const cells = runs(pairedFaceModel(config.labels, source, data.source)).map((run) => {
    const temperature = pairedFaceTemperature(context, selections, run);
    const posteriors = softmax(logitsOf(run.tests[0]!), temperature);
    return pairings(context, selections).map(({ faces, ...cell }) => ({
      ...cell,
      posteriors: pick(posteriors, faces),
    }));
  });
  return finish(context, head, cells);
}
