// Training of a voice encoder on made tones, from a Whisper by the formula: padding, splits by speaker, interruptions, what it
// leaves and how that reads back.
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  constantParameters,
  createGraph,
  createSession,
  encodeSafetensors,
  float32,
  input,
  int32,
  randomStream,
  type Tensors,
} from 'mien-engine';
import { silentProgress } from 'mien/parts/base';
import { FACE_LABELS } from 'mien/parts/data';
import { loadAllSpeech, speakersOf, type SpeechItem } from '../../src/data/speech.js';
import { createVoiceEncoder, loadVoiceEncoder, whisperParameters } from '../../src/encoders/load-voice.js';
import { framesOf, logMel, logMelOfBatch, reflected, samplesOfBatch } from '../../src/encoders/log-mel.js';
import { embeddingWidth, poolSteps, whisper, whisperConfig } from '../../src/encoders/whisper.js';
import { learnedVoiceModel } from '../../src/export/voice.js';
import { averageLearned } from '../../src/learn/average.js';
import { learnVoice, readClips } from '../../src/learn/learn-voice.js';
import { readLearnedVoice } from '../../src/learn/learned.js';
import { voiceLearnSettings } from '../../src/learn/settings.js';
import { divideClips } from '../../src/learn/voice-clips.js';
import { withClassifier } from '../../src/learn/learn-encoder.js';
import { voiceLogits, voiceTrainee } from '../../src/learn/voice-model.js';
import { startOf } from '../../src/learn/voice-start.js';
import { scoreVoices } from '../../src/learn/voice-task.js';
import { compute, numbers } from '../../../engine/test/graph/harness.js';
import { integers, wavFile } from '../../../../test/support/wav.js';
import { goldenWeights, relativeError } from '../../../../test/support/golden.js';
import { runMien } from '../../../../test/support/mien.js';

const json = {
  model_type: 'whisper',
  num_mel_bins: 20,
  d_model: 12,
  encoder_layers: 2,
  encoder_attention_heads: 2,
  encoder_ffn_dim: 16,
  max_source_positions: 60,
  activation_function: 'gelu',
};
const config = whisperConfig(json);
const weights = goldenWeights(
  Object.fromEntries(whisperParameters(config).map(({ name, shape }) => [name, shape as number[]])),
);

let root: string;
let items: SpeechItem[];
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'mien-learn-voice-'));
  const published = join(root, 'weights', 'whisper-tiny.en');
  await mkdir(published, { recursive: true });
  const named = Object.fromEntries(
    Object.entries(weights).map(([name, tensor]) => [`model.encoder.${name}`, tensor]),
  );
  await writeFile(join(published, 'model.safetensors'), Buffer.concat(encodeSafetensors(named)));
  await writeFile(join(published, 'config.json'), JSON.stringify(json));
  const draw = randomStream(4, 'tones');
  const sound = (hertz: number): Uint8Array => {
    const samples = Array.from(
      { length: 5000 + draw.integer(3000) },
      (_, i) => 0.3 * Math.sin((2 * Math.PI * hertz * i) / 16_000) + 0.01 * draw.normal(),
    );
    return wavFile(integers(samples, 16));
  };
  const folder = join(root, 'data', 'ravdess');
  await mkdir(folder, { recursive: true });
  for (const actor of ['01', '02', '03'])
    for (const emotion of [1, 2, 3, 4, 5, 6, 7, 8])
      await writeFile(join(folder, `03-01-0${emotion}-01-01-01-${actor}.wav`), sound(200 * emotion));
  const emodb = join(root, 'data', 'emodb');
  await mkdir(emodb);
  for (const letter of ['W', 'F', 'N', 'T'])
    await writeFile(join(emodb, `03a01${letter}a.wav`), sound(900 + 10 * letter.charCodeAt(0)));
  items = (await loadAllSpeech(join(root, 'data'))).flatMap((corpus) => corpus.items);
});
afterAll(() => rm(root, { recursive: true }));

const settings = (more: object = {}) =>
  voiceLearnSettings.parse({
    batchSize: 4,
    stepsPerRun: 2,
    epochs: 2,
    blocks: 1,
    maxSeconds: 1,
    validation: ['ravdess/03'],
    ...more,
  });
const learned = (out: string, more: object = {}, signal?: AbortSignal, checkpointSeconds = 0) => {
  const chosen = settings({ checkpointSeconds, ...more });
  const { training, validation } = divideClips(items, chosen);
  return learnVoice({
    labels: FACE_LABELS,
    training,
    validation,
    encoder: { id: 'openai/whisper-tiny.en', revision: 'main' },
    weights: join(root, 'weights'),
    out: join(root, out),
    settings: chosen,
    threads: 1,
    ...(signal && { signal }),
  });
};

it('computes padded clips as it computes each alone', async () => {
  const draw = randomStream(2, 'clips');
  const clips = [3210, 5000, 4803].map((length) => Float32Array.from({ length }, () => 0.1 * draw.normal()));
  const row = samplesOfBatch(40);
  const samples = new Float32Array(3 * row);
  clips.forEach((clip, i) => reflected(clip, samples.subarray(i * row, (i + 1) * row)));
  const graph = createGraph('batch');
  const frames = input(graph, 'frames', 'int32', [3]);
  const mel = logMelOfBatch(input(graph, 'samples', 'float32', [3, row]), frames, config.bands);
  const { last } = whisper(constantParameters(graph, weights), config, mel, config.layers, frames);
  const lengths = clips.map((clip) => framesOf(clip.length));
  const found = await compute(
    graph,
    { mel, pooled: poolSteps(last, frames) },
    { samples: float32([3, row], samples), frames: int32([3], lengths) },
  );
  for (const [i, clip] of clips.entries()) {
    const alone = createGraph('alone');
    const x = logMel(input(alone, 'samples', 'float32', [1, clip.length]), config.bands);
    const single = await compute(
      alone,
      { x, pooled: poolSteps(whisper(constantParameters(alone, weights), config, x).last) },
      { samples: float32([1, clip.length], clip) },
    );
    const pooled = numbers(found['pooled']).slice(i * config.width, (i + 1) * config.width);
    expect(relativeError(pooled, numbers(single['pooled']))).toBeLessThan(1e-5);
    const count = lengths[i]!;
    const [padded, own] = [numbers(found['mel']), numbers(single['x'])];
    for (let band = 0; band < config.bands; band++) {
      const at = (i * config.bands + band) * 40;
      expect(
        relativeError(padded.slice(at, at + count), own.slice(band * count, (band + 1) * count)),
      ).toBeLessThan(1e-5);
      expect(padded.slice(at + count, at + 40).every((value) => value === 0)).toBe(true);
    }
  }
});

describe('splits of clips', () => {
  it('have no speaker in two parts, and no held-out speaker in any', () => {
    const { training, validation, held } = divideClips(items, settings({ hold: ['emodb', 'ravdess/01'] }));
    expect(speakersOf(training)).toEqual(['ravdess 02']);
    expect(speakersOf(validation)).toEqual(['ravdess 03']);
    expect(speakersOf(held)).toEqual(['emodb 03', 'ravdess 01']);
    // Held out wins; then others are drawn, in whole speakers.
    const other = divideClips(items, settings({ hold: ['ravdess/03'] }));
    expect(speakersOf(other.held)).toEqual(['ravdess 03']);
    expect(other.validation.length).toBeGreaterThan(0);
    const [a, b] = [speakersOf(other.training), speakersOf(other.validation)];
    expect(a.filter((speaker) => b.includes(speaker))).toEqual([]);
  });

  it('count calm as neutral, or exclude it', () => {
    const sources = (calm: string) =>
      divideClips(items, settings({ calm })).training.map(({ source }) => source);
    expect(sources('neutral')).toContain('calm');
    expect(sources('drop')).not.toContain('calm');
  });

  it.each([
    ['hold', ['ravdes'], /ravdess/],
    ['hold', ['ravdess/99'], /no speaker "ravdess\/99"|no speaker "99"/],
    ['validation', ['emodb/3'], /emodb/],
  ])('names what is wrong in %s: %j', (field, names, message) => {
    expect(() => divideClips(items, settings({ [field]: names }))).toThrow(message);
  });

  it('skip corpora that are not there', () => {
    expect(divideClips(items, settings({ hold: ['nemo/EB0', 'tess'] })).held).toEqual([]);
  });
});

it('writes a Whisper of the used blocks, which can be read with its classifier', async () => {
  const record = await learned('plain', { logitAdjustment: 1 });
  expect(record).toMatchObject({ kind: 'voice', items: { training: 20, validation: 8 } });
  expect(Object.keys(record.epochs[0]!.details)).toEqual(['ravdess', 'ravdess recall']);
  const prior = record.calibration!.prior;
  expect(prior[FACE_LABELS.indexOf('neutral')]).toBeCloseTo(5 / 20, 4);

  const read = await readLearnedVoice(join(root, 'plain'));
  expect(read.config).toEqual({ ...config, layers: 1 });
  expect(read.weights['embed_positions.weight']!.data).toEqual(weights['embed_positions.weight']!.data);
  for (const name of ['conv1.weight', 'layers.0.fc1.weight', 'layer_norm.weight'])
    expect(read.weights[name]!.data, name).not.toEqual(weights[name]!.data);
  const clips = await readClips(divideClips(items, settings()).validation, silentProgress);
  const model = { config: read.config, classes: FACE_LABELS.length };
  const logits = await voiceLogits(model, read.weights, clips, 1);
  const labels = divideClips(items, settings()).validation.map(({ label }) => FACE_LABELS.indexOf(label));
  const { score } = scoreVoices(
    logits,
    { labels: Uint8Array.from(labels), corpora: labels.map(() => 'ravdess') },
    FACE_LABELS.length,
  );
  expect(score).toBe(record.epochs[record.bestEpoch - 1]!.score);
  const encoder = await loadVoiceEncoder({
    id: 'mine/voice',
    revision: 'main',
    folder: join(root, 'plain', 'encoder'),
    block: 'published',
  });
  expect((await encoder.encode(clips.slice(0, 1))).shape).toEqual([1, config.width]);
  await encoder.dispose();
  const mean = await averageLearned({
    folders: [join(root, 'plain'), join(root, 'plain')],
    out: join(root, 'mean'),
  });
  expect(mean.kind).toBe('voice');
});

it('standardises statistics of all blocks on the training clips, and exports what it learned', async () => {
  await learned('statistics', { pooling: 'statistics' });
  const read = await readLearnedVoice(join(root, 'statistics'));
  expect(read.config).toEqual({ ...config, layers: 1, pooling: 'statistics' });
  const size = embeddingWidth(read.config);
  const before = { ...read.weights };
  for (const name of Object.keys(weights)) if (name in before) before[name] = weights[name]!;
  const identity = {
    id: 'before',
    revision: 'local',
    sha256: '',
    dtype: 'float32',
    preprocessing: {},
  } as const;
  const clips = await readClips(divideClips(items, settings()).training, silentProgress);
  const encoder = await createVoiceEncoder(read.config, before, identity);
  const { data } = await encoder.encode(clips);
  await encoder.dispose();
  for (let k = 0; k < size; k++) {
    const column = clips.map((_, i) => data[i * size + k]!);
    const mean = column.reduce((a, b) => a + b, 0) / column.length;
    expect(mean).toBeCloseTo(0, 3);
    expect(column.reduce((a, b) => a + (b - mean) ** 2, 0) / column.length).toBeCloseTo(1, 2);
  }

  const model = { config: read.config, classes: FACE_LABELS.length };
  const [clip] = clips;
  const expected = await voiceLogits(model, read.weights, [clip!], 1);
  const exported = {
    config: read.config,
    weights: read.weights,
    block: 'published',
    labels: FACE_LABELS,
  } as const;
  const session = await createSession(learnedVoiceModel(exported, 'float32'), { threads: 1 });
  const found = await session.run({ samples: float32([1, clip!.length], clip!) });
  await session.dispose();
  expect(found['embedding']!.shape).toEqual([1, size]);
  expect(relativeError(found['logits']!.data as Float32Array, expected)).toBeLessThan(1e-4);
});

it.each(['mean', 'statistics'])(
  'starts from a linear probe of the %s that already tells the tones apart',
  async (pooling) => {
    const chosen = settings({ pooling, classifier: 'probe', probe: { penalty: 1 } });
    const { training, validation } = divideClips(items, chosen);
    const set = async (some: readonly SpeechItem[]) => ({
      clips: await readClips(some, silentProgress),
      labels: Uint8Array.from(some, ({ label }) => FACE_LABELS.indexOf(label)),
      corpora: some.map(({ corpus }) => corpus),
    });
    const model = {
      config: { ...config, layers: 1, ...(pooling === 'statistics' && ({ pooling } as const)) },
      classes: FACE_LABELS.length,
    };
    const drawn = withClassifier(weights, voiceTrainee(model, chosen, 100), 1);
    const started = await startOf(model, drawn, chosen, await set(training), { threads: 1 });
    const accuracy = async (of: Tensors, some: Awaited<ReturnType<typeof set>>): Promise<number> =>
      scoreVoices(await voiceLogits(model, of, some.clips, 1), some, FACE_LABELS.length).details['ravdess']!;
    const [seen, unseen] = [await set(training), await set(validation)];
    expect(await accuracy(started, seen)).toBeGreaterThan(0.75);
    expect(await accuracy(started, unseen)).toBeGreaterThan(0.5);
    const again = await startOf(model, drawn, chosen, await set(training), { threads: 1 });
    expect(again['classifier.weight']).toEqual(started['classifier.weight']);
  },
);

it('without epochs, keeps the first weights and their linear probe', async () => {
  const record = await learned('probe', {
    epochs: 0,
    pooling: 'statistics',
    classifier: 'probe',
    probe: { penalty: 1 },
  });
  expect(record).toMatchObject({ bestEpoch: 0, epochs: [] });
  const read = await readLearnedVoice(join(root, 'probe'));
  expect(read.weights['conv1.weight']!.data).toEqual(weights['conv1.weight']!.data);
  await expect(learned('nothing', { epochs: 0 })).rejects.toThrow(/probe/);
});

it('scores each corpus over its labels, and all corpora equally', () => {
  const rows = [0, 0, 1, 2, 2].map((label) => [0, 1, 2].map((c) => Number(c === label)));
  const { score, details } = scoreVoices(
    Float32Array.from(rows.flat()),
    { labels: Uint8Array.from([0, 0, 0, 1, 2]), corpora: ['a', 'a', 'a', 'a', 'b'] },
    3,
  );
  expect(details).toEqual({ a: 2 / 4, 'a recall': 1 / 3, b: 1, 'b recall': 1 });
  expect(score).toBe(0.75);
});

it('resumes an interrupted training to the same bytes', async () => {
  const bytes = (out: string) => readFile(join(root, out, 'encoder', 'model.safetensors'));
  await learned('whole');
  let checks = 0;
  const signal = {
    get aborted() {
      return ++checks > 4;
    },
  } as AbortSignal;
  await expect(learned('stopped', {}, signal)).rejects.toMatchObject({ code: 'interrupted' });
  await learned('stopped');
  expect((await bytes('stopped')).equals(await bytes('whole'))).toBe(true);
  await expect(learned('stopped', { seed: 3 })).rejects.toMatchObject({ code: 'checkpoint' });
});

it.each([
  [{ blocks: 3 }, /2 blocks/],
  [{ from: 'layer.0' }, /layers\.0/],
])('refuses %j', async (more, message) => {
  await expect(learned('refused', more)).rejects.toThrow(message);
});

it.each([
  [{ augmentation: { leastRatio: 30, mostRatio: 10 } }, /leastRatio/],
  [{ augmentation: { sped: 0.1 } }, /speed/],
  [{ repeat: { ravdes: 2 } }, /ravdes/],
  [{ calm: 'sad' }, /calm/],
])('names the setting in %j', (given, message) => {
  expect(() => voiceLearnSettings.parse(given)).toThrow(message);
});

it('is a command', async () => {
  const { stdout } = await runMien([
    'learn',
    'voice',
    '--data',
    join(root, 'data'),
    '--weights',
    join(root, 'weights'),
    '--out',
    join(root, 'cli'),
    '--threads',
    '1',
    '--set',
    'blocks=1',
    '--set',
    'epochs=1',
    '--set',
    'maxSeconds=1',
    '--set',
    'hold=["ravdess/01"]',
    '--set',
    'validation=["ravdess/02"]',
    '--json',
  ]);
  expect(JSON.parse(stdout)).toMatchObject({ kind: 'voice', items: { training: 12, validation: 8 } });
});
