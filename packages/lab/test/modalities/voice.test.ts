// Voices beside texts and faces: a made-up model of them, opened at the first recording; what is wrong with a recording is
// its item's error and no other's.
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { writeBundle } from 'mien/parts/bundle';
import { FACE_LABELS } from 'mien/parts/data';
import { isRecognition, loadRecognizer, type Recognizer, type Result } from 'mien/parts/recognizer';
import { legibleFiles, legibleManifest } from '../../../../test/support/bundle.js';
import { RATE, tone, voiceModel, wav, writeHearing } from '../../../../test/support/voice.js';

let root: string;
let recognizer: Recognizer;
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'mien-voice-'));
  await writeHearing(root);
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
  await writeHearing(folder);
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
