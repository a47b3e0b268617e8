// Encoding faces: RAF-DB with EfficientNetV2-B0, from pixels and from JPEG files; EfficientNet-B3 for the record.
import { join } from 'node:path';
import sharp from 'sharp';
import { forEachParallel, inBatches } from 'mien-engine/base';
import { loadFaceEncoder, loadRafdb, profiles } from 'mien-lab';
import { type DecodedImage, decodeImages, type FaceEncoder } from 'mien/parts/encoders';
import { smallestCosine, timed, type Comparison, type Contender } from '../compare.js';
import { folderOf, type BenchOptions } from '../options.js';
import { contender, notInstalled, startPeer, type Peer } from '../peer.js';
import { createScratch } from '../scratch.js';
import { writeFormulaWeights } from './formula-weights.js';

const FACES = { full: 2000, quick: 200 };
const SIZE = profiles.frozen.face.imageSize;
const B3 = {
  id: 'timm/efficientnet_b3.ra2_in1k',
  architecture: 'efficientnet_b3',
  size: 300,
  faces: 48,
  quick: 8,
};
/** Items that are decoded and encoded together, as extraction does. */
const BATCH = 32;

/** Pixels of the files after resizing, all of one size. */
const resized = (files: readonly string[], size: number): Promise<DecodedImage[]> =>
  Promise.all(
    files.map(async (file) => ({
      width: size,
      height: size,
      data: new Uint8Array(
        await sharp(file).resize(size, size, { fit: 'fill', kernel: 'cubic' }).removeAlpha().raw().toBuffer(),
      ),
    })),
  );

const concatenated = (images: readonly DecodedImage[]): Uint8Array =>
  Buffer.concat(images.map(({ data }) => data));

/** Decodes batches while those before are encoded, as extraction does. */
async function encodeFiles(encoder: FaceEncoder, files: readonly string[]): Promise<Float32Array> {
  const out = new Float32Array(files.length * encoder.width);
  const { parallel = 1 } = encoder;
  const batches = inBatches(files, BATCH);
  const decoded: Promise<DecodedImage[]>[] = [];
  const decodeUpTo = (end: number): void => {
    while (decoded.length < Math.min(end, batches.length))
      decoded.push(decodeImages(batches[decoded.length]!));
  };
  await forEachParallel(batches.keys(), parallel, async (i) => {
    decodeUpTo(i + 1 + parallel);
    out.set((await encoder.encode(await decoded[i]!)).data, i * BATCH * encoder.width);
  });
  return out;
}

/** The first files of RAF-DB. */
export const rafdbFiles = async (count: number): Promise<string[]> => {
  const { items } = await loadRafdb(join(folderOf('MIEN_DATA', 'rafdb/'), 'rafdb'));
  return items.slice(0, count).map(({ file }) => file);
};

const agreement = (what: string, cosine: number): string =>
  `smallest cosine between our embedding of a face and the peer's, ${what}: ${cosine.toFixed(7)}`;

/** PyTorch as people use it, and with its batch norms folded as ours are. */
const peersOf = (peer: Peer, task: string): Contender[] => [
  contender(peer, 'PyTorch', `${task} plain`),
  contender(peer, 'PyTorch, traced and frozen', `${task} frozen`),
];

export async function faceComparisons({ quick, threads }: BenchOptions): Promise<Comparison[]> {
  const weights = folderOf('MIEN_WEIGHTS', 'tf_efficientnetv2_b0.in1k/');
  const files = await rafdbFiles(quick ? FACES.quick : FACES.full);
  // One process with one thread for each of the peer's threads.
  const encoder = await loadFaceEncoder(profiles.frozen.face, { weights, processes: threads, threads: 1 });
  const images = await resized(files, SIZE);
  const fromPixels = (await encoder.encode(images)).data;
  const fromFiles = await encodeFiles(encoder, files);

  const scratch = await createScratch();
  const peer = await startPeer('face.py', {
    threads,
    size: SIZE,
    architecture: 'tf_efficientnetv2_b0',
    weights: join(weights, 'tf_efficientnetv2_b0.in1k', 'model.safetensors'),
    files: await scratch.writeJson('files.json', files),
    pixels: await scratch.writeBytes('pixels', concatenated(images)),
  });
  const notes = [peer?.about ?? notInstalled('PyTorch')];
  if (peer) {
    for (const [task, what, own] of [
      ['write', 'from the same pixels', fromPixels],
      ['write from files', 'from the same files, each with its own decoder', fromFiles],
    ] as const) {
      await peer.ask(task, { file: scratch.path('embeddings') });
      notes.push(agreement(what, smallestCosine(own, await scratch.readFloats('embeddings'), encoder.width)));
    }
  }
  const close = async () => {
    await encoder.dispose();
    await scratch.remove();
  };
  const work = { unit: 'faces', count: files.length };
  const open = { close: () => Promise.resolve() };
  return [
    {
      title: `face: RAF-DB with EfficientNetV2-B0 at ${SIZE} px, pixels to embeddings`,
      work,
      notes,
      ours: { name: 'mien', round: () => timed(() => encoder.encode(images)), ...open },
      peers: peer ? peersOf(peer, 'encode').map((other) => ({ ...other, ...open })) : [],
    },
    {
      title: `face: RAF-DB with EfficientNetV2-B0 at ${SIZE} px, JPEG files to embeddings`,
      work,
      notes: [],
      ours: { name: 'mien', round: () => timed(() => encodeFiles(encoder, files)), close },
      peers: peer ? peersOf(peer, 'decode and encode') : [],
    },
  ];
}

export async function b3Comparisons({ quick, threads }: BenchOptions): Promise<Comparison[]> {
  const files = await rafdbFiles(quick ? B3.quick : B3.faces);
  const scratch = await createScratch();
  const folder = await writeFormulaWeights(scratch, B3.architecture, B3.size);
  const encoder = await loadFaceEncoder(
    { id: B3.id, revision: 'main', folder, imageSize: B3.size },
    { threads },
  );
  const images = await resized(files, B3.size);
  const own = (await encoder.encode(images)).data;
  const peer = await startPeer('face.py', {
    threads,
    size: B3.size,
    architecture: B3.architecture,
    weights: join(folder, 'model.safetensors'),
    files: await scratch.writeJson('files.json', files),
    pixels: await scratch.writeBytes('pixels', concatenated(images)),
  });
  const notes = [peer?.about ?? notInstalled('PyTorch')];
  if (peer) {
    await peer.ask('write', { file: scratch.path('embeddings') });
    const theirs = await scratch.readFloats('embeddings');
    notes.push(agreement('from the same pixels', smallestCosine(own, theirs, encoder.width)));
  }
  return [
    {
      title: `face-b3: EfficientNet-B3 at ${B3.size} px with weights by formula, pixels to embeddings`,
      work: { unit: 'faces', count: files.length },
      notes,
      ours: {
        name: 'mien',
        round: () => timed(() => encoder.encode(images)),
        close: async () => {
          await encoder.dispose();
          await scratch.remove();
        },
      },
      peers: peer ? peersOf(peer, 'encode') : [],
    },
  ];
}
