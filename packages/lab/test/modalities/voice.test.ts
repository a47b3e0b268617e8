// Voices beside texts and faces: a made-up model of them, opened at the first recording; what is wrong with a recording is
// its item's error and no other's.
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { writeBundle } from 'mien/parts/bundle';
import { FACE_LABELS } from 'mien/parts/data';
import {
  type evaluateResults,
  type Explanation,
  isRecognition,
  loadRecognizer,
  type Recognizer,
  type Result,
} from 'mien/parts/recognizer';
import { legibleFiles, legibleManifest } from '../../../../test/support/bundle.js';
import { voiceModel, writeHearing } from '../../../../test/support/hearing.js';
import { runMien } from '../../../../test/support/mien.js';
import { murmur, RATE, wav } from '../../../../test/support/sounds.js';
import { tone } from '../../../../test/support/wav.js';

type Evaluation = ReturnType<typeof evaluateResults>;

let root: string;
let recognizer: Recognizer;
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'mien-voice-'));
  await writeHearing(root, { words: false });
  recognizer = await loadRecognizer({ bundle: root, threads: 1, maxSeconds: 90 });
});
afterAll(async () => {
  await recognizer.dispose();
  await rm(root, { recursive: true });
});
const codeOf = ({ error }: Result) => error?.code;

test('every form of a recording has the same answer, alone and beside a text', async () => {
  const samples = tone(1);
  const file = join(root, '..', `${Date.now()}-tone.wav`);
  await writeFile(file, wav(samples));
  const forms = [
    { sampleRate: RATE, data: samples },
    { sampleRate: RATE, data: [samples, samples] },
    wav(samples),
    new Blob([wav(samples)]),
    `data:audio/wav;base64,${Buffer.from(wav(samples)).toString('base64')}`,
    file,
  ];
  const results = await recognizer.recognize(forms.map((audio) => ({ audio })));
  await rm(file);
  for (const result of results) {
    if (!isRecognition(result)) throw new Error(result.error.message);
    expect(result).toMatchObject({ from: 'voice', label: 'fear', voice: { label: 'fear', seconds: 1 } });
    expect(Object.keys(result.probabilities)).toEqual([...FACE_LABELS]);
    expect(result.probabilities['fear']).toBeCloseTo((results[0] as typeof result).probabilities['fear']!, 3);
  }
  const both = await recognizer.recognize({ text: 'joy joy', audio: forms[0] });
  expect(both).toMatchObject({ from: 'both', label: 'joy' });
  expect(both).toHaveProperty('disagreement');
});

test('each fault is the code of its item; the others are answered', async () => {
  const at = (data: Float32Array, sampleRate = RATE) => ({ audio: { sampleRate, data } });
  const found = await recognizer.recognize([
    { audio: new Uint8Array([1, 2, 3]) },
    at(new Float32Array(0)),
    at(new Float32Array(RATE)),
    at(tone(0.1)),
    at(tone(91)),
    at(tone(1).fill(NaN, 5, 6)),
    { audio: new Uint8Array() },
    at(tone(40)),
    { text: 'joy', ...at(new Float32Array(RATE)) },
    { text: 'joy', audio: 'nowhere.wav' },
    { text: 'joy' },
  ]);
  expect(found.map(codeOf)).toEqual([
    'undecodable-audio',
    'no-sound',
    'silent-audio',
    'audio-too-short',
    'audio-too-long',
    'audio-not-finite',
    'no-sound',
    undefined,
    undefined,
    'undecodable-audio',
    undefined,
  ]);
  expect(found[8]!.warnings.map(({ code }) => code)).toContain('silent-audio');
});

test('a long recording is answered as a whole and by its segments, whatever is beside it', async () => {
  const stretches = [
    [2, 6],
    [8, 9.5],
    [30, 33],
  ] as const;
  const audio = { sampleRate: RATE, data: murmur(36, stretches) };
  const short = { audio: { sampleRate: RATE, data: tone(1) } };
  const [alone, , both] = await recognizer.recognize([{ audio }, short, { text: 'joy', audio }]);
  if (!isRecognition(alone!) || !isRecognition(both!)) throw new Error('not recognised');
  const { segments, logits, seconds } = alone.voice!;
  expect(seconds).toBe(36);
  expect(segments).toHaveLength(3);
  segments!.forEach(({ start, end, label, probabilities }, i) => {
    expect(Math.abs(start - stretches[i]![0])).toBeLessThan(0.4);
    expect(Math.abs(end - stretches[i]![1])).toBeLessThan(0.4);
    expect(probabilities[label]).toBe(Math.max(...Object.values(probabilities)));
  });
  // What a segment says is not the same everywhere, and the whole is the mean by length.
  const ofFear = segments!.map((segment) => segment.logits['fear']!);
  expect(new Set(ofFear).size).toBe(3);
  const lengths = segments!.map(({ start, end }) => end - start);
  const mean =
    ofFear.reduce((sum, value, i) => sum + value * lengths[i]!, 0) / lengths.reduce((a, b) => a + b);
  expect(logits['fear']).toBeCloseTo(mean, 4);
  expect(both.voice).toEqual(alone.voice);
  expect(await recognizer.recognize(short)).not.toHaveProperty('voice.segments');
  const { result } = (await recognizer.explain({ text: 'joy', audio })) as Explanation;
  expect(result.voice).toEqual(alone.voice);
});

test('a bundle without voices says which bundle has one', async () => {
  const folder = join(root, '..', `${Date.now()}-plain`);
  await writeBundle(folder, legibleManifest, legibleFiles());
  const plain = await loadRecognizer({ bundle: folder, threads: 1 });
  const audio = { sampleRate: RATE, data: tone(1) };
  const [alone, beside] = await plain.recognize([{ audio }, { text: 'joy', audio }]);
  expect(alone!.error).toMatchObject({ code: 'no-voice-model' });
  expect(alone!.error!.message).toMatch(/legible.*"voice"/);
  expect(isRecognition(beside!) && beside!.label).toBe('joy');
  expect(beside!.warnings.map(({ code }) => code)).toEqual(['audio-missing']);
  await plain.dispose();
  await rm(folder, { recursive: true });
});

test('the file of voices is read at the first recording, and checked', async () => {
  const folder = join(root, '..', `${Date.now()}-late`);
  await writeHearing(folder, { words: false });
  await writeFile(join(folder, 'voice.onnx'), 'damaged');
  const late = await loadRecognizer({ bundle: folder, threads: 1 });
  expect(await late.recognize({ text: 'joy' })).toMatchObject({ label: 'joy' });
  const audio = { sampleRate: RATE, data: tone(1) };
  await expect(late.recognize({ audio })).rejects.toMatchObject({ code: 'bundle' });
  await writeFile(join(folder, 'voice.onnx'), voiceModel());
  expect(await late.recognize({ audio })).toMatchObject({ label: 'fear' });
  await late.dispose();
  await rm(folder, { recursive: true });
});

test('a table has a column of recordings, as it has one of images', async () => {
  const folder = join(root, '..', `${Date.now()}-table`);
  await mkdir(join(folder, 'clips'), { recursive: true });
  await writeFile(join(folder, 'clips', 'a.wav'), wav(tone(1)));
  const rows = [
    ['joy', 'clips/a.wav', 'joy'],
    ['', 'clips/a.wav', 'fear'],
    ['', 'clips/none.wav', 'fear'],
    ['joy', '', 'joy'],
  ];
  await writeFile(
    join(folder, 'table.csv'),
    ['text,audio,label', ...rows.map((row) => row.join())].join('\n'),
  );
  await writeFile(join(folder, 'named.csv'), `Recording\n${join(folder, 'clips', 'a.wav')}\n`);
  const args = ['--bundle', root];
  const predicted = async (...more: string[]) => {
    const { stdout, code } = await runMien(['predict', ...args, '--json', '--input', ...more]);
    expect(code).toBe(0);
    return stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as Result & { from?: string; label?: string });
  };
  const summary = (results: Awaited<ReturnType<typeof predicted>>) =>
    results.map(({ error, label, from }) => error?.code ?? `${label} from ${from}`);
  const expected = ['joy from both', 'fear from voice', 'undecodable-audio', 'joy from text'];
  expect(summary(await predicted(join(folder, 'table.csv')))).toEqual(expected);
  expect(summary(await predicted(join(folder, 'named.csv'), '--audio-column', 'recording'))).toEqual([
    'fear from voice',
  ]);
  const { stdout } = await runMien(['evaluate', ...args, '--json', '--data', join(folder, 'table.csv')]);
  const { items, failures, rows: tests } = JSON.parse(stdout) as Evaluation;
  expect({ items, failures }).toEqual({ items: 4, failures: { 'undecodable-audio': 1 } });
  expect(tests.map(({ name, n }) => [name, n])).toEqual([
    ['answer', 3],
    ['text alone', 2],
    ['voice alone', 2],
  ]);
  await rm(folder, { recursive: true });
});
