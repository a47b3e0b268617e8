// Rows of two modalities: fused heads, and the product of the unimodal heads' posteriors.
import { type Evidence, fitTemperature, pick, productOfPosteriors, softmax } from 'mien/parts';
import type { HeadName } from '../heads/heads.js';
import { take, type FaceSource } from './data.js';
import type { TableName } from './results.js';
import { fusedModel, pairedFaceModel, textModel } from './plan.js';
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
  type RowHead,
  type TableRow,
} from './row-parts.js';
import { validationPairs } from './run.js';

export function fusedRow(context: Context, table: TableName, model: HeadName, source: FaceSource): TableRow {
  const { config, data, runs } = context;
  const selections = pairSelections(context, source);
  const pairs = validationPairs(config, selections.texts.validation, selections.faces.validation);
  const validation = take(selections.texts.validation, pairs.texts).labels;
  const cells = runs(fusedModel(model, config.labels, source, data.source)).map((run) =>
    pairings(context, selections).map(({ truth, ids, faceIds }, index) => ({
      posteriors: calibrated(run, validation, index),
      truth,
      ids,
      faceIds,
    })),
  );
  return finish(context, pairedHead(context, table, model, source), cells);
}

/** The two unimodal heads' calibrated posteriors, multiplied (see `productOfPosteriors`). */
export function productRow(context: Context, table: TableName, source: FaceSource): TableRow {
  const { config, data, runs } = context;
  const selections = pairSelections(context, source);
  const prior = pairPrior(context);
  const textTruth = data.texts(config.labels, 'validation').labels;
  const faceRuns = runs(pairedFaceModel(config.labels, source, data.source));
  const cells = runs(textModel(config.labels, data.source)).map((textRun, seed) => {
    const faceRun = faceRuns[seed]!;
    const text: Evidence = {
      logits: logitsOf(textRun.tests[0]!),
      temperature: fitTemperature(logitsOf(textRun.validation), textTruth).temperature,
      prior,
    };
    const temperature = pairedFaceTemperature(context, selections, faceRun);
    return pairings(context, selections).map(({ faces, truth, ids, faceIds }) => {
      const face: Evidence = { logits: pick(logitsOf(faceRun.tests[0]!), faces), temperature, prior };
      return { posteriors: softmax(productOfPosteriors([text, face], prior)), truth, ids, faceIds };
    });
  });
  return finish(context, pairedHead(context, table, 'product', source), cells);
}

function pairedHead(
  { config, data }: Context,
  table: TableName,
  model: HeadName | 'product',
  source: FaceSource,
): RowHead {
  const main = source === config.pairing.faces;
  const reproduces =
    main && table === 'II' && model === 'gated'
      ? 'multimodal'
      : main && table === 'III' && (model === 'gated' || model === 'concatenation')
        ? (`ablation-${model}` as const)
        : null;
  return {
    id: `${table}-${model}-${source}`,
    table,
    model,
    labels: config.labels,
    dataset: `${textTitles[data.source]} × ${setTitles[source]}`,
    variant: null,
    reproduces,
  };
}
