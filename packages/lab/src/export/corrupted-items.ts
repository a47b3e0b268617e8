// Training items made worse and embedded beside the clean ones. Of clean pairs alone a gate learns at best which
// modality knows which label; whom to believe when one says little it learns from pairs of which one side is bad.
import type { Progress } from 'mien/parts/base';
import type { Protocol } from 'mien/parts/data';
import { decodeImage, type FaceEncoder, type TextEncoder } from 'mien/parts/encoders';
import { defined, randomStream, type Tensor } from 'mien-engine/base';
import { take, type ExperimentData } from '../experiments/data.js';
import { faceEmbedder, textEmbedder } from '../features/embed.js';
import { type KeptOptions, keptStore, readStates, type StateTable } from '../features/store.js';
import type { Paired } from '../train/head-graph.js';
import { corruptByChance, kindsOf, type ModalityCorruptions } from '../modalities/corruption.js';
import { corruptions } from '../modalities/list.js';

/** The worst levels of the modalities that are paired: levels in training are drawn evenly from none to these. */
const WORST = Object.fromEntries(
  (['text', 'face'] as const).flatMap((modality) => {
    const { kinds } = corruptions[modality] as ModalityCorruptions;
    return kindsOf({ kinds }).map((kind) => [kind, kinds[kind]!.worst] as const);
  }),
);

/** Faces that are made worse (of the texts all are): enough, and half a minute's work. */
const FACES = 4000;
const SEED = 0;

/** Some items of a modality as they are after corruption. */
export interface CorruptedRows {
  /** `[n, width]` */
  readonly embeddings: Tensor<'float32'>;
  /** All their states, where they were asked for. */
  readonly states?: StateTable;
  /** The rows they had in the modality's table before. */
  readonly from: Int32Array;
  readonly labels: Uint8Array;
}

export type CorruptedItems = Readonly<Record<Paired, CorruptedRows>>;

export interface CorruptedItemsOptions {
  readonly protocol: Protocol;
  readonly data: ExperimentData;
  readonly encoders: { readonly text: TextEncoder; readonly face: FaceEncoder };
  readonly labels: readonly string[];
  /** Folder in which their features are kept. */
  readonly dir: string;
  /** Faces at most. */
  readonly faces?: number;
  /** Token states and feature maps too. */
  readonly withStates?: boolean;
  readonly progress?: Progress;
  readonly signal?: AbortSignal;
}

/** Makes training texts and some training faces of these labels worse, each in one way and by its own degree. */
export async function corruptedItems(options: CorruptedItemsOptions): Promise<CorruptedItems> {
  const { protocol, data, encoders, labels, faces: most = FACES, withStates = false } = options;
  const texts = data.texts(labels, 'train');
  const textOf = new Map([
    ...protocol.texts.map(({ item, text }) => [item.id, text] as const),
    ...(protocol.corpora ?? []).map(({ id, text }) => [id, text] as const),
  ]);
  const words = corruptions.text.othersOf(texts.ids.map((id) => textOf.get(id)!));
  const drawOf = (modality: Paired, id: string) => randomStream(SEED, `corrupted ${modality} ${id}`);

  const all = data.faces('both', labels, 'train');
  const places = randomStream(SEED, 'corrupted faces').permutation(all.rows.length).slice(0, most).sort();
  const faces = take(all, places);
  const faceOf = new Map(protocol.faces.map(({ item }) => [item.id, item]));
  // The bytes by which a store knows its items are those of the image as it was, so the encoder's name says the rest.
  const { identity } = encoders.face;
  const preprocessing = { ...identity.preprocessing, corruption: JSON.stringify(WORST) };
  const embedder = faceEmbedder(
    { ...encoders.face, identity: { ...identity, preprocessing } },
    {
      withStates,
      decode: (bytes, file) => decodeImage(bytes, { file }),
      change: (image, id) => corruptByChance(corruptions.face, image, drawOf('face', id), undefined),
    },
  );
  const common = {
    dir: options.dir,
    ...defined({ progress: options.progress, signal: options.signal }),
  };
  return {
    text: {
      ...(await embedded({
        ...common,
        set: 'corrupted texts',
        embedder: textEmbedder(encoders.text, { withStates }),
        items: texts.ids.map((id) => ({
          id,
          text: corruptByChance(corruptions.text, textOf.get(id)!, drawOf('text', id), words),
        })),
      })),
      from: texts.rows,
      labels: texts.labels,
    },
    face: {
      ...(await embedded({
        ...common,
        set: 'corrupted faces',
        embedder,
        items: faces.ids.map((id) => faceOf.get(id)!),
      })),
      from: faces.rows,
      labels: faces.labels,
    },
  };
}

/** Embeddings of items, and their states where the embedder keeps them. */
export async function embedded<Item extends { readonly id: string }>(
  options: KeptOptions<Item>,
): Promise<Pick<CorruptedRows, 'embeddings' | 'states'>> {
  const { dir, embeddings } = await keptStore(options);
  return { embeddings, ...(options.embedder.states === 'none' ? {} : { states: await readStates(dir) }) };
}
