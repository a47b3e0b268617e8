// The items that fusion heads are compared on, with all their states, unchanged and after each corruption. Feature maps
// are large, so faces are a sample.
import { join } from 'node:path';
import { defined, MienError, randomStream } from 'mien-engine/base';
import type { Progress } from 'mien/parts/base';
import type { Protocol, ProtocolFace, Split } from 'mien/parts/data';
import { decodeImage, type FaceEncoder, type TextEncoder } from 'mien/parts/encoders';
import { experimentData, type ExperimentData } from '../../experiments/data.js';
import { faceEmbedder, textEmbedder } from '../../features/embed.js';
import { extractFeatures, openFeatures } from '../../features/extract.js';
import { joinStates, readStates, type StateTable } from '../../features/store.js';
import { corruptedItems, embedded, type CorruptedItems, type CorruptedRows } from '../corrupted-items.js';
import { corrupt } from '../../modalities/corruption.js';
import { type CorruptionKind, corruptions } from '../../modalities/list.js';
import type { Paired } from '../../train/head-graph.js';

/** One corruption of one side of a pair, at one level. */
export type Condition = {
  [M in Paired]: { readonly of: M; readonly as: CorruptionKind<M>; readonly level: number };
}[Paired];

/** Hard levels of the card's curves, where heads differ most. */
export const CONDITIONS: readonly Condition[] = [
  { of: 'text', as: 'words dropped', level: 0.75 },
  { of: 'text', as: 'words dropped', level: 1 },
  { of: 'text', as: 'words replaced', level: 0.75 },
  { of: 'face', as: 'blur', level: 0.1 },
  { of: 'face', as: 'occlusion', level: 0.6 },
  { of: 'face', as: 'noise', level: 0.5 },
];

/** Number of faces of each label and data set; all texts are used. */
interface FaceCounts extends Readonly<Record<Split, number>> {
  /** Training faces of all labels that are corrupted. */
  readonly corrupted: number;
}

export interface ComparedOptions {
  readonly protocol: Protocol;
  readonly encoders: { readonly text: TextEncoder; readonly face: FaceEncoder };
  readonly labels: readonly string[];
  readonly faces: FaceCounts;
  /** Folder in which features are kept. */
  readonly dir: string;
  readonly progress?: Progress;
  readonly signal?: AbortSignal;
}

/** The validation items of one modality after one corruption. */
interface ConditionRows {
  readonly condition: Condition;
  readonly rows: CorruptedRows;
}

export interface ComparedFeatures {
  readonly data: ExperimentData & { readonly states: Readonly<Record<'text' | 'face', StateTable>> };
  readonly corrupted: CorruptedItems;
  readonly conditions: readonly ConditionRows[];
}

const SEED = 0;

/** Embeds what is not in the folder yet. @throws MienError as `extractFeatures` does. */
export async function comparedFeatures(options: ComparedOptions): Promise<ComparedFeatures> {
  const { encoders, labels, dir, progress, signal } = options;
  const protocol = sampled(options);
  const common = {
    protocol,
    encoders,
    dir,
    ...defined({ progress, signal }),
  };
  const stores = await extractFeatures({ ...common, withStates: true });
  const plain = experimentData(await openFeatures(dir));
  const states = {
    text: await readStates(stores.isear!.dir),
    face: joinStates([await readStates(stores.fer2013!.dir), await readStates(stores.rafdb!.dir)]),
  };
  for (const modality of ['text', 'face'] as const)
    if (states[modality].places.shape[0] !== plain.tables[modality].shape[0])
      throw new MienError('store', `states and embeddings of the ${modality}s are not of the same items`, {
        file: dir,
        hint: 'Remove the folder; it will be filled again.',
      });
  const data = { ...plain, states };
  const corrupted = await corruptedItems({
    ...common,
    data,
    labels,
    withStates: true,
    faces: options.faces.corrupted,
  });
  return { data, corrupted, conditions: await conditioned({ ...options, protocol }, data) };
}

/** The protocol with the texts of these labels, and a sample of the faces. */
function sampled({ protocol, labels, faces: counts }: ComparedOptions): Protocol {
  const groups = new Map<string, ProtocolFace[]>();
  for (const face of protocol.faces) {
    if (face.split === 'dropped' || !labels.includes(face.label)) continue;
    const key = `${face.item.dataset} ${face.split} ${face.label}`;
    const group = groups.get(key);
    if (group) group.push(face);
    else groups.set(key, [face]);
  }
  const chosen = new Set(
    [...groups].flatMap(([key, group]) => {
      const order = randomStream(SEED, `compared ${key}`).permutation(group.length);
      return Array.from(order.subarray(0, counts[group[0]!.split as Split]), (i) => group[i]!);
    }),
  );
  return {
    ...protocol,
    texts: protocol.texts.filter(({ split, label }) => split !== 'dropped' && labels.includes(label)),
    faces: protocol.faces.filter((face) => chosen.has(face)),
  };
}

/** The validation items under each condition. */
async function conditioned(options: ComparedOptions, data: ExperimentData): Promise<ConditionRows[]> {
  const { protocol, encoders, labels, dir, progress, signal } = options;
  const common = { dir, ...defined({ progress, signal }) };
  const textOf = new Map(protocol.texts.map(({ item, text }) => [item.id, text]));
  const faceOf = new Map(protocol.faces.map(({ item }) => [item.id, item]));
  const texts = data.texts(labels, 'validation');
  const faces = data.faces('both', labels, 'validation');
  const words = corruptions.text.othersOf(texts.ids.map((id) => textOf.get(id)!));
  const found: ConditionRows[] = [];
  for (const condition of CONDITIONS) {
    const { of, as, level } = condition;
    const set = `validation ${as} ${level}`.replace(/[ .]/g, '-');
    const { rows: from, labels: known, ids } = of === 'text' ? texts : faces;
    const draw = (id: string) => randomStream(SEED, `${as} of ${id}`);
    const made =
      of === 'text'
        ? await embedded({
            ...common,
            set,
            embedder: textEmbedder(encoders.text, { withStates: true }),
            items: ids.map((id) => ({
              id,
              text: corrupt(corruptions.text, textOf.get(id)!, as, level, draw(id), words),
            })),
          })
        : await embedded({
            ...common,
            set,
            items: ids.map((id) => faceOf.get(id)!),
            embedder: faceEmbedder(encoders.face, {
              withStates: true,
              decode: (bytes, file) => decodeImage(bytes, { file }),
              change: (image, id) => corrupt(corruptions.face, image, as, level, draw(id), undefined),
            }),
          });
    found.push({ condition, rows: { ...made, from, labels: known } });
  }
  return found;
}

/** Where the compared features of a folder of features are. */
export const comparedFolder = (features: string): string => join(features, 'compared');
