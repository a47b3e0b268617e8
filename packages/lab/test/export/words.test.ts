// A bundle's files for words: made ones in both precisions and both runtimes, the published ones on a clip of speech.
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as node from 'onnxruntime-node';
import * as web from 'onnxruntime-web';
import { beforeAll, describe, expect, it } from 'vitest';
import { createSession, float32, int32, setRuntime, type Tensor, type Tensors } from 'mien-engine';
import { readSafetensorsFile } from 'mien-engine/node';
import { FILES, readBundle, writeBundle } from 'mien/parts/bundle';
import { loadRecognizer } from 'mien/parts/recognizer';
import { openTranscriber, textOf, WORDS_FILES, wordsSchema } from 'mien/parts/words';
import { whisperParameters } from '../../src/encoders/load-voice.js';
import {
  type PretrainedWords,
  readPretrainedWords,
  whisperDecoderParameters,
} from '../../src/encoders/load-words.js';
import { whisperTiny } from '../../src/encoders/load-voice.js';
import { addWords, wordsFiles, writeWords } from '../../src/export/words.js';
import { legibleFiles, legibleManifest, writeLegible } from '../../../../test/support/bundle.js';
import { goldenWeights, relativeError, uniform } from '../../../../test/support/golden.js';
import { hasWhisper, readWhisperGolden, whisperFolder } from '../../../../test/support/whisper.js';

const LETTERS = [...'abcdefghijklmnopqrstuvwxyz'];
const encoderConfig = { bands: 80, width: 24, layers: 1, heads: 2, inner: 32, positions: 100 };
const decoderConfig = { vocabulary: 131, width: 24, layers: 2, heads: 2, inner: 36, positions: 24 };
const weightsOf = (specs: readonly { name: string; shape: readonly number[] }[]): Tensors =>
  goldenWeights(Object.fromEntries(specs.map(({ name, shape }) => [name, shape])));

/** Random weights: text tokens 0 to 25, the end 26, times 30 to 130 in a window of 2 s. */
const made: PretrainedWords = {
  encoder: { config: encoderConfig, weights: weightsOf(whisperParameters(encoderConfig)) },
  decoder: { config: decoderConfig, weights: weightsOf(whisperDecoderParameters(decoderConfig)) },
  vocabulary: wordsSchema.parse({
    format: 'mien-words-1',
    layers: 2,
    heads: 2,
    headWidth: 12,
    positions: 24,
    window: 2,
    start: 27,
    end: 26,
    noSpeech: 28,
    noTimestamps: 29,
    firstTimestamp: 30,
    latestStart: 50,
    suppressed: [27, 28],
    suppressedFirst: [26],
    vocabulary: LETTERS,
  }),
};
const sound = (length: number): Float32Array =>
  uniform('sound', length).map((noise, i) => 0.3 * Math.sin(i / 9) * Math.sin(i / 4000) + 0.02 * noise);

describe('random weights', () => {
  it.each(['float32', 'small'] as const)('transcribe in windows, in %s', async (precision) => {
    const transcriber = await openTranscriber(wordsFiles(made, precision), { threads: 1 });
    const samples = sound(5 * 16_000);
    const transcript = await transcriber.transcribe(samples);
    expect(await transcriber.transcribe(samples)).toEqual(transcript);
    expect(transcript.segments.length).toBeGreaterThan(0);
    let before = 0;
    for (const { start, end, text, logProbability, noSpeech } of transcript.segments) {
      expect(start).toBeGreaterThanOrEqual(before);
      expect(end).toBeGreaterThan(start);
      expect(text).toMatch(/^[a-z]+$/);
      expect(logProbability).toBeLessThan(0);
      expect(noSpeech).toBeGreaterThan(0);
      before = end;
    }
    expect(before).toBeLessThanOrEqual(5);
    expect(transcript.text).toBe(transcript.segments.map(({ text }) => text).join(' '));
    expect(await transcriber.transcribe(new Float32Array(0))).toEqual({ text: '', segments: [] });
    const whole = await transcriber.transcribe(sound(300), { timestamps: false, silence: 0 });
    expect(whole.segments).toHaveLength(1);
    expect(whole.segments[0]).toMatchObject({ start: 0, end: 300 / 16_000 });
    await expect(transcriber.transcribe(samples, { silenc: 1 } as never)).rejects.toThrow(/silence/);
    await transcriber.dispose();
  });

  it('give nearly the same logits in integers, and in the runtime of browsers', async () => {
    const logits = async (runtime: unknown, precision: 'float32' | 'small') => {
      setRuntime(runtime as Parameters<typeof setRuntime>[0]);
      const files = wordsFiles(made, precision);
      const encoder = await createSession(files[WORDS_FILES.encoder]!, { threads: 1 });
      const decoder = await createSession(files[WORDS_FILES.decoder]!, { threads: 1 });
      const cross = await encoder.run({ samples: float32([1, 16_000], sound(16_000)) });
      expect(cross['cross.1.keys']!.shape).toEqual([1, 2, 12, 50]);
      const past = Object.fromEntries(
        [0, 1].flatMap((i) => [
          [`past.${i}.keys`, float32([1, 2, 12, 0], [])],
          [`past.${i}.values`, float32([1, 2, 0, 12], [])],
        ]),
      );
      const feeds = { ids: int32([1, 3], [27, 30, 4]), places: int32([3], [0, 1, 2]), ...cross, ...past };
      const result = await decoder.run(feeds);
      expect(result['present.0.values']!.shape).toEqual([1, 2, 3, 12]);
      await encoder.dispose();
      await decoder.dispose();
      return result['logits']!.data as Float32Array;
    };
    const exact = await logits(node, 'float32');
    expect(exact).toHaveLength(3 * 131);
    expect(relativeError(await logits(web, 'float32'), exact)).toBeLessThan(1e-4);
    const integers = await logits(node, 'small');
    expect(relativeError(integers, exact)).toBeLessThan(0.1);
    expect(relativeError(await logits(web, 'small'), integers)).toBeLessThan(0.02);
  });

  it('are written to a new folder', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'mien-words-'));
    try {
      const sizes = await writeWords(join(folder, 'bundle'), made);
      expect(Object.keys(sizes)).toEqual(Object.values(WORDS_FILES));
      for (const [name, size] of Object.entries(sizes))
        expect((await readFile(join(folder, 'bundle', name))).length).toBe(size);
    } finally {
      await rm(folder, { recursive: true });
    }
  });

  it('are added to a bundle, which states them; an interrupted run is repeated', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'mien-words-'));
    const names = Object.values(WORDS_FILES);
    try {
      await writeLegible(folder);
      const before = (await readBundle(folder)).manifest;
      await expect(addWords(join(folder, 'none'), made)).rejects.toMatchObject({ code: 'file' });
      // As a run leaves it that was interrupted after the first file.
      await writeFile(join(folder, names[0]!), 'half');
      await expect(readBundle(folder)).rejects.toThrow(/not part of the bundle/);
      const manifest = await addWords(folder, made);
      expect(await addWords(folder, made)).toEqual(manifest);
      expect((await readBundle(folder)).manifest).toEqual(manifest);
      expect(manifest.words).toEqual(WORDS_FILES);
      expect(manifest.terms.filter((terms) => terms.includes('Whisper'))).toHaveLength(1);
      expect(manifest.files).toMatchObject(before.files);
      const recognizer = await loadRecognizer({ bundle: folder, threads: 1 });
      const audio = { sampleRate: 16_000, data: sound(16_000) };
      const result = await recognizer.recognize({ text: ' ', audio }, { transcribe: true });
      await recognizer.dispose();
      // Random words, of which the bundle knows none.
      expect(recognizer.info.words).toBe(true);
      expect(result.warnings.map(({ code }) => code)).toContain('audio-missing');
    } finally {
      await rm(folder, { recursive: true });
    }
  });

  it('are stated once in the card', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'mien-words-'));
    try {
      const manifest = { ...legibleManifest, name: 'carded' };
      const card = '# carded\n\n### Words\n\nFigures.\n';
      await writeBundle(folder, manifest, { ...legibleFiles(manifest), [FILES.card]: card });
      await addWords(folder, made);
      await addWords(folder, made);
      const written = await readFile(join(folder, FILES.card), 'utf8');
      expect(written.startsWith(card.trimEnd())).toBe(true);
      expect(written.match(/^## Words$/gm)).toHaveLength(1);
      expect(written).toMatch(/words-encoder\.onnx.*MB\) transcribe/);
      await readBundle(folder);
    } finally {
      await rm(folder, { recursive: true });
    }
  });

  it('are rejected if a file is missing or another', async () => {
    const files = wordsFiles(made);
    for (const name of Object.values(WORDS_FILES)) {
      const { [name]: _, ...others } = files;
      await expect(openTranscriber(others)).rejects.toMatchObject({ code: 'bundle', place: { file: name } });
    }
    const damaged = { ...files, [WORDS_FILES.vocabulary]: new TextEncoder().encode('{"format":') };
    await expect(openTranscriber(damaged)).rejects.toMatchObject({ code: 'format' });
    const cut = { ...files, [WORDS_FILES.decoder]: files[WORDS_FILES.decoder]!.subarray(0, 100) };
    await expect(openTranscriber(cut)).rejects.toMatchObject({ code: 'format' });
  });
});

describe.skipIf(!hasWhisper)('the published weights', () => {
  let pretrained: PretrainedWords;
  beforeAll(async () => {
    pretrained = await readPretrainedWords({ ...whisperTiny, folder: whisperFolder! });
  });

  it('give the logits and tokens of PyTorch, a prompt at once and then token by token', async () => {
    const golden = await readWhisperGolden();
    const tokens = [...(golden['greedy_ids'] as unknown as Tensor<'int32'>).data];
    const files = wordsFiles(pretrained, 'float32');
    const encoder = await createSession(files[WORDS_FILES.encoder]!, { threads: 1 });
    const samples = new Float32Array(480_000);
    samples.set(golden['pcm']!.data);
    const cross = await encoder.run({ samples: float32([1, samples.length], samples) });
    await encoder.dispose();
    const decoder = await createSession(files[WORDS_FILES.decoder]!, { threads: 1 });
    let past: Tensors = Object.fromEntries(
      [0, 1, 2, 3].flatMap((i) => [
        [`past.${i}.keys`, float32([1, 6, 64, 0], [])],
        [`past.${i}.values`, float32([1, 6, 0, 64], [])],
      ]),
    );
    const found: Float32Array[] = [];
    for (const [from, to] of [
      [0, 2],
      [2, 3],
      [3, 4],
    ] as const) {
      const places = Array.from({ length: to - from }, (_, i) => from + i);
      const ids = int32([1, to - from], tokens.slice(from, to));
      const { logits, ...present } = await decoder.run({
        ids,
        places: int32([to - from], places),
        ...cross,
        ...past,
      });
      found.push((logits!.data as Float32Array).slice(-51_864));
      past = Object.fromEntries(
        Object.entries(present).map(([name, value]) => [name.replace('present', 'past'), value]),
      );
    }
    await decoder.dispose();
    const expected = golden['decoder_logits_first3']!.data;
    found.forEach((row, i) =>
      expect(relativeError(row, expected.subarray(i * 51_864, (i + 1) * 51_864)), `row ${i}`).toBeLessThan(
        1e-4,
      ),
    );
    const text = textOf(tokens, pretrained.vocabulary);
    const transcriber = await openTranscriber(files, { threads: 1 });
    const transcript = await transcriber.transcribe(golden['pcm']!.data, { timestamps: false });
    expect(transcript.text).toBe(text.trim());
    await transcriber.dispose();
  }, 120_000);

  it('transcribe a clip in integers, with its time', async () => {
    const golden = await readWhisperGolden();
    const transcriber = await openTranscriber(wordsFiles(pretrained), { threads: 1 });
    const { text, segments } = await transcriber.transcribe(golden['pcm']!.data);
    await transcriber.dispose();
    expect(text.toLowerCase()).toMatch(/dogs are sitting by the door/);
    expect(segments.at(-1)!.end).toBeLessThanOrEqual(3.6);
  }, 120_000);

  it('have all of the decoder’s tensors and no others', async () => {
    const { tensors } = await readSafetensorsFile(join(whisperFolder!, 'model.safetensors'));
    const names = whisperDecoderParameters(pretrained.decoder.config).map(({ name }) => name);
    expect(names.every((name) => `model.decoder.${name}` in tensors)).toBe(true);
    expect(names.length).toBe(Object.keys(tensors).filter((name) => name.includes('decoder')).length);
  });
});
