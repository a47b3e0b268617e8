// `mien train`: a bundle from the user's own data, with encoders as published or trained on it first.
import { join } from 'node:path';
import { MienError } from 'mien-engine/base';
import { sha256File } from 'mien-engine/node';
import { type Progress, silentProgress } from 'mien/parts/base';
import { BUNDLE_FORMAT, type BundleManifest, FILES, writeBundle } from 'mien/parts/bundle';
import type { Split } from 'mien/parts/data';
import type { FaceEncoder, TextEncoder } from 'mien/parts/encoders';
import type { FaceEncoderSpec, Profile, TextEncoderSpec } from '../encoders/profiles.js';
import {
  loadFaceEncoder,
  loadTextEncoder,
  readPretrainedFace,
  readPretrainedText,
} from '../encoders/load.js';
import type { PretrainedOptions } from '../encoders/pretrained.js';
import type { Table } from '../data/table.js';
import type { Config } from '../experiments/config.js';
import { splitsOf, trainOwn, type OwnHead, type OwnResult } from '../experiments/own-data.js';
import { learnFace, type LabelledFace } from '../learn/learn-face.js';
import { learnText } from '../learn/learn-text.js';
import type { FaceLearnSettings, TextLearnSettings } from '../learn/settings.js';
import type { HeadName } from '../heads/heads.js';
import { decisionModel } from './decision.js';
import { faceModel, fusionHead, headTop, textModel, type FusionParts } from './models.js';
import { ownCard } from './own-card.js';

export interface TrainOptions extends PretrainedOptions {
  readonly table: Table;
  readonly name: string;
  readonly profile: Profile;
  readonly config: Config;
  /** Train the encoders too, with these settings, before heads are trained. */
  readonly learn?: { readonly text: TextLearnSettings; readonly face: FaceLearnSettings };
  readonly head: HeadName;
  /** `work/` in it keeps features, checkpoints and runs; `bundle/` is the result. */
  readonly out: string;
  /** Images of more pixels are an error (default 50 million). */
  readonly maxPixels?: number | undefined;
  readonly progress?: Progress;
  readonly signal?: AbortSignal;
}

export interface TrainedBundle {
  readonly manifest: BundleManifest;
  readonly rows: OwnResult['rows'];
  /** Rows in each split. */
  readonly counts: Readonly<Record<Split, number>>;
}

/** @throws MienError as loading, training and extraction do. */
export async function trainBundle(options: TrainOptions): Promise<TrainedBundle> {
  const { table, name, config, head, out, maxPixels, progress = silentProgress, signal } = options;
  const profile = options.learn ? await learnEncoders(options, options.learn) : options.profile;
  const encoders = await loadEncoders(options, profile);
  let result: OwnResult;
  try {
    result = await trainOwn({
      table,
      encoders,
      config,
      head,
      maxPixels,
      progress,
      signal,
      folder: join(out, 'work'),
      features: options.learn ? `${name} (learned)` : `${config.profile} features`,
    });
  } finally {
    await encoders.text?.dispose();
    await encoders.face?.dispose();
  }
  const { heads, prior, splits, rows } = result;
  const { labels } = table;
  const posterior = (one: OwnHead) => ({
    labels: [...labels],
    temperature: one.temperature,
    prior: [...prior],
    certainty: one.certainty,
  });
  const files: Record<string, string | Uint8Array> = {};
  let manifest: Omit<BundleManifest, 'files'> = {
    format: BUNDLE_FORMAT,
    name,
    decision: FILES.decision,
    terms: ['Trained on data of your own: what that data may be used for, the weights may.'],
  };
  if (heads.text && encoders.text) {
    const { model, tokenizer, width } = await textFiles(profile.text, heads.text, options);
    Object.assign(files, { [FILES.text]: model, [FILES.tokenizer]: tokenizer });
    const { maxTokens } = profile.text;
    manifest = {
      ...manifest,
      text: {
        model: FILES.text,
        ...posterior(heads.text),
        tokenizer: FILES.tokenizer,
        maxTokens,
        width,
      },
    };
  }
  if (heads.face && encoders.face) {
    const { model, ...shape } = await faceFiles(profile.face, heads.face, options);
    files[FILES.face] = model;
    manifest = { ...manifest, face: { model: FILES.face, ...posterior(heads.face), ...shape } };
  }
  const fused = heads[head];
  const fuses = heads.text && heads.face && fused;
  if (fuses) manifest = { ...manifest, fusion: { ...posterior(fused), head } };
  files[FILES.decision] = decisionModel(
    manifest,
    fuses && fusionHead(fused.graph as FusionParts, fused.parameters),
  );
  const counts = { train: 0, validation: 0, test: 0 };
  for (const split of splits) counts[split]++;
  files[FILES.card] = ownCard({ manifest, rows, counts, learned: options.learn !== undefined });
  return { manifest: await writeBundle(join(out, 'bundle'), manifest, files), rows, counts };
}

async function loadEncoders(
  { table, ...options }: TrainOptions,
  profile: Profile,
): Promise<{ text?: TextEncoder; face?: FaceEncoder }> {
  const [first] = table.rows;
  return {
    ...(first?.text === undefined ? {} : { text: await loadTextEncoder(profile.text, options) }),
    ...(first?.image === undefined ? {} : { face: await loadFaceEncoder(profile.face, options) }),
  };
}

/** Trains the encoders on the table's training rows; returns their profile. */
async function learnEncoders(
  { table, profile, config, out, name, ...options }: TrainOptions,
  learn: NonNullable<TrainOptions['learn']>,
): Promise<Profile> {
  const splits = splitsOf(table, config);
  const rowsIn = (wanted: Split) => table.rows.filter((_, i) => splits[i] === wanted);
  const [training, validation] = [rowsIn('train'), rowsIn('validation')];
  let { text, face }: { text: TextEncoderSpec; face: FaceEncoderSpec } = profile;
  const { labels } = table;
  if (table.rows[0]?.text !== undefined) {
    const of = (rows: typeof training) => rows.map((row) => ({ text: row.text!, label: row.label }));
    const folder = join(out, 'work', 'text-encoder');
    const items = { labels, training: of(training), validation: of(validation) };
    await learnText({ ...options, ...items, encoder: text, settings: learn.text, out: folder });
    text = {
      id: `own/${name}-text`,
      revision: 'local',
      folder: join(folder, 'encoder'),
      pooling: text.pooling,
      maxTokens: learn.text.maxTokens,
    };
  }
  if (table.rows[0]?.image !== undefined) {
    // Checkpoints are identified by the images' bytes, so that a changed image starts another training.
    const of = async (rows: typeof training): Promise<LabelledFace[]> => {
      const faces: LabelledFace[] = [];
      for (const { image, label } of rows)
        faces.push({ image: image!, label, dataset: 'images', sha256: await sha256File(image!.path) });
      return faces;
    };
    const folder = join(out, 'work', 'face-encoder');
    const items = { labels, training: await of(training), validation: await of(validation) };
    await learnFace({ ...options, ...items, encoder: face, settings: learn.face, out: folder });
    face = {
      id: `own/${name}-face`,
      revision: 'local',
      folder: join(folder, 'encoder'),
      imageSize: 'published',
    };
  }
  return { text, face };
}

async function textFiles(spec: TextEncoderSpec, head: OwnHead, options: PretrainedOptions) {
  const { config, tokenizer, weights } = await readPretrainedText(spec, options);
  return {
    model: textModel(config, await weights(), spec.pooling, topOf('text', head)),
    tokenizer: tokenizer.text,
    width: config.width,
  };
}

async function faceFiles(spec: FaceEncoderSpec, head: OwnHead, options: PretrainedOptions) {
  const { network, input, weights } = await readPretrainedFace(spec, options);
  return {
    model: faceModel(network, input, await weights(), topOf('face', head)),
    size: input.size,
    ...(input.mirror ? { mirror: true } : {}),
    width: network.width,
  };
}

function topOf(modality: 'text' | 'face', { graph, parameters }: OwnHead) {
  const statistics = graph.standardization?.[modality];
  if (statistics === undefined) throw new MienError('weights', `the ${modality} head has no standardisation`);
  return headTop(modality, graph.sizes, statistics, parameters);
}
