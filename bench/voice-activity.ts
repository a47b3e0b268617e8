// How well pauses are found in joined clips of acted speech under noise, by the detector that needs no model and by
// Silero's: precision and recall of frames of 10 ms, on speakers that the former was not fitted on. `--fit` fits it.
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { loadSpeech, readClip } from 'mien-lab';
import { type RandomStream, randomStream } from 'mien-engine';
import {
  type ActivityDetector,
  type ActivityFeatures,
  createActivityDetector,
  createSileroDetector,
  speechSegments,
  SPEECH_RATE,
} from 'mien/parts/audio';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { silero: { type: 'string' }, fit: { type: 'boolean', default: false } },
});
const [folder] = positionals;
if (folder === undefined) {
  console.error('Usage: node --import tsx bench/voice-activity.ts SPEECH [--silero silero_vad.onnx] [--fit]');
  process.exit(2);
}

/** Speakers of RAVDESS with which the detector is fitted; the others are for its test. */
const FITTED = 12;
/** Power of levelled speech, in dB of full scale. */
const LEVEL = -26;
const RATIOS = [50, 20, 10, 5, 0];
/** Clips of a recording. */
const JOINED = 12;
const STEP = SPEECH_RATE / 100;

type Noise = (draw: RandomStream, length: number) => Float32Array;

const white: Noise = (draw, length) => Float32Array.from({ length }, () => draw.normal());

/** Paul Kellet's filter. */
const pink: Noise = (draw, length) => {
  let [a, b, c] = [0, 0, 0];
  return white(draw, length).map((w) => {
    a = 0.99765 * a + w * 0.099046;
    b = 0.963 * b + w * 0.2965164;
    c = 0.57 * c + w * 1.0526913;
    return a + b + c + w * 0.1848;
  });
};

/** Mains with its harmonics, and a fan. */
const hum: Noise = (draw, length) => {
  const hiss = pink(draw, length);
  return hiss.map((h, i) => {
    let sum = 0.3 * h;
    for (let k = 1; k < 8; k++) sum += Math.sin((2 * Math.PI * 50 * k * i) / SPEECH_RATE + k * k) / k;
    return sum;
  });
};

/** Decaying bursts of noise, three a second, over quieter noise. */
const clicks: Noise = (draw, length) => {
  const samples = white(draw, length).map((w) => 0.1 * w);
  for (let at = 0; at < length; at += Math.floor(SPEECH_RATE * (0.1 + 0.5 * draw.uniform())))
    for (let i = 0; i < 600 && at + i < length; i++)
      samples[at + i]! += 3 * draw.normal() * Math.exp(-i / 80);
  return samples;
};

const NOISES: Readonly<Record<string, Noise>> = { white, pink, hum, clicks };

interface Recording {
  readonly samples: Float32Array;
  /** For each 10 ms, whether someone speaks. */
  readonly truth: Uint8Array;
}

/** Clips with pauses of 0.5 to 3 s and gains of ±6 dB under noise at a ratio to speech of −26 dB. */
function join12(clips: readonly Float32Array[], noise: Noise, ratio: number, draw: RandomStream): Recording {
  const pauses = clips.map(() => Math.round((0.5 + 2.5 * draw.uniform()) * SPEECH_RATE));
  const length = clips.reduce((sum, clip, i) => sum + clip.length + pauses[i]!, SPEECH_RATE);
  const samples = noise(draw, length);
  const power = samples.reduce((sum, x) => sum + x * x, 0) / length;
  const gain = Math.sqrt(10 ** ((LEVEL - ratio) / 10) / power);
  for (let i = 0; i < length; i++) samples[i]! *= gain;
  const truth = new Uint8Array(Math.ceil(length / STEP));
  let at = 0;
  for (const [i, clip] of clips.entries()) {
    at += pauses[i]!;
    const loudness = 10 ** ((12 * draw.uniform() - 6) / 20);
    for (let t = 0; t < clip.length; t++) samples[at + t]! += loudness * clip[t]!;
    truth.fill(1, Math.round(at / STEP), Math.round((at + clip.length) / STEP));
    at += clip.length;
  }
  return { samples, truth };
}

async function groupsOf(
  corpus: 'ravdess' | 'emodb' | 'nemo',
  keep: (speaker: number) => boolean,
  most: number,
) {
  const { items } = await loadSpeech(corpus, join(folder!, corpus));
  const speakers = [...new Set(items.map(({ speaker }) => speaker))].sort();
  const kept = items.filter(({ speaker }) => keep(speakers.indexOf(speaker)));
  const draw = randomStream(1, `order ${corpus}`);
  const shuffled = kept.map((item) => ({ item, key: draw.uniform() })).sort((a, b) => a.key - b.key);
  const clips = await Promise.all(shuffled.slice(0, most * JOINED).map(({ item }) => readClip(item)));
  return Array.from({ length: Math.floor(clips.length / JOINED) }, (_, i) =>
    clips.slice(i * JOINED, (i + 1) * JOINED),
  );
}

function* recordings(groups: readonly (readonly Float32Array[])[], ratio: number): Generator<Recording> {
  for (const [i, clips] of groups.entries())
    for (const [name, noise] of Object.entries(NOISES))
      yield join12(clips, noise, ratio, randomStream(1, `${name} ${ratio}`, i));
}

if (values.fit) {
  const rows: number[][] = [];
  const labels: number[] = [];
  const groups = await groupsOf('ravdess', (i) => i < FITTED, 6);
  for (const ratio of RATIOS)
    for (const { samples, truth } of recordings(groups, ratio)) {
      const seen: ActivityFeatures[] = [];
      const detector = createActivityDetector((features) => seen.push(features));
      await detector.push(samples);
      await detector.end();
      for (const [t, features] of seen.entries()) {
        rows.push([...features, 1]);
        labels.push(truth[2 * t] ?? 0);
      }
    }
  console.log(
    fitLogistic(rows, labels).map((w) => Number(w.toPrecision(3))),
    `${rows.length} frames`,
  );
  process.exit(0);
}

/** Newton's method; the last column is 1. */
function fitLogistic(rows: readonly number[][], labels: readonly number[]): number[] {
  const size = rows[0]!.length;
  let weights = new Array<number>(size).fill(0);
  for (let step = 0; step < 12; step++) {
    const slope = weights.map((w) => 1e-3 * w);
    const curve = weights.map((_, i) => weights.map((__, j) => (i === j ? 1e-3 : 0)));
    for (const [r, x] of rows.entries()) {
      const p = 1 / (1 + Math.exp(-x.reduce((sum, v, i) => sum + v * weights[i]!, 0)));
      for (let i = 0; i < size; i++) {
        slope[i]! += (p - labels[r]!) * x[i]!;
        for (let j = 0; j < size; j++) curve[i]![j]! += p * (1 - p) * x[i]! * x[j]!;
      }
    }
    const move = solve(curve, slope);
    weights = weights.map((w, i) => w - move[i]!);
  }
  return weights;
}

/** Gaussian elimination; the matrix is positive definite. */
function solve(matrix: readonly (readonly number[])[], right: readonly number[]): number[] {
  const a = matrix.map((row, i) => [...row, right[i]!]);
  for (let i = 0; i < a.length; i++)
    for (let k = 0; k < a.length; k++) {
      if (k === i) continue;
      const factor = a[k]![i]! / a[i]![i]!;
      for (let j = i; j <= a.length; j++) a[k]![j]! -= factor * a[i]![j]!;
    }
  return a.map((row, i) => row[a.length]! / row[i]!);
}

const model = values.silero === undefined ? undefined : await readFile(values.silero);
const detectors: Readonly<Record<string, () => Promise<ActivityDetector & { dispose?(): Promise<void> }>>> = {
  'no model': () => Promise.resolve(createActivityDetector()),
  ...(model ? { Silero: () => createSileroDetector(model) } : {}),
};
const sets = {
  'RAVDESS, actors 13 to 24': await groupsOf('ravdess', (i) => i >= FITTED, 5),
  'EMO-DB': await groupsOf('emodb', () => true, 3),
  nEMO: await groupsOf('nemo', () => true, 3),
};
for (const [set, groups] of Object.entries(sets))
  for (const [name, create] of Object.entries(detectors)) {
    let [micros, seconds] = [0, 0];
    const cells: string[] = [];
    for (const ratio of RATIOS) {
      const byNoise: string[] = [];
      let [hits, found, real] = [0, 0, 0];
      const names = Object.keys(NOISES);
      const scores = names.map(() => [0, 0, 0]);
      let which = 0;
      for (const { samples, truth } of recordings(groups, ratio)) {
        const detector = await create();
        const start = process.cpuUsage();
        const segments = await speechSegments(samples, { detector, padding: 0, pause: 0.3 });
        const { user, system } = process.cpuUsage(start);
        await detector.dispose?.();
        micros += user + system;
        seconds += samples.length / SPEECH_RATE;
        const said = new Uint8Array(truth.length);
        for (const { start: from, end } of segments)
          said.fill(1, Math.round(from * 100), Math.round(end * 100));
        const counts = scores[which++ % names.length]!;
        for (const [t, real1] of truth.entries()) {
          counts[0]! += real1 & said[t]!;
          counts[1]! += said[t]!;
          counts[2]! += real1;
        }
      }
      for (const [i, [h, f, r]] of scores.entries()) {
        byNoise.push(`${names[i]} ${(h! / f!).toFixed(2)}/${(h! / r!).toFixed(2)}`);
        [hits, found, real] = [hits + h!, found + f!, real + r!];
      }
      cells.push(
        `  ${ratio} dB: precision ${(hits / found).toFixed(3)}, recall ${(hits / real).toFixed(3)} (${byNoise.join(', ')})`,
      );
    }
    console.log(
      `${set}, ${name}: ${(micros / 1000 / seconds).toFixed(2)} ms of processor time a second\n${cells.join('\n')}`,
    );
  }
