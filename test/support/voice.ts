// A bundle with a made-up model of voices, and recordings for it.
import { constant, createGraph, encodeModel, float32, input, log, matmul, mean, mul } from 'mien-engine';
import { type BundleManifest, FILES, writeBundle } from 'mien/parts/bundle';
import { FACE_LABELS } from 'mien/parts/data';
import { legibleFiles, legibleManifest } from './bundle.js';

/** Every recording is levelled, so that its power says nothing: all voices are afraid. */
export function voiceModel(): Uint8Array {
  const graph = createGraph('voice');
  const samples = input(graph, 'samples', 'float32', [1, 'samples']);
  const power = mean(mul(samples, samples), [1], true);
  const embedding = matmul(log(power), constant(graph, float32([1, 2], [1, 0])));
  const weights = FACE_LABELS.flatMap((label) => [label === 'fear' ? -1 : 0]);
  const toLogits = constant(graph, float32([2, weights.length], [...weights, ...weights.map(() => 0)]));
  return encodeModel(graph, { embedding, logits: matmul(embedding, toLogits) });
}

/** The part of a manifest that states it. */
const voicePart = {
  model: FILES.voice,
  labels: [...FACE_LABELS],
  temperature: 1,
  prior: FACE_LABELS.map(() => 1 / FACE_LABELS.length),
  width: 2,
  sampleRate: 16_000 as const,
};

/** Writes the legible bundle with a model of voices into a folder. */
export function writeHearing(folder: string): Promise<BundleManifest> {
  const manifest = { ...legibleManifest, voice: voicePart };
  return writeBundle(folder, manifest, { ...legibleFiles(manifest), [FILES.voice]: voiceModel() });
}

export const RATE = 16_000;

export const tone = (seconds: number, hertz = 220): Float32Array =>
  Float32Array.from({ length: seconds * RATE }, (_, i) => 0.5 * Math.sin((2 * Math.PI * hertz * i) / RATE));

/** A WAV file in 16-bit PCM of one channel. */
export function wav(samples: Float32Array): Uint8Array<ArrayBuffer> {
  const bytes = Buffer.alloc(44 + 2 * samples.length);
  bytes.write('RIFF', 0);
  bytes.writeUInt32LE(bytes.length - 8, 4);
  bytes.write('WAVEfmt ', 8);
  bytes.writeUInt32LE(16, 16);
  bytes.writeUInt16LE(1, 20);
  bytes.writeUInt16LE(1, 22);
  bytes.writeUInt32LE(RATE, 24);
  bytes.writeUInt32LE(2 * RATE, 28);
  bytes.writeUInt16LE(2, 32);
  bytes.writeUInt16LE(16, 34);
  bytes.write('data', 36);
  bytes.writeUInt32LE(2 * samples.length, 40);
  samples.forEach((value, i) => bytes.writeInt16LE(Math.round(32767 * value), 44 + 2 * i));
  return new Uint8Array(bytes);
}
