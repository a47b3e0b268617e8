// The service hears: segments of a long recording and words of a short one, as its document describes them.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { PEAKS, writeHearing } from '../../../../test/support/hearing.js';
import { murmur, wav } from '../../../../test/support/sounds.js';
import { tone } from '../../../../test/support/wav.js';
import { serveBundle, type TestService } from './support.js';

let folder: string;
let service: TestService;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'mien-hearing-'));
  await writeHearing(folder);
  service = await serveBundle(folder, { deadline: 60_000 });
});
afterAll(async () => {
  await service.stop();
  await rm(folder, { recursive: true });
});

const base64 = (sound: Float32Array): string => Buffer.from(wav(sound)).toString('base64');
const said = tone(1, { level: PEAKS.sadness });

// Responses are checked against the OpenAPI document where they are read.
test('a long recording has its segments', async () => {
  const sound = murmur(
    34,
    [2, 14, 30].map((start) => [start, start + 2] as const),
  );
  const { body } = await service.recognize({ items: [{ audio: base64(sound) }] });
  const { seconds, segments } = body.results[0].voice;
  expect(seconds).toBe(34);
  expect(segments).toHaveLength(3);
  expect(segments[1]).toMatchObject({ label: 'fear', start: expect.any(Number), end: expect.any(Number) });
});

test('words are transcribed if that is asked for, in JSON and in forms', async () => {
  const items = [{ audio: base64(said) }, { text: 'joy', audio: base64(said) }];
  const { body } = await service.recognize({ items, transcribe: true });
  expect(body.results[0]).toMatchObject({
    text: { label: 'sadness' },
    transcript: { text: 'sadness', segments: [{ start: 0, end: 0.3 }] },
  });
  expect(body.results[1]).not.toHaveProperty('transcript');
  const form = new FormData();
  form.append('audio', new File([wav(said)], 'said.wav'));
  form.append('transcribe', 'true');
  const posted = await service.call('/v1/recognize', { method: 'POST', body: form });
  expect(posted.body.results).toEqual(body.results.slice(0, 1));
  const plain = await service.recognize({ items });
  expect(plain.body.results[0]).toMatchObject({ from: 'voice' });
  expect(plain.body.results[0]).not.toHaveProperty('transcript');
  expect((await service.call('/v1/model')).body.words).toBe(true);
});
