// `mien export`: learned encoders become a bundle, with a fusion head, calibration, evaluation and model card.
import { join } from 'node:path';
import { defined, MienError, takeRows, type Tensor } from 'mien-engine/base';
import { sha256 } from 'mien-engine/node';
import { type Progress, silentProgress } from 'mien/parts/base';
import {
  BUNDLE_FORMAT,
  type BundleManifest,
  FILES,
  openBundle,
  readBundle,
  writeBundle,
} from 'mien/parts/bundle';
import type { Protocol } from 'mien/parts/data';
import { labelPrior, priorShift, restrictPrior } from 'mien/parts/evaluate';
import { loadFaceEncoder, loadTextEncoder } from '../encoders/load.js';
import { corpusCounts } from '../data/corpora/prepare.js';
import type { PreparedCorpus } from '../data/corpora/definitions.js';
import type { BehaviourItem } from '../data/sentences.js';
import type { Config } from '../experiments/config.js';
import { experimentData, type ExperimentData } from '../experiments/data.js';
import { featuresOf } from '../features/extract.js';
import { termsOf } from '../features/sets.js';
import type { HeadName } from '../heads/heads.js';
import type { AlignedTest } from './aligned-tests.js';
import { modelCard, type CardFacts } from './card.js';
import { termsOfEncoder, trainingOf } from './facts.js';
import { corruptedItems, type CorruptedItems } from './corrupted-items.js';
import { corruptedPairs, GUIDANCE, PAIR_SHARES } from './corrupted-pairs.js';
import { decisionModel } from './decision.js';
import { evaluateBundle, type BundleEvaluation, type EvaluateOptions } from './evaluation.js';
import { pairCertainty, trainFusion, type FusionHead } from './fusion.js';
import type { LearnedFace, LearnedText } from '../learn/learned.js';
import { calibratedParts, logitsOf, posteriorsOf } from './learned-posteriors.js';
import { passagesOf } from './passages.js';
import { fusionHead, type Precision, learnedFaceModel, learnedTextModel } from './models.js';

export interface ExportOptions {
  readonly name: string;
  readonly text: LearnedText;
  readonly face: LearnedFace;
  /** With texts of further corpora where the fusion is over labels that ISEAR lacks. */
  readonly protocol: Protocol;
  /** Further corpora, for tests. */
  readonly corpora?: readonly PreparedCorpus[];
  /** Folder in which the learned features are kept. */
  readonly features: string;
  /** Settings of the fusion head. */
  readonly config: Config;
  readonly head: HeadName;
  /** What the fusion is trained on: pairs of which some have a corrupted side, or clean ones only. */
  readonly fusionPairs: 'corrupted' | 'clean';
  /** Whether faces are read with their mirror image. */
  readonly mirror: boolean;
  /** Short texts that test a capability each, for the card. */
  readonly behaviour?: readonly BehaviourItem[];
  readonly out: string;
  readonly progress?: Progress;
  readonly signal?: AbortSignal;
}

/**
 * How often words and face are taken to tell of one label, and the share of what a face adds to a text that counts.
 * Estimated on posts that nobody matched (docs/models.md); label-matched pairs, which always agree, would have both at 1.
 */
const AGREEMENT = 0.8;
const FACE_WEIGHT = 0.3;

export interface Exported {
  readonly manifest: BundleManifest;
  readonly evaluation: BundleEvaluation;
  readonly reference: BundleEvaluation;
  /** What its card was written from. */
  readonly card: CardFacts;
}

/**
 * Trains the fusion head, writes the models small, fits temperatures on validation, evaluates on the test splits and
 * writes the bundle.
 * @throws MienError as training and extraction do.
 */
export async function exportBundle(options: ExportOptions): Promise<Exported> {
  const {
    name,
    protocol,
    config,
    head,
    fusionPairs,
    mirror,
    out,
    progress = silentProgress,
    signal,
  } = options;
  const { text } = options;
  const face: LearnedFace = { ...options.face, input: { ...options.face.input, mirror } };
  checkTexts(config.labels, protocol);
  const { data, corrupted } = await learnedFeatures(text, face, options);
  const parts = calibratedParts(data, { text, face }, config.labels);
  const pairPrior = labelPrior(data.texts(config.labels, 'train').labels, config.labels.length);
  // Pairs are drawn with labels about as frequent as each other; people write as the text encoder's corpora do.
  const prior = restrictPrior(parts.text.prior, text.labels, config.labels);
  const trained = await trainFusion(data, config, {
    head,
    progress,
    signal,
    variation:
      corrupted &&
      corruptedPairs(data, config.labels, corrupted, {
        text: posteriorsOf(text, parts.text, config.labels, pairPrior),
        face: posteriorsOf(face, parts.face, config.labels, pairPrior),
      }),
    folder: join(options.features, 'fusion'),
    features: sha256(JSON.stringify([text.record.sha256, face.record.sha256, mirror, protocol.settings])),
  });
  const shift = priorShift(pairPrior, prior, trained.temperature);
  const fusion: FusionHead = { ...trained, parts: { ...trained.parts, shift } };

  const uncertain = {
    format: BUNDLE_FORMAT,
    name,
    decision: FILES.decision,
    text: {
      model: FILES.text,
      tokenizer: FILES.tokenizer,
      labels: [...text.labels],
      maxTokens: text.maxTokens,
      width: text.config.width,
      ...defined({ fine: text.record.fine }),
      ...parts.text,
    },
    face: {
      model: FILES.face,
      labels: [...face.labels],
      size: face.input.size,
      width: face.network.width,
      ...(face.input.mirror ? { mirror: true } : {}),
      ...parts.face,
    },
    fusion: {
      labels: [...config.labels],
      head,
      temperature: fusion.temperature,
      training: fusionPairs,
      agreement: AGREEMENT,
      faceWeight: FACE_WEIGHT,
      prior,
    },
    terms: [
      ...new Set([
        ...(['isear', 'fer2013', 'rafdb'] as const).map(termsOf),
        ...termsOfEncoder({ text }),
        ...termsOfEncoder({ face }),
      ]),
    ],
  } satisfies Omit<BundleManifest, 'files'>;
  const side = (learned: LearnedText | LearnedFace, table: Tensor<'float32'>, rows: Int32Array) => {
    const embedding = takeRows(table, rows);
    return { embedding, logits: logitsOf(learned, embedding) };
  };
  const { pairs } = fusion;
  const certainty = await pairCertainty(
    uncertain,
    fusionHead(fusion.parts, fusion.parameters, 'float32'),
    {
      text: side(text, data.tables.text, pairs.text!),
      face: side(face, data.tables.face, pairs.face!),
    },
    pairs.labels,
  );
  const manifest: Omit<BundleManifest, 'files'> = {
    ...uncertain,
    fusion: { ...uncertain.fusion, certainty },
  };
  const { behaviour, corpora = [] } = options;
  const float = files(manifest, { text, face, fusion }, 'float32');
  const reference = await evaluated(manifest, float, protocol, {
    corruption: false,
    behaviour,
    corpora,
    progress,
  });
  const small = files(manifest, { text, face, fusion }, 'small');
  const evaluation = await evaluated(manifest, small, protocol, { behaviour, corpora, progress });
  const card: CardFacts = {
    manifest,
    evaluation,
    reference,
    passages: passagesOf({
      counts: protocol.counts,
      corpora: corpora.map(corpusCounts),
      training: {
        text: trainingOf(text),
        face: trainingOf(face),
        fusion: fusionTraining(options, fusion),
      },
    }),
  };
  return writeWithCard(out, small, card);
}

/**
 * Measures a finished bundle on pairs that nobody matched, which takes a whole recogniser, and states what was found in
 * its evaluation and card.
 */
export async function addAligned(
  folder: string,
  { card }: Exported,
  aligned: AlignedTest,
): Promise<Exported> {
  const { files } = await readBundle(folder);
  const models = Object.fromEntries(
    Object.entries(files).filter(([name]) => name !== FILES.evaluation && name !== FILES.card),
  );
  return writeWithCard(folder, models, { ...card, evaluation: { ...card.evaluation, aligned } });
}

/** Writes a bundle with its evaluation and card. */
export async function writeWithCard(
  out: string,
  models: Readonly<Record<string, Uint8Array>>,
  card: CardFacts,
): Promise<Exported> {
  const { evaluation, reference } = card;
  const manifest = await writeBundle(out, card.manifest, {
    ...models,
    [FILES.evaluation]: `${JSON.stringify({ evaluation, reference }, null, 1)}\n`,
    [FILES.card]: modelCard(card),
  });
  return { manifest, evaluation, reference, card };
}

/** @throws MienError `data` when a label of the fusion has no training text: no face would be paired with it. */
function checkTexts(labels: Config['labels'], { texts, corpora = [] }: Protocol): void {
  const all = [...texts, ...corpora].filter(({ split }) => split === 'train');
  const lacking = labels.filter((label) => !all.some((text) => text.label === label));
  if (lacking.length > 0)
    throw new MienError('data', `there are no training texts of ${lacking.join(', ')} to pair with faces`, {
      hint: 'Put the corpora that have them into the data folder (docs/data.md), or set labels to those that ISEAR has.',
    });
}

/** The learned encoders' features of all items and of corrupted ones, extracted where they are not there yet. */
async function learnedFeatures(
  text: LearnedText,
  face: LearnedFace,
  { name, protocol, config, fusionPairs, features, mirror, progress, signal }: ExportOptions,
): Promise<{ data: ExperimentData; corrupted: CorruptedItems | undefined }> {
  const encoders = {
    text: await loadTextEncoder({
      id: `mien/${name}-text`,
      revision: 'local',
      folder: text.folder,
      maxTokens: text.maxTokens,
      pooling: text.pooling,
    }),
    face: await loadFaceEncoder({
      id: `mien/${name}-face`,
      revision: 'local',
      folder: face.folder,
      imageSize: 'published',
      mirror,
    }),
  };
  const common = {
    protocol,
    encoders,
    dir: features,
    ...defined({ progress, signal }),
  };
  try {
    const sets = await featuresOf(common);
    const data = experimentData(sets, sets.corpora ? 'all' : 'isear');
    const { labels } = config;
    const corrupted =
      fusionPairs === 'corrupted' ? await corruptedItems({ ...common, data, labels }) : undefined;
    return { data, corrupted };
  } finally {
    await encoders.text.dispose();
    await encoders.face.dispose();
  }
}

const files = (
  manifest: Omit<BundleManifest, 'files'>,
  {
    text,
    face,
    fusion: { parts, parameters },
  }: { readonly text: LearnedText; readonly face: LearnedFace; readonly fusion: FusionHead },
  precision: Precision,
): Record<string, Uint8Array> => ({
  [FILES.text]: learnedTextModel({ ...text, fine: text.record.fine }, precision),
  [FILES.face]: learnedFaceModel(face, precision),
  [FILES.decision]: decisionModel(manifest, fusionHead(parts, parameters, precision)),
  [FILES.tokenizer]: new TextEncoder().encode(text.tokenizer),
});

async function evaluated(
  manifest: Omit<BundleManifest, 'files'>,
  content: Readonly<Record<string, Uint8Array>>,
  protocol: Protocol,
  options: EvaluateOptions,
): Promise<BundleEvaluation> {
  const bundle = await openBundle({ ...manifest, files: {} }, content);
  try {
    return await evaluateBundle(bundle, protocol, options);
  } finally {
    await bundle.dispose();
  }
}

function fusionTraining({ head, config, fusionPairs }: ExportOptions, { seed }: FusionHead): string {
  const pairs =
    fusionPairs === 'clean'
      ? 'pairs as they are'
      : `pairs of which some have a corrupted side or lack one (shares \`${JSON.stringify(PAIR_SHARES)}\`), its gate guided (weight ${GUIDANCE})`;
  return (
    `the ${head} head on features of the learned encoders, trained on ${pairs}; ` +
    `seed ${seed} of ${config.seeds.join(', ')}, chosen by macro F1 on validation pairs; ` +
    `an answer takes words and face to tell of one label in ${AGREEMENT} of all cases, and counts ${FACE_WEIGHT} of what the face adds`
  );
}
