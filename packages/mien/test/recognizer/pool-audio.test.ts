// Recordings in child processes: the same results as in this process, whatever is passed as one.
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { loadRecognizer } from '../../src/recognizer/node/load.js';
import type { Item, Recognizer, Result } from '../../src/recognizer/types.js';
import { writeLegible } from '../../../../test/support/bundle.js';
import { hostileValues } from '../../../../test/support/hostile.js';
import { writeHearing } from '../../../../test/support/hearing.js';
import { RATE, wav } from '../../../../test/support/sounds.js';
import { tone } from '../../../../test/support/wav.js';

let root: string;
let there: Recognizer;
let here: Recognizer;
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'mien-pool-audio-'));
  await writeHearing(join(root, 'bundle'), { words: false });
  const options = { bundle: join(root, 'bundle'), threads: 1, maxSeconds: 5 };
  there = await loadRecognizer({ ...options, processes: 1 });
  here = await loadRecognizer(options);
});
afterAll(async () => {
  await Promise.all([there.dispose(), here.dispose()]);
  await rm(root, { recursive: true });
});

const codesOf = (results: readonly Result[]) => results.map(({ error }) => error?.code);

test('every form of a recording has the result of this process', async () => {
  const samples = tone(1);
  const file = join(root, 'tone.wav');
  await writeFile(file, wav(samples));
  // A view of a part of a larger buffer.
  const inside = new Float32Array(3 * RATE);
  inside.set(samples, RATE);
  const items: Item[] = [
    { audio: { sampleRate: RATE, data: samples } },
    { audio: { sampleRate: RATE, data: inside.subarray(RATE, 2 * RATE) } },
    { audio: { sampleRate: RATE, data: [samples, samples] } },
    { audio: { sampleRate: RATE, numberOfChannels: 1, getChannelData: () => samples } },
    { audio: wav(samples) },
    { audio: wav(samples).buffer },
    { audio: new Blob([wav(samples)]) },
    { audio: `data:audio/wav;base64,${Buffer.from(wav(samples)).toString('base64')}` },
    { audio: file },
    { audio: pathToFileURL(file) },
    { text: 'joy', audio: wav(samples) },
    { text: 'joy', audio: null },
    { text: 'joy', audio: new File([], '') },
  ];
  const results = await there.recognize(items);
  expect(results).toEqual(await here.recognize(items));
  for (const result of results.slice(0, 10)) expect(result).toMatchObject({ from: 'voice', label: 'fear' });
  expect(results[10]).toMatchObject({ from: 'both', voice: { seconds: 1 } });
  expect(results.slice(11).map((result) => 'voice' in result)).toEqual([false, false]);
});

test('what is wrong with a recording is its item’s error, as in this process', async () => {
  const at = (data: Float32Array) => ({ audio: { sampleRate: RATE, data } });
  const items = [
    { audio: new Uint8Array([1, 2, 3]) },
    { audio: new Uint8Array() },
    at(new Float32Array(RATE)),
    at(tone(0.1)),
    at(tone(6)),
    at(tone(1).fill(NaN, 5, 6)),
    { audio: join(root, 'nowhere.wav') },
    { audio: 'data:audio/wav;base64,%' },
    { audio: 'https://example.org/voice.wav' },
    ...hostileValues().map((audio) => ({ audio })),
    ...hostileValues().map((audio) => ({ text: 'joy', audio })),
    at(tone(1)),
  ] as Item[];
  const results = await there.recognize(items);
  expect(results).toEqual(await here.recognize(items));
  expect(codesOf(results).slice(0, 7)).toEqual([
    'undecodable-audio',
    'no-sound',
    'silent-audio',
    'audio-too-short',
    'audio-too-long',
    'audio-not-finite',
    'undecodable-audio',
  ]);
  expect(results.at(-1)).toMatchObject({ label: 'fear' });
});

test('sessions hear in child processes as in this one', async () => {
  const [one, other] = [there.session(), here.session()];
  for (const [at, item] of [
    { audio: { sampleRate: RATE, data: tone(1) } },
    { text: 'joy' },
    { audio: { sampleRate: RATE, data: new Float32Array(RATE) } },
  ].entries())
    expect(await one.push({ ...item, at: 1000 * at })).toEqual(await other.push({ ...item, at: 1000 * at }));
  expect(Object.keys(one.now(3000))).toEqual(['at', 'label', 'probabilities', 'text', 'voice']);
});

test('files are not opened with files: false, nor recordings without a model of voices', async () => {
  const file = join(root, 'tone.wav');
  await writeFile(file, wav(tone(1)));
  await writeLegible(join(root, 'plain'));
  for (const [bundle, code] of [
    ['bundle', 'undecodable-audio'],
    ['plain', 'no-voice-model'],
  ] as const) {
    const options = { bundle: join(root, bundle), threads: 1, files: false };
    const [closed, plain] = [
      await loadRecognizer({ ...options, processes: 1 }),
      await loadRecognizer(options),
    ];
    const items: Item[] = [
      { audio: file },
      { text: 'joy', audio: file },
      { text: 'joy', audio: wav(tone(1)) },
    ];
    const results = await closed.recognize(items);
    expect(results).toEqual(await plain.recognize(items));
    expect(results[0]!.error?.code).toBe(code);
    expect(JSON.stringify(results)).not.toContain(root);
    await Promise.all([closed.dispose(), plain.dispose()]);
  }
});
