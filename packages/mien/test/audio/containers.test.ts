// Recordings in containers by node-av: the sound that was encoded, at its own rate; damaged, cut off and hostile files.
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, test, vi } from 'vitest';
import { decodeCompressed } from '../../src/audio/codecs.js';
import { decodeAudio } from '../../src/audio/decode.js';
import { AudioError } from '../../src/audio/waveform.js';
import { openMedia } from '../../src/watch/open-media.js';
import { uniform } from '../../../../test/support/golden.js';
import { canMakeClips, makeClip } from '../watch/clips.js';

/** A whole number of frames of each codec, since the encoders here leave out others. */
const SECONDS = 1.92;
const text = (value: string): Uint8Array => Uint8Array.from(value, (c) => c.charCodeAt(0));

describe.runIf(canMakeClips)('with node-av', () => {
  let folder: string;
  const names = ['m4a', 'webm', 'aiff', 'aac', 'wma'] as const;
  const files = new Map<string, Buffer>();
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'mien-containers-'));
    for (const name of names) {
      const path = join(folder, `tone.${name}`);
      await makeClip(path, { tone: SECONDS });
      files.set(name, await readFile(path));
    }
  });
  afterAll(() => rm(folder, { recursive: true }));
  const contentOf = (name: string): Buffer => files.get(name)!;

  /** Frequency, level and the error to the encoded tone, which is 0 for silence, in parts of its power. */
  function measured(samples: Float32Array, rate: number) {
    const middle = samples.subarray(rate / 4, samples.length - rate / 4);
    const crossings = middle.reduce((n, x, i) => n + Number(i > 0 && middle[i - 1]! < 0 && x >= 0), 0);
    const power = middle.reduce((sum, x) => sum + x * x, 0) / middle.length;
    const error = middle.reduce((sum, x, i) => {
      const t = (i + rate / 4) / rate;
      return sum + (x - 0.3 * Math.sin(2 * Math.PI * 440 * t)) ** 2;
    }, 0);
    return { hertz: (crossings * rate) / middle.length, power, error: error / middle.length / power };
  }

  it.each(names)('reads the encoded tone from %s', async (name) => {
    const { sampleRate, channels, truncated } = await decodeCompressed(contentOf(name));
    expect({ sampleRate, channels: channels.length, truncated }).toEqual({
      sampleRate: 48_000,
      channels: 1,
      truncated: undefined,
    });
    // Raw AAC and WMA do not say how much their encoders added.
    const exact = name !== 'aac' && name !== 'wma';
    expect(Math.abs(channels[0]!.length / 48_000 - SECONDS)).toBeLessThan(exact ? 0.002 : 0.1);
    const { hertz, power, error } = measured(channels[0]!, 48_000);
    expect(Math.abs(hertz - 440)).toBeLessThan(2);
    expect(Math.abs(10 * Math.log10(power / 0.045))).toBeLessThan(0.3);
    if (exact) expect(error).toBeLessThan(0.02);
  });

  it('reads paths and the sound of videos, as speech', async () => {
    const path = join(folder, 'video.mp4');
    const data = new Uint8Array(3 * 64 * 64).fill(90);
    const pictures = [0, 1, 2].map((at) => ({ at, image: { width: 64, height: 64, data } }));
    await makeClip(path, { pictures, tone: SECONDS });
    const { samples, notes } = await decodeAudio(path);
    expect(notes).toEqual([]);
    expect(Math.abs(samples.length - 16_000 * SECONDS)).toBeLessThan(32);
    await makeClip(path, { pictures });
    await expect(decodeAudio(path)).rejects.toMatchObject({
      fault: 'undecodable',
      message: expect.stringMatching(/video\.mp4: is M4A or MP4 without a sound track/),
    });
  });

  it('fills holes in time with silence, which count towards the limit', async () => {
    const path = join(folder, 'hole.webm');
    await makeClip(path, { tone: SECONDS, hole: 1.5 });
    const content = await readFile(path);
    const { channels, truncated } = await decodeCompressed(content);
    expect(truncated).toBeUndefined();
    expect(Math.abs(channels[0]!.length / 48_000 - SECONDS - 1.5)).toBeLessThan(0.05);
    const quiet = channels[0]!.subarray(1.2 * 48_000, 2.4 * 48_000);
    expect(Math.max(...quiet.map(Math.abs))).toBeLessThan(1e-3);
    await expect(decodeCompressed(content, { maxSeconds: 3 })).rejects.toMatchObject({ fault: 'too-long' });
  });

  it.each(names)('stops when %s is too long', async (name) => {
    const act = decodeCompressed(contentOf(name), { maxSeconds: 0.5 });
    await expect(act).rejects.toMatchObject({ fault: 'too-long', code: 'data' });
  });

  it.each(names)('reads %s up to where it is cut off', async (name) => {
    const whole = contentOf(name);
    const { channels, truncated } = await decodeCompressed(whole.subarray(0, whole.length * 0.6));
    expect(truncated).toBe(true);
    expect(channels[0]!.length).toBeGreaterThan(0.3 * 48_000);
    expect(channels[0]!.length).toBeLessThan(1.6 * 48_000);
    for (const share of [0.01, 0.05, 0.3]) {
      const result = await decodeCompressed(whole.subarray(0, whole.length * share)).catch((e: unknown) => e);
      if (result instanceof Error) expect(result).toMatchObject({ fault: 'undecodable' });
    }
  });

  it.each(names)('survives a damaged %s, or gives a typed error', async (name) => {
    const noise = uniform(`damage ${name}`, 64);
    for (let round = 0; round < 8; round++) {
      const broken = Buffer.from(contentOf(name));
      for (let k = 0; k < 8; k++) {
        const at = 12 + Math.floor(((noise[round * 8 + k]! + 1) / 2) * (broken.length - 12));
        broken[at] = (broken[at]! + 85) & 0xff;
      }
      const result = await decodeAudio(broken, { maxSeconds: 10 }).catch((error: unknown) => error);
      if (result instanceof Error) expect(result).toBeInstanceOf(AudioError);
    }
  });

  it('does not believe lengths', async () => {
    const webm = Buffer.from(contentOf('webm'));
    // The element Duration: its identifier, its size of eight bytes, a float of milliseconds.
    const at = webm.indexOf(Uint8Array.of(0x44, 0x89, 0x88)) + 3;
    expect(at).toBeGreaterThan(3);
    webm.writeDoubleBE(1e12, at);
    const claimed = await decodeCompressed(webm);
    expect(claimed.truncated).toBe(true);
    expect(Math.abs(claimed.channels[0]!.length / 48_000 - SECONDS)).toBeLessThan(0.01);
    // One size for a hundred million samples, of which the file has few.
    const m4a = Buffer.from(contentOf('m4a'));
    const sizes = m4a.indexOf('stsz') + 8;
    m4a.writeUInt32BE(1, sizes);
    m4a.writeUInt32BE(100_000_000, sizes + 4);
    await expect(decodeCompressed(m4a)).rejects.toMatchObject({ fault: 'undecodable' });
  });

  it('reads AMR', async () => {
    // Fifty frames of 20 ms in mode 0: a header and twelve bytes.
    const content = Uint8Array.from([...text('#!AMR\n'), ...Array.from({ length: 50 }, () => frame).flat()]);
    const { sampleRate, channels, truncated } = await decodeCompressed(content);
    expect([sampleRate, channels.length, channels[0]!.length, truncated]).toEqual([8000, 1, 8000, undefined]);
  });
  const frame = [4, ...new Uint8Array(12)];

  it.each([
    ['M4A', '\0\0\0 ftypM4A '],
    ['QuickTime', '\0\0\0\x08wide\0\0\0\0mdat'],
    ['WebM', '\x1aE\xdf\xa3'],
    ['AIFF', 'FORM\0\0\0\x20AIFF'],
    ['AAC', '\xff\xf1'],
    ['WMA', '0&\xb2u'],
    ['AMR', '#!AMR\n'],
  ])('rejects what only begins like %s', async (_, start) => {
    // All that follows the start of AMR is sound.
    for (const rest of start.startsWith('#') ? [''] : ['', 'garbage '.repeat(500)])
      await expect(decodeAudio(text(start + rest))).rejects.toMatchObject({ fault: 'undecodable' });
  });
});

test('a text that looks like a box of MP4 is none', async () => {
  await expect(decodeAudio(text('the free lunch'))).rejects.toThrow(/not a recording in a known format/);
});

test('says what to install when node-av is missing, and watch does not take a video for sound', async () => {
  vi.resetModules();
  vi.doMock('node-av/lib', () => {
    throw new Error("Cannot find package 'node-av'");
  });
  try {
    const fresh = await import('../../src/audio/decode.js');
    const act = fresh.decodeAudio(text('\0\0\0 ftypM4A '));
    await expect(act).rejects.toMatchObject({ fault: 'no-decoder', code: 'usage' });
    await expect(act).rejects.toThrow(/is M4A or MP4, for which node-av[^]*npm install node-av/);
  } finally {
    vi.doUnmock('node-av/lib');
    vi.resetModules();
  }
  const folder = await mkdtemp(join(tmpdir(), 'mien-containers-'));
  try {
    const path = join(folder, 'a.mp4');
    await writeFile(path, text('\0\0\0 ftypisom'));
    await expect(openMedia(path, 'mien')).rejects.toThrow(/decoder of videos[^]*node-av[^]*ffmpeg/);
  } finally {
    await rm(folder, { recursive: true });
  }
});
