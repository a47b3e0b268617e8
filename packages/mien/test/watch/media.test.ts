// Decoding recordings: what is shown at a time, turned and cut-off files, sound; by node-av, and by ffmpeg where it is.
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { hasFfmpeg } from '../../src/watch/media-ffmpeg.js';
import { turned } from '../../src/watch/media.js';
import { openMedia, recordingPath, type MediaDecoder } from '../../src/watch/open-media.js';
import { utterancesOf } from '../../src/watch/spoken.js';
import { wavFile } from '../../../../test/support/wav.js';
import { canMakeClips, makeClip } from './clips.js';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'mien-media-'));
});
afterAll(() => rm(folder, { recursive: true }));

/** A grey picture with a bright left upper corner. */
function picture(value: number, width = 96, height = 64) {
  const data = new Uint8Array(3 * width * height).fill(value);
  for (let y = 0; y < height / 4; y++) data.fill(255, 3 * y * width, 3 * (y * width + width / 4));
  return { width, height, data };
}
const steady = (seconds: number, value = (_: number): number => 100, rate = 10) =>
  Array.from({ length: seconds * rate }, (_, i) => ({ at: i / rate, image: picture(value(i / rate)) }));

/** Grey level in the middle of a picture. */
const middle = ({ width, height, data }: { width: number; height: number; data: Uint8Array }): number =>
  data[3 * ((height >> 1) * width + (width >> 1))]!;

async function framesIn(path: string, decoder: MediaDecoder, every = 0.2, from = 0) {
  const media = await openMedia(path, decoder);
  const frames = [];
  for await (const { index, image } of media.frames(every, from)) frames.push({ index, image });
  return { media, frames };
}

const decoders = canMakeClips
  ? (['node-av', ...((await hasFfmpeg()) ? ['ffmpeg' as const] : [])] as const)
  : [];
if (decoders.length === 0) test.skip('node-av is not installed: no clips can be made', () => undefined);

describe.each(decoders)('by %s', (decoder) => {
  test('gives the frame shown at each time, also of a variable frame rate', async () => {
    const path = join(folder, `variable-${decoder}.mp4`);
    const pictures = [0, 0.1, 0.45, 1.5, 1.6, 1.7].map((at, i) => ({ at, image: picture(40 * (i + 1)) }));
    await makeClip(path, { pictures });
    const { media, frames } = await framesIn(path, decoder);
    expect(media).toMatchObject({ sound: false, video: { width: 96, height: 64 } });
    const greys = frames.slice(0, 9).map(({ image }) => Math.round(middle(image) / 40));
    expect(greys).toEqual([1, 2, 2, 3, 3, 3, 3, 3, 5]);
    expect(frames[4]!.image).toBe(frames[3]!.image);
    expect(frames.map(({ index }) => index)).toEqual(frames.map((_, i) => i));
  });

  test.each(['mp4', 'webm'])('starts in the middle of %s with the same frames', async (kind) => {
    const path = join(folder, `resumed-${decoder}.${kind}`);
    await makeClip(path, { pictures: steady(4, (at) => 40 + 40 * at) });
    const whole = (await framesIn(path, decoder)).frames;
    const rest = (await framesIn(path, decoder, 0.2, 13)).frames;
    expect(whole).toHaveLength(20);
    expect(rest.map(({ index }) => index)).toEqual(whole.slice(13).map(({ index }) => index));
    for (const [i, { image }] of rest.entries())
      expect(Buffer.compare(image.data, whole[13 + i]!.image.data)).toBe(0);
  });

  test('rotates video that is stored rotated', async () => {
    const path = join(folder, `turned-${decoder}.mp4`);
    await makeClip(path, { pictures: steady(1), turn: 90 });
    const { media, frames } = await framesIn(path, decoder);
    expect(media.video).toEqual({ width: 64, height: 96 });
    const { width, height, data } = frames[0]!.image;
    expect([width, height]).toEqual([64, 96]);
    // Clockwise, the left upper corner becomes the right one.
    expect(data[3 * (5 * width + width - 5)]).toBeGreaterThan(200);
    expect(data[3 * (5 * width + 5)]).toBeLessThan(150);
  });

  test.each(['mp4', 'webm'])('reads an incomplete %s up to its end', async (kind) => {
    const path = join(folder, `whole-${decoder}.${kind}`);
    const noisy = steady(6).map(({ at, image }, i) => ({
      at,
      image: { ...image, data: image.data.map((value, j) => (value + ((j * 31 + i * 17) % 97)) & 255) },
    }));
    await makeClip(path, { pictures: noisy });
    const bytes = await readFile(path);
    const cut = join(folder, `cut-${decoder}.${kind}`);
    await writeFile(cut, bytes.subarray(0, bytes.length / 2));
    const { media, frames } = await framesIn(cut, decoder);
    expect(frames.length).toBeGreaterThan(5);
    expect(frames.length).toBeLessThan(25);
    expect([...media.notes]).toEqual(['truncated']);
  });

  test('gives sound at 16 kHz in one channel', async () => {
    const path = join(folder, `tone-${decoder}.mp4`);
    await makeClip(path, { pictures: steady(1), tone: 1 });
    const media = await openMedia(path, decoder);
    let [samples, crossings, last] = [0, 0, 0];
    for await (const part of media.samples())
      for (const sample of part) {
        samples++;
        if (last < 0 && sample >= 0) crossings++;
        last = sample;
      }
    expect(Math.abs(samples - 16_000)).toBeLessThan(1600);
    // 440 Hz.
    expect(Math.abs(crossings / (samples / 16_000) - 440)).toBeLessThan(15);
  });

  test('gives long silence of a telephone in small parts, in which nobody speaks', async () => {
    const minutes = 3;
    const path = join(folder, `silence-${decoder}.wav`);
    // µ-law at 8 kHz, whose silence is 255.
    const silence = new Uint8Array(minutes * 60 * 8000).fill(255);
    await writeFile(path, wavFile(silence, { encoding: 7, bits: 8, sampleRate: 8000 }));
    const media = await openMedia(path, decoder);
    expect(media).toMatchObject({ sound: true, video: undefined });
    let [samples, longest] = [0, 0];
    const counted = {
      sound: true,
      async *samples() {
        for await (const part of media.samples()) {
          samples += part.length;
          longest = Math.max(longest, part.length);
          yield part;
        }
      },
    };
    const hearing = { info: { labels: { voice: ['joy'] }, priors: {} } };
    for await (const utterance of utterancesOf(hearing as never, counted)) expect(utterance).toBeUndefined();
    expect(Math.abs(samples - minutes * 60 * 16_000)).toBeLessThan(1600);
    expect(longest).toBeLessThan(10 * 16_000);
  });

  test('reports files that are not recordings', async () => {
    const path = join(folder, `text-${decoder}.mp4`);
    await writeFile(path, 'not a video '.repeat(100));
    await expect(openMedia(path, decoder)).rejects.toMatchObject({ code: 'data' });
    await makeClip(path, { pictures: steady(2) });
    // Without its index, which is at the beginning here.
    await writeFile(path, (await readFile(path)).subarray(3000));
    await expect(openMedia(path, decoder)).rejects.toMatchObject({ code: 'data' });
  });
});

test('four quarter turns give the original image', () => {
  const image = picture(7, 8, 4);
  let now = turned(image, 0);
  for (let i = 0; i < 4; i++) now = turned(now, 90);
  expect(now).toEqual(image);
  expect(turned(turned(image, 90), 270)).toEqual(image);
  expect(turned(image, 180)).toEqual(turned(turned(image, 90), 90));
});

test('an invalid path is reported as such', async () => {
  await expect(recordingPath(join(folder, 'absent.mp4'))).rejects.toMatchObject({ code: 'file' });
  await expect(recordingPath(folder)).rejects.toMatchObject({ code: 'file' });
  await expect(recordingPath('https://example.org/a.mp4')).rejects.toMatchObject({ code: 'usage' });
});
