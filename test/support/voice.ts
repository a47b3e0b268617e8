// A bundle that also hears voices, whose answers can be told beforehand: a low voice is sad, a high one joyful.
import {
  add,
  constant,
  conv1d,
  createGraph,
  div,
  encodeModel,
  float32,
  type Graph,
  input,
  log,
  matmul,
  mean,
  mul,
  randomStream,
  reshape,
  type Value,
} from 'mien-engine';
import { type BundleManifest, FILES, writeBundle } from 'mien/parts/bundle';
import { FACE_LABELS, SHARED_LABELS, TEXT_LABELS } from 'mien/parts/data';
import { type DecisionHead, decisionModel } from 'mien-lab';
import { legibleFiles, legibleManifest } from './bundle.js';
import { integers, wavFile } from './wav.js';

const RATE = 16_000;
/** Hertz. */
const PITCHES = { sadness: 110, joy: 300 };

/** Sound that a voice activity detector takes for speech: harmonics of a pitch that moves, four syllables a second. */
function addVoice(
  samples: Float32Array,
  rate: number,
  {
    label,
    start,
    end,
  }: { readonly label: keyof typeof PITCHES; readonly start: number; readonly end: number },
): void {
  let phase = 0;
  for (let i = Math.round(start * rate); i < Math.round(end * rate); i++) {
    const t = i / rate - start;
    phase += (2 * Math.PI * PITCHES[label] * (1 + 0.1 * Math.sin(2 * Math.PI * 0.7 * t))) / rate;
    let sum = 0;
    for (let k = 1; k <= 8; k++) sum += Math.sin(k * phase) / k;
    samples[i]! += 0.2 * sum * (0.65 + 0.35 * Math.sin(2 * Math.PI * 4 * t));
  }
}

/** A recording with voices among soft noise. */
export function recordingOf(
  seconds: number,
  voices: readonly Parameters<typeof addVoice>[2][],
  rate = RATE,
): Float32Array {
  const draw = randomStream(1, 'recording');
  const samples = Float32Array.from({ length: Math.round(seconds * rate) }, () => 0.001 * draw.normal());
  for (const voice of voices) addVoice(samples, rate, voice);
  return samples;
}

/** A WAV file of one channel, 16-bit PCM. */
export const wavOf = (samples: Float32Array, rate = RATE): Buffer =>
  Buffer.from(wavFile(integers(samples, 16), { sampleRate: rate }));

/** How fast samples change, which does not depend on their level: the higher the voice, the faster. */
function voiceModel(): Uint8Array {
  const graph = createGraph('voice');
  const samples = input(graph, 'samples', 'float32', [1, 'samples']);
  const row = reshape(samples, [1, 1, 'samples']);
  const change = conv1d(row, constant(graph, float32([1, 1, 2], [-1, 1])));
  const speed = log(div(mean(mul(change, change), [2]), mean(mul(samples, samples), [1], true)));
  const embedding = matmul(speed, constant(graph, float32([1, 2], [1, 0])));
  return encodeModel(graph, {
    embedding,
    logits: add(matmul(speed, rowOf(graph, SURE)), rowOf(graph, -SURE * BETWEEN)),
  });
}

/** The speed of a voice that is neither low nor high, and how much more or less counts. */
const BETWEEN = -3.6;
const SURE = 4;

/** A row over labels: a value of joy, and of sadness with the other sign. */
function rowOf(graph: Graph, value: number, labels: readonly string[] = FACE_LABELS): Value {
  const row = labels.map((label) => (label === 'joy' ? value : label === 'sadness' ? -value : 0));
  return constant(graph, float32([1, row.length], row));
}

/** The weights of words, face and voice. */
const GATES = [0.5, 0.3, 0.2];

/** Adds what the words say to what the voice says, and says the weights above of all. */
const fusion: DecisionHead = ({ text, face, voice }) => {
  const { graph } = text;
  const matrix = (rows: number, columns: number, value: (row: number, column: number) => number): Value =>
    constant(
      graph,
      float32(
        [rows, columns],
        Array.from({ length: rows * columns }, (_, i) => value(Math.floor(i / columns), i % columns)),
      ),
    );
  const width = SHARED_LABELS.length;
  const speed = matmul(
    voice,
    matrix(2, 1, (row) => 1 - row),
  );
  const logits = [
    matmul(
      text,
      matrix(7, width, (row, column) => (TEXT_LABELS[row] === SHARED_LABELS[column] ? 6 : 0)),
    ),
    matmul(
      face,
      matrix(3, width, () => 0),
    ),
    matmul(speed, rowOf(graph, SURE, SHARED_LABELS)),
    rowOf(graph, -SURE * BETWEEN, SHARED_LABELS),
  ].reduce(add);
  const gates = add(
    matmul(
      text,
      matrix(7, 3, () => 0),
    ),
    matrix(1, 3, (_row, column) => GATES[column]!),
  );
  return { logits, gates: reshape(gates, ['items', 3, 1]) };
};

/** Writes the bundle into a folder; words, face and voice together are fused by a gate. */
export function writeVoiced(folder: string): Promise<BundleManifest> {
  const labels = [...FACE_LABELS];
  const manifest: Omit<BundleManifest, 'files'> = {
    ...legibleManifest,
    name: 'voiced',
    voice: {
      model: FILES.voice,
      labels,
      temperature: 1,
      prior: labels.map(() => 1 / labels.length),
      width: 2,
      sampleRate: RATE,
    },
    fusion: { ...legibleManifest.fusion!, modalities: ['text', 'face', 'voice'] },
  };
  return writeBundle(folder, manifest, {
    ...legibleFiles(legibleManifest),
    [FILES.decision]: decisionModel(manifest, fusion),
    [FILES.voice]: voiceModel(),
  });
}
