// Heads on somebody's own data, where text and image of a row belong together: splits, embeddings, training, rows.
import { join } from 'node:path';
import { defined, MienError, randomStream, type Tensor } from 'mien-engine/base';
import { sha256 } from 'mien-engine/node';
import { type Progress, silentProgress } from 'mien/parts/base';
import type { Split } from 'mien/parts/data';
import { decodeImage, type FaceEncoder, type TextEncoder } from 'mien/parts/encoders';
import {
  evaluateScores,
  labelPrior,
  productOfPosteriors,
  scores,
  type Scores,
  toPosteriors,
} from 'mien/parts/evaluate';
import { chooseGroups, groupsOf } from '../data/splits.js';
import type { Table } from '../data/table.js';
import { faceEmbedder, textEmbedder } from '../features/embed.js';
import { keptEmbeddings } from '../features/store.js';
import { modalitiesOf, type HeadName } from '../heads/heads.js';
import type { HeadGraphOptions, Items, Paired } from '../train/head-graph.js';
import { trainHead } from '../train/head-task.js';
import { trainSeeds, type JudgedHead } from './best-seed.js';
import type { Config } from './config.js';
import { finish, type Cell, type TableRow } from './row-parts.js';
import { headGraph } from './head-options.js';
import type { ModelName } from './results.js';

export interface OwnOptions {
  readonly table: Table;
  readonly encoders: { readonly text?: TextEncoder; readonly face?: FaceEncoder };
  readonly config: Config;
  /** A fused head that is wanted, trained beside the ablation's. */
  readonly head?: HeadName;
  /** Folder of features and runs, which are resumed. */
  readonly folder: string;
  /** What the embeddings are called in the rows. */
  readonly features: string;
  /** Images of more pixels are an error. */
  readonly maxPixels?: number | undefined;
  readonly progress?: Progress;
  readonly signal?: AbortSignal | undefined;
}

/** A trained head of the seed that was best on validation. */
export interface OwnHead extends JudgedHead {
  readonly head: HeadName;
  readonly graph: HeadGraphOptions;
}

export interface OwnResult {
  readonly rows: readonly TableRow[];
  readonly heads: Readonly<Partial<Record<HeadName, OwnHead>>>;
  readonly splits: readonly Split[];
  /** Label distribution of the training rows. */
  readonly prior: readonly number[];
}

const TEST_FRACTION = 0.2;
const OWN_HEADS = ['text', 'face', 'concatenation', 'gated', 'gated-no-lstm', 'static-gate'] as const;

/** The split of each row: the table's own, else drawn by label with groups kept together. */
export function splitsOf({ rows }: Table, { seed, validation }: Config): Split[] {
  const groups = groupsOf(rows.map(({ group }) => group));
  const open = rows.map((row, i) => ({ label: row.label, group: groups[i]!, split: row.split, i }));
  const splits = rows.map(({ split }) => split ?? 'train');
  const draw = (name: Split, fraction: number): void => {
    if (open.some(({ split }) => split === name)) return;
    const candidates = open.filter(({ split, i }) => split !== 'test' && splits[i] === 'train');
    const chosen = chooseGroups(candidates, fraction, randomStream(seed, `own/${name}`));
    candidates.forEach(({ i }, k) => {
      if (chosen[k]) splits[i] = name;
    });
  };
  draw('test', TEST_FRACTION);
  draw('validation', validation.fraction);
  for (const name of ['train', 'validation', 'test'] as const)
    if (!splits.includes(name))
      throw new MienError('data', `there are no rows for the ${name} split`, {
        hint: 'More rows (or more groups) are needed.',
      });
  return splits;
}

/** Embeds, trains every head that the modalities allow once a seed, and tests them. */
export async function trainOwn(options: OwnOptions): Promise<OwnResult> {
  const { table, config, folder, features, progress = silentProgress, signal } = options;
  const { labels, rows } = table;
  const splits = splitsOf(table, config);
  const tables = await embeddings(options);
  const truth = Uint8Array.from(rows, ({ label }) => labels.indexOf(label));
  const placesOf = (wanted: Split): Int32Array =>
    Int32Array.from(rows.flatMap((_, i) => (splits[i] === wanted ? [i] : [])));
  const [train, validation, test] = [placesOf('train'), placesOf('validation'), placesOf('test')];
  const itemsAt = (places: Int32Array): Items & { labels: Uint8Array } => ({
    text: places,
    face: places,
    labels: Uint8Array.from(places, (i) => truth[i]!),
  });
  const fingerprint = sha256(JSON.stringify([config, labels, [...truth], splits, hashes(tables)]));

  const names: readonly HeadName[] =
    tables.text && tables.face
      ? [...new Set<HeadName>([...OWN_HEADS, options.head ?? 'gated'])]
      : tables.text
        ? ['text']
        : ['face'];
  const heads: Partial<Record<HeadName, OwnHead>> = {};
  const tested: Partial<Record<HeadName, readonly JudgedHead[]>> = {};
  progress.begin('training heads', names.length * config.seeds.length, 'heads');
  for (const head of names) {
    const graph = headGraph(head, labels.length, config, (modality) => ({
      table: tables[modality]!,
      rows: train,
    }));
    const { best, all } = await trainSeeds({
      graph,
      seeds: config.seeds,
      features: featuresOf(tables, head),
      validation: itemsAt(validation),
      test: itemsAt(test),
      train: async (seed) => {
        const trained = await trainHead(
          {
            ...graph,
            features: featuresOf(tables, head),
            draw: (epoch) => itemsAt(drawn(train, config, seed, epoch)),
            validation: itemsAt(validation),
            select: (values, of) => evaluateScores(of, scores(labels.length, values.data)).f1,
          },
          {
            seed,
            optimizer: config.optimizer,
            epochs: config.epochs,
            progress,
            folder: join(folder, 'heads', `${head}-${seed}`),
            fingerprint: sha256(`${fingerprint} ${head}`),
            signal,
          },
        );
        progress.advance();
        return trained;
      },
    });
    tested[head] = all;
    heads[head] = { ...best, head, graph };
  }
  progress.end();

  const ids = Array.from(test, (i) => rows[i]!.id);
  const cell = (posteriors: Scores): Cell => ({
    posteriors,
    ids,
    truth: itemsAt(test).labels,
    faceIds: null,
  });
  const row = (model: ModelName, cells: readonly Cell[]): TableRow =>
    finish(
      { config, features },
      {
        id: `II-${model}-${labels.length}`,
        table: 'II',
        model,
        labels,
        dataset: 'own data',
        variant: null,
        reproduces: null,
      },
      cells.map((one) => [one]),
    );
  const prior = labelPrior(itemsAt(train).labels, labels.length);
  const made = names.map((head) =>
    row(
      head,
      tested[head]!.map(({ tested: logits, temperature }) => cell(toPosteriors(logits, temperature))),
    ),
  );
  const { text, face } = tested;
  if (text && face)
    made.push(
      row(
        'product',
        text.map((one, s) => {
          const evidence = [one, face[s]!].map(({ tested: logits, temperature }) => ({
            logits,
            temperature,
            prior,
          }));
          return cell(toPosteriors(productOfPosteriors(evidence, prior)));
        }),
      ),
    );
  return { rows: made, heads, splits, prior };
}

type Tables = Readonly<Partial<Record<Paired, Tensor<'float32'>>>>;

/** Embeddings of the rows, kept in feature stores. */
async function embeddings({
  table,
  encoders,
  folder,
  maxPixels,
  progress,
  signal,
}: OwnOptions): Promise<Tables> {
  const dir = join(folder, 'features');
  const common = { dir, ...defined({ progress, signal }) };
  const found: Partial<Record<Paired, Tensor<'float32'>>> = {};
  if (encoders.text)
    found.text = await keptEmbeddings({
      ...common,
      set: 'texts',
      embedder: textEmbedder(encoders.text),
      items: table.rows.map(({ id, text }) => ({ id, text: text! })),
    });
  if (encoders.face)
    found.face = await keptEmbeddings({
      ...common,
      set: 'images',
      embedder: faceEmbedder(encoders.face, {
        decode: (bytes, file) => decodeImage(bytes, { file, maxPixels }),
      }),
      items: table.rows.map(({ id, image }) => ({ id, image: image! })),
    });
  return found;
}

const hashes = (tables: Tables): string[] =>
  Object.values(tables).map(({ data }) =>
    sha256(new Uint8Array(data.buffer, data.byteOffset, data.byteLength)),
  );

const featuresOf = (tables: Tables, head: HeadName): Tables =>
  Object.fromEntries((modalitiesOf(head) as Paired[]).map((modality) => [modality, tables[modality]!]));

/** The training rows of an epoch: all in random order, or as many as an epoch may have. */
const drawn = (train: Int32Array, { epochs }: Config, seed: number, epoch: number): Int32Array =>
  randomStream(seed, 'own/order', epoch)
    .permutation(train.length)
    .slice(0, epochs.items)
    .map((i) => train[i]!);
