// Recordings in requests, as base64 and as parts of forms: results, and the limits on their bytes and seconds.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { writeHearing } from '../../../../test/support/hearing.js';
import { RATE, wav } from '../../../../test/support/sounds.js';
import { tone } from '../../../../test/support/wav.js';
import { serveBundle, type TestService } from './support.js';

let folder: string;
let service: TestService;
const MAX_AUDIO = 200_000;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'mien-serve-audio-'));
  await writeHearing(folder, { words: false });
  service = await serveBundle(folder, { maxAudio: MAX_AUDIO, maxSeconds: 4, deadline: 60_000 });
});
afterAll(async () => {
  await service.stop();
  await rm(folder, { recursive: true });
});

const base64 = (bytes: Uint8Array): string => Buffer.from(bytes).toString('base64');
interface Body {
  readonly results: readonly { readonly label?: string; readonly error?: { readonly code: string } }[];
}
const outcomes = ({ results }: Body) => results.map(({ label, error }) => label ?? error!.code);

/** Good, silent, short, long, large, broken and missing recordings, with what comes of them. */
const RECORDINGS: readonly (readonly [string, Uint8Array, string])[] = [
  ['good', wav(tone(1)), 'fear'],
  ['of the longest', wav(tone(4)), 'fear'],
  ['too long', wav(tone(5)), 'audio-too-long'],
  ['silent', wav(new Float32Array(RATE)), 'silent-audio'],
  ['too short', wav(tone(0.1)), 'audio-too-short'],
  ['broken', new Uint8Array([1, 2, 3]), 'undecodable-audio'],
  ['empty', wav(new Float32Array(0)), 'no-sound'],
];

test('recordings in base64 and as data URLs, each with a result of its own', async () => {
  const items = RECORDINGS.map(([id, bytes], i) => ({
    id,
    audio: i % 2 ? `data:audio/wav;base64,${base64(bytes)}` : base64(bytes),
  }));
  const { status, body } = await service.recognize({ items });
  expect(status).toBe(200);
  expect(outcomes(body)).toEqual(RECORDINGS.map(([, , outcome]) => outcome));
  expect(body.results[0]).toMatchObject({ id: 'good', from: 'voice', voice: { label: 'fear', seconds: 1 } });
});

test('beside a text a silent recording is a warning, a broken one an error', async () => {
  const audio = (name: string) => base64(RECORDINGS.find(([id]) => id === name)![1]);
  const { body } = await service.recognize({
    items: [
      { text: 'joy', audio: audio('good') },
      { text: 'joy', audio: audio('silent') },
      { text: 'joy', audio: audio('broken') },
      { text: 'joy', audio: '' },
      { text: 'joy', audio: null },
    ],
  });
  expect(outcomes(body)).toEqual(['joy', 'joy', 'undecodable-audio', 'joy', 'joy']);
  expect(body.results.map(({ from }: { from?: string }) => from)).toEqual([
    'both',
    'text',
    undefined,
    'text',
    'text',
  ]);
  expect(body.results[0]).toHaveProperty('disagreement');
  expect(body.results[1].warnings.map(({ code }: { code: string }) => code)).toContain('silent-audio');
});

test('too many bytes, and what is no base64, are errors of their item that say why', async () => {
  const large = new Uint8Array(MAX_AUDIO + 1);
  const { status, body } = await service.recognize({
    items: [{ id: 'large', audio: base64(large) }, { audio: 'not base64!' }, { audio: base64(wav(tone(1))) }],
  });
  expect(status).toBe(200);
  expect(outcomes(body)).toEqual(['audio-too-long', 'undecodable-audio', 'fear']);
  expect(body.results[0]).toMatchObject({ id: 'large' });
  expect(body.results[0].error.message).toBe(
    `audio: has ${MAX_AUDIO + 1} bytes; the maximum is ${MAX_AUDIO}`,
  );
  expect(body.results[1].error.message).toMatch(/base64/);
});

test('the model’s limits are stated', async () => {
  const { body } = await service.call('/v1/model');
  expect(body.limits).toMatchObject({ maxAudio: MAX_AUDIO, maxSeconds: 4 });
  expect(body.labels.voice).toHaveLength(7);
});

const post = (form: FormData) => service.call('/v1/recognize', { method: 'POST', body: form });
const file = (bytes: Uint8Array): Blob => new Blob([new Uint8Array(bytes)], { type: 'audio/wav' });

test.each(RECORDINGS)('a form with a recording that is %s', async (id, bytes, outcome) => {
  const form = new FormData();
  form.set('id', id);
  form.set('audio', file(bytes), 'voice.wav');
  const { status, body } = await post(form);
  expect(status).toBe(200);
  expect(outcomes(body)).toEqual([outcome]);
  expect(body.results[0].id).toBe(id);
});

test('files of a form are limited each, and named by items', async () => {
  const form = new FormData();
  form.set(
    'items',
    JSON.stringify([{ audio: 'a' }, { text: 'joy', audio: 'b' }, { audio: 'missing' }, { text: 'joy' }]),
  );
  form.set('a', file(wav(tone(1))), 'a.wav');
  form.set('b', file(new Uint8Array(MAX_AUDIO + 1)), 'b.wav');
  const { body } = await post(form);
  expect(outcomes(body)).toEqual(['fear', 'audio-too-long', 'undecodable-audio', 'joy']);
  expect(body.results[1].error.message).toContain(String(MAX_AUDIO));
  expect(body.results[2].error.message).toMatch(/no file part "missing"/);
});

test('a file field without a file is no recording; text in its place is refused', async () => {
  const empty = new FormData();
  empty.set('text', 'joy');
  empty.set('audio', new File([], ''));
  expect(outcomes((await post(empty)).body)).toEqual(['joy']);
  const wrong = new FormData();
  wrong.set('audio', 'a path or so');
  const { status, body } = await post(wrong);
  expect(status).toBe(400);
  expect(body.error.issues[0]).toMatchObject({
    path: 'audio',
    message: expect.stringContaining('file part'),
  });
});
