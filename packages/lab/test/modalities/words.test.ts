// Words out of recordings: they become the text of an item that has none, with their times, and say what is unsure; without
// their files a bundle says how to get them.
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import {
  isRecognition,
  loadRecognizer,
  type Recognition,
  type Recognizer,
  type Result,
} from 'mien/parts/recognizer';
import { WORDS_FILES } from 'mien/parts/words';
import { faceOf } from '../../../../test/support/bundle.js';
import { PEAKS, writeHearing } from '../../../../test/support/hearing.js';
import { runMien } from '../../../../test/support/mien.js';
import { RATE, wav } from '../../../../test/support/sounds.js';
import { tone } from '../../../../test/support/wav.js';

let root: string;
let recognizer: Recognizer;
const opened: Recognizer[] = [];
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'mien-said-'));
  await writeHearing(join(root, 'bundle'));
  recognizer = await load('bundle');
});
afterAll(async () => {
  for (const one of opened) await one.dispose();
  await rm(root, { recursive: true });
});

async function load(folder: string): Promise<Recognizer> {
  const one = await loadRecognizer({ bundle: join(root, folder), threads: 1 });
  opened.push(one);
  return one;
}
const said = (what: keyof typeof PEAKS, seconds = 1) => ({
  audio: { sampleRate: RATE, data: tone(seconds, { level: PEAKS[what] }) },
});
const transcribe = { transcribe: true };
const codes = ({ warnings }: Result): string[] => warnings.map(({ code }) => code);
const recognised = (result: Result): Recognition => {
  if (!isRecognition(result)) throw new Error(result.error.message);
  return result;
};

test('what is said becomes the text, with its times, and is answered as that text is', async () => {
  const result = recognised(await recognizer.recognize(said('joy'), transcribe));
  expect(result.transcript).toMatchObject({ text: 'joy', segments: [{ start: 0, end: 0.3, text: 'joy' }] });
  const typed = recognised(await recognizer.recognize({ text: 'joy', ...said('joy') }));
  const { transcript: _, ...rest } = result;
  expect(rest).toEqual(typed);
  expect(result.from).toBe('both');
  expect(result.text!.label).toBe('joy');
  // With a face, all three.
  const face = { image: faceOf('sadness') };
  const all = await recognizer.recognize(
    { ...said('sadness'), ...face },
    { ...transcribe, faces: 'cropped' },
  );
  expect(all).toMatchObject({ from: 'all', text: { label: 'sadness' }, transcript: { text: 'sadness' } });
  expect(await recognizer.recognize(said('joy'))).not.toHaveProperty('transcript');
});

test('a given text wins; a blank one is none', async () => {
  const given = await recognizer.recognize({ text: 'fear', ...said('joy') }, transcribe);
  expect(given).not.toHaveProperty('transcript');
  expect(given).toMatchObject({ text: { label: 'fear' } });
  expect(await recognizer.recognize({ text: ' ', ...said('joy') }, transcribe)).toMatchObject({
    text: { label: 'joy' },
  });
  expect(await recognizer.recognize({ text: 'fear' }, transcribe)).toMatchObject({ label: 'fear' });
});

test('speech that is not understood, or not surely, is warned of', async () => {
  const unsure = recognised(await recognizer.recognize(said('unsure'), transcribe));
  expect(codes(unsure)).toContain('unclear-words');
  expect(unsure.transcript!.text).toBe('fear');
  const nothing = recognised(await recognizer.recognize(said('nothing'), transcribe));
  expect(codes(nothing)).toEqual(['no-words']);
  expect(nothing).toMatchObject({ from: 'voice', transcript: { text: '', segments: [] } });
  expect(codes(await recognizer.recognize(said('joy'), transcribe))).not.toContain('unclear-words');
});

test('without a voice model the words are all that is heard', async () => {
  await writeHearing(join(root, 'words-only'), { voice: false });
  const one = await load('words-only');
  const silent = { audio: { sampleRate: RATE, data: new Float32Array(RATE) } };
  const [joy, nothing, broken, mute, beside] = await one.recognize(
    [
      said('joy'),
      said('nothing'),
      { audio: new Uint8Array([1, 2, 3]) },
      silent,
      { ...silent, image: faceOf('fear') },
    ],
    { ...transcribe, faces: 'cropped' },
  );
  expect(joy).toMatchObject({ from: 'text', label: 'joy', transcript: { text: 'joy' } });
  expect(codes(joy!)).toEqual(['audio-missing']);
  expect(nothing!.error).toMatchObject({ code: 'no-words' });
  expect(broken!.error).toMatchObject({ code: 'undecodable-audio' });
  expect(mute!.error).toMatchObject({ code: 'silent-audio' });
  expect(beside).toMatchObject({ from: 'face', label: 'fear' });
  expect(codes(beside!)).toContain('silent-audio');
});

test('without a text model they are in the result only', async () => {
  await writeHearing(join(root, 'voice-only'), { without: ['text', 'face', 'fusion'] });
  const result = await (await load('voice-only')).recognize(said('joy'), transcribe);
  expect(result).toMatchObject({ from: 'voice', transcript: { text: 'joy' }, warnings: [] });
});

test('a bundle without the files says how to get them, at the first call that needs them', async () => {
  const how = /mien export --words/;
  await writeHearing(join(root, 'plain'), { words: false });
  const plain = await load('plain');
  expect(plain.info.words).toBe(false);
  await expect(plain.recognize(said('joy'), transcribe)).rejects.toMatchObject({ code: 'bundle' });
  await expect(plain.recognize(said('joy'), transcribe)).rejects.toThrow(how);

  await writeHearing(join(root, 'deleted'));
  const file = join(root, 'deleted', WORDS_FILES.decoder);
  const bytes = await readFile(file);
  await rm(file);
  const deleted = await load('deleted');
  expect(await deleted.recognize({ text: 'joy', ...said('joy') }, transcribe)).toMatchObject({
    label: 'joy',
  });
  const call = deleted.recognize(said('joy'), transcribe);
  await expect(call).rejects.toMatchObject({ code: 'bundle', place: { file: WORDS_FILES.decoder } });
  await expect(call).rejects.toThrow(how);
  await writeFile(file, bytes.subarray(1));
  await expect(deleted.recognize(said('joy'), transcribe)).rejects.toThrow(/not the file that the bundle/);
  await writeFile(file, bytes);
  expect(await deleted.recognize(said('joy'), transcribe)).toMatchObject({ transcript: { text: 'joy' } });
});

test('on the command line, and a child process, they are the same', async () => {
  const clip = join(root, 'clip.wav');
  await writeFile(clip, wav(tone(1, { level: PEAKS.sadness })));
  const args = [
    'predict',
    '--bundle',
    join(root, 'bundle'),
    '--threads',
    '1',
    '--audio',
    clip,
    '--transcribe',
  ];
  const { stdout } = await runMien([...args, '--json']);
  expect(JSON.parse(stdout)).toMatchObject({ text: { label: 'sadness' }, transcript: { text: 'sadness' } });
  expect((await runMien(args)).stdout).toContain('“sadness”');
  const pool = await loadRecognizer({ bundle: join(root, 'bundle'), processes: 1, threads: 1 });
  opened.push(pool);
  expect(await pool.recognize({ audio: clip }, transcribe)).toMatchObject({
    transcript: { text: 'sadness' },
  });
});
