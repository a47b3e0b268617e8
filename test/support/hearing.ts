// A bundle that hears: a made-up model of voices, and words that follow from how loud a recording is.
import {
  add,
  cast,
  constant,
  createGraph,
  encodeModel,
  float32,
  floor,
  gather,
  input,
  log,
  matmul,
  max,
  mean,
  minimum,
  mul,
  reshape,
  sum,
} from 'mien-engine';
import { type BundleManifest, writeBundle } from 'mien/parts/bundle';
import { FACE_LABELS } from 'mien/parts/data';
import { WORDS_FILES, wordsSchema } from 'mien/parts/words';
import { legibleFiles, legibleManifest } from './bundle.js';

const labels = [...FACE_LABELS];

/** A voice's part of a manifest. */
const voicePart = {
  model: 'voice.onnx',
  labels,
  temperature: 1,
  prior: labels.map(() => 1 / labels.length),
  width: 2,
  sampleRate: 16_000 as const,
};

/** Says fear, the more the quieter a recording is on average after levelling: the more pauses it has. */
export function voiceModel(): Uint8Array {
  const graph = createGraph('voice');
  const samples = input(graph, 'samples', 'float32', [1, 'samples']);
  const power = mean(mul(samples, samples), [1], true);
  const embedding = matmul(log(power), constant(graph, float32([1, 2], [1, 0])));
  const weights = labels.map((label) => (label === 'fear' ? -1 : 0));
  const toLogits = constant(graph, float32([2, weights.length], [...weights, ...weights.map(() => 0)]));
  return encodeModel(graph, { embedding, logits: matmul(embedding, toLogits) });
}

/** Text tokens 0 to 2, the end 3, other special ones, then times. */
const vocabulary = ['joy', 'sadness', 'fear'];
const [END, START, NO_SPEECH, NO_TIMESTAMPS, FIRST] = [3, 4, 5, 6, 7];
const TOKENS = FIRST + 1501;
/** What is said by the recording's peak in quarters: "joy" up to .25, "sadness" up to .5, "fear", unsure, up to .75, nothing. */
const SCRIPTS = [[0], [1], [2], []].map((said) => [
  FIRST,
  ...(said.length > 0 ? [...said, FIRST + 15] : []),
  ...Array.from({ length: 3 }, () => END),
]);
const PLACES = 4;
const UNSURE = 2;

/** Peaks at which recordings say something. */
export const PEAKS = { joy: 0.1, sadness: 0.4, unsure: 0.6, nothing: 0.9 } as const;

/** The files of its words. */
function scriptedWords(): Record<string, Uint8Array> {
  const encoder = createGraph('words-encoder');
  const samples = input(encoder, 'samples', 'float32', [1, 'samples']);
  const peak = reshape(max(samples, [1], true), [1, 1, 1, 1]);
  const decoder = createGraph('words-decoder');
  const ids = input(decoder, 'ids', 'int32', [1, 'tokens']);
  const places = input(decoder, 'places', 'int32', ['tokens']);
  const shapes = {
    'cross.0.keys': [1, 1],
    'cross.0.values': [1, 1],
    'past.0.keys': [1, 'past'],
    'past.0.values': ['past', 1],
  };
  const inputs = Object.entries(shapes).map(([name, shape]) =>
    input(decoder, name, 'float32', [1, 1, ...shape]),
  );
  const quarter = minimum(floor(mul(reshape(inputs[0]!, [1]), 4)), 3);
  const rows = add(
    places,
    mul(cast(quarter, 'int32'), cast(constant(decoder, float32([], [PLACES])), 'int32')),
  );
  // The first time is as likely as any other where the words are unsure.
  const table = SCRIPTS.flatMap((script, which) =>
    Array.from({ length: PLACES }, (_, place) =>
      Float32Array.from({ length: TOKENS }, (_, token) =>
        token === script[place] ? (which === UNSURE && place === 0 ? -9.9 : 10) : -10,
      ),
    ),
  );
  const chosen = gather(
    constant(decoder, float32([table.length, TOKENS], Float32Array.from(table.flatMap((row) => [...row])))),
    rows,
  );
  // All inputs take part, though nothing comes of them.
  const unused = mul(add(sum(cast(ids, 'float32')), inputs.map((one) => sum(one)).reduce(add)), 0);
  return {
    [WORDS_FILES.encoder]: encodeModel(encoder, { 'cross.0.keys': peak, 'cross.0.values': mul(peak, 0) }),
    [WORDS_FILES.decoder]: encodeModel(decoder, {
      logits: add(chosen, unused),
      'present.0.keys': mul(inputs[2]!, 1),
      'present.0.values': mul(inputs[3]!, 1),
    }),
    [WORDS_FILES.vocabulary]: new TextEncoder().encode(
      JSON.stringify(
        wordsSchema.parse({
          format: 'mien-words-1',
          layers: 1,
          heads: 1,
          headWidth: 1,
          positions: 24,
          window: 30,
          start: START,
          end: END,
          noSpeech: NO_SPEECH,
          noTimestamps: NO_TIMESTAMPS,
          firstTimestamp: FIRST,
          latestStart: 50,
          suppressed: [START, NO_SPEECH],
          suppressedFirst: [END],
          vocabulary,
        }),
      ),
    ),
  };
}

/** Writes the legible bundle with voices, with words, or with both. */
export function writeHearing(
  folder: string,
  { voice = true, words = true, without = [] as readonly ('text' | 'face' | 'fusion')[] } = {},
): Promise<BundleManifest> {
  const kept = Object.entries(legibleManifest).filter(([name]) => !without.includes(name as 'text'));
  const manifest = {
    ...(Object.fromEntries(kept) as typeof legibleManifest),
    ...(voice ? { voice: voicePart } : {}),
    ...(words ? { words: WORDS_FILES } : {}),
  };
  return writeBundle(folder, manifest, {
    ...legibleFiles(manifest),
    ...(voice ? { [voicePart.model]: voiceModel() } : {}),
    ...(words ? scriptedWords() : {}),
  });
}
