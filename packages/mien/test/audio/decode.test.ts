// Every form of sound, compressed and damaged ones among them, as speech or as a typed error.
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { MienError } from 'mien-engine/base';
import { decodeAudio } from '../../src/audio/decode.js';
import { levelled, trimSilence } from '../../src/audio/level.js';
import { speechOf } from '../../src/audio/speech.js';
import { AudioError, type AudioFault } from '../../src/audio/waveform.js';
import { goldenPath, uniform } from '../../../../test/support/golden.js';
import { integers, tone, wavFile } from '../../../../test/support/wav.js';

const second = tone(1);
const wav = wavFile(integers(second, 16));

/** The fault and the message of what is thrown. */
async function faultOf(act: Promise<unknown>): Promise<{ fault: AudioFault; message: string }> {
  const error = await act.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  expect(error).toBeInstanceOf(AudioError);
  return error as AudioError;
}

const worst = (a: ArrayLike<number>, b: ArrayLike<number>): number =>
  Array.from(a).reduce((most, x, i) => Math.max(most, Math.abs(x - b[i]!)), 0);

describe('forms', () => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'mien-audio-'));
    await writeFile(join(folder, 'a b.wav'), wav);
  });
  afterAll(() => rm(folder, { recursive: true }));

  it.each([
    ['bytes', () => wav],
    ['a buffer', () => wav.slice().buffer],
    ['a Blob', () => new Blob([wav.slice()])],
    ['a path', () => join(folder, 'a b.wav')],
    ['a file URL', () => pathToFileURL(join(folder, 'a b.wav'))],
    ['samples', () => ({ sampleRate: 16_000, data: second })],
    ['samples of two channels', () => ({ sampleRate: 16_000, data: [second, second] })],
    [
      'an AudioBuffer',
      () => ({ sampleRate: 16_000, numberOfChannels: 2, length: 16_000, getChannelData: () => second }),
    ],
  ])('%s', async (_, source) => {
    const { samples, notes } = await decodeAudio(source());
    expect(notes).toEqual([]);
    expect(samples).toHaveLength(16_000);
    expect(worst(samples, second)).toBeLessThan(1e-4);
  });

  it.each([
    ['nothing', undefined, 'undecodable', /undefined is not sound/],
    ['a number', 7, 'undecodable', /a number is not sound/],
    ['an empty string', ' ', 'undecodable', /empty string/],
    ['no bytes', new Uint8Array(), 'no-sound', /no bytes/],
    ['an empty Blob', new Blob([]), 'no-sound', /no bytes/],
    [
      '16-bit samples',
      { sampleRate: 16_000, data: new Int16Array(9) },
      'undecodable',
      /Int16Array[^]*divide/,
    ],
    ['no channels', { sampleRate: 16_000, data: [] }, 'no-sound', /no sample/],
    ['a rate that is none', { sampleRate: NaN, data: second }, 'undecodable', /NaN Hz/],
    [
      'channels of different lengths',
      { sampleRate: 16_000, data: [second, second.subarray(1)] },
      'undecodable',
      /different lengths/,
    ],
    ['a JPEG', Uint8Array.of(0xff, 0xd8, 0xff, 0xe0, 0), 'undecodable', /not a recording/],
    [
      'text in the form of an address',
      'https://example.org/a.wav',
      undefined,
      /not fetched from the network/,
    ],
  ] as const)('refuses %s', async (_, source, fault, message) => {
    const act = decodeAudio(source);
    await expect(act).rejects.toThrow(message);
    await expect(act).rejects.toBeInstanceOf(MienError);
    if (fault) expect((await faultOf(act)).fault).toBe(fault);
  });

  it('names the file in errors', async () => {
    const path = join(folder, 'none.wav');
    await expect(decodeAudio(path)).rejects.toThrow(/none\.wav: cannot read: no such file/);
    const short = join(folder, 'short.wav');
    await writeFile(short, wavFile(integers(tone(0.2), 16)));
    expect((await faultOf(decodeAudio(short))).message).toMatch(
      /short\.wav: lasts 0\.20 s, less than 0\.3 s/,
    );
    await expect(decodeAudio('/dev/zero')).rejects.toThrow(/is a device/);
    expect((await faultOf(decodeAudio(short, { maxBytes: 100 }))).fault).toBe('too-long');
  });
});

describe('compressed recordings', () => {
  const names = ['mono.opus', 'mono.ogg', 'mono.flac', 'stereo.mp3'] as const;
  const contentOf = (name: string): Promise<Uint8Array> => readFile(goldenPath(`sounds/${name}`));
  /** The sound that `make_sounds.py` writes. */
  const made = Float32Array.from({ length: 9600 }, (_, i) => {
    const t = i / 16_000;
    const tones = 0.3 * Math.sin(2 * Math.PI * 440 * t) + 0.2 * Math.sin(2 * Math.PI * 1000 * t);
    return tones * Math.sin((Math.PI * t) / 0.6) ** 2;
  });

  it.each(names)('%s gives the encoded sound, aligned in time', async (name) => {
    const { samples, notes } = await decodeAudio(await contentOf(name));
    expect(notes).toEqual([]);
    expect(Math.abs(samples.length - 9600)).toBeLessThan(100);
    const power = made.reduce((sum, x) => sum + x * x, 0);
    const error = made.reduce((sum, x, i) => sum + (x - (samples[i] ?? 0)) ** 2, 0);
    expect(error / power).toBeLessThan(name === 'mono.opus' ? 0.15 : 0.01);
  });

  it.each(names)('%s gives the part before it is cut off, or a typed error', async (name) => {
    const bytes = await contentOf(name);
    for (const share of [0.02, 0.1, 0.5, 0.8, 0.98]) {
      const cut = bytes.subarray(0, Math.floor(bytes.length * share));
      const result = await decodeAudio(cut, { minSeconds: 0.05 }).catch(
        (error: unknown) => error as AudioError,
      );
      if (result instanceof Error)
        expect(['undecodable', 'no-sound', 'too-short', 'silent']).toContain(result.fault);
      else expect(result.samples.length).toBeLessThanOrEqual(9700);
    }
  });

  it.each(names)('%s survives damage, or gives a typed error', async (name) => {
    const bytes = await contentOf(name);
    const noise = uniform(`damage ${name}`, 64);
    for (let round = 0; round < 8; round++) {
      const broken = Uint8Array.from(bytes);
      for (let k = 0; k < 8; k++) {
        const at = Math.floor(((noise[round * 8 + k]! + 1) / 2) * (bytes.length - 64)) + 64;
        broken[at] = (broken[at]! + 85) & 0xff;
      }
      const result = await decodeAudio(broken).catch((error: unknown) => error);
      if (result instanceof Error) expect(result).toBeInstanceOf(AudioError);
    }
  });

  it.each([
    ['mono.opus', 'OggS\0\x02' + '\0'.repeat(22) + 'OpusHead'],
    ['mono.flac', 'fLaC'],
    ['stereo.mp3', 'ID3'],
  ])('of the format of %s but without content are undecodable', async (_, start) => {
    const bytes = Uint8Array.from(start, (c) => c.charCodeAt(0));
    expect((await faultOf(decodeAudio(bytes))).fault).toBe('undecodable');
  });

  it('stop when they are too long', async () => {
    const act = decodeAudio(await contentOf('mono.opus'), { maxSeconds: 0.5 });
    expect((await faultOf(act)).message).toMatch(/longer than the limit of 0\.5 s/);
  });

  it('say what to install when the decoder is missing', async () => {
    vi.resetModules();
    vi.doMock('mpg123-decoder', () => {
      throw new Error("Cannot find package 'mpg123-decoder'");
    });
    try {
      const fresh = await import('../../src/audio/decode.js');
      const act = fresh.decodeAudio(await contentOf('stereo.mp3'));
      await expect(act).rejects.toMatchObject({ fault: 'no-decoder', code: 'usage' });
      await expect(act).rejects.toThrow(/npm install mpg123-decoder/);
    } finally {
      vi.doUnmock('mpg123-decoder');
      vi.resetModules();
    }
  });
});

describe('invalid sound', () => {
  const speech = (...channels: Float32Array[]) => speechOf({ sampleRate: 16_000, channels });
  const fault = (channels: Float32Array[], options = {}) =>
    faultOf(Promise.resolve().then(() => speechOf({ sampleRate: 16_000, channels }, options)));

  it('rejects silence, also with an offset, and recordings that are short, long or not finite', async () => {
    expect((await fault([new Float32Array(16_000)])).fault).toBe('silent');
    expect((await fault([new Float32Array(16_000).fill(0.3)])).fault).toBe('silent');
    expect((await fault([tone(0.29)])).fault).toBe('too-short');
    expect((await fault([tone(2)], { maxSeconds: 1 })).fault).toBe('too-long');
    expect((await fault([second.with(9, NaN)])).message).toMatch(/sample 9 of channel 0 is NaN/);
    expect((await fault([second, second.with(7, -Infinity)])).message).toMatch(/sample 7 of channel 1/);
  });

  it('removes an offset', () => {
    const { samples, notes } = speech(second.map((x) => x + 0.4));
    expect(notes).toEqual(['offset']);
    expect(worst(samples, second)).toBeLessThan(1e-3);
  });

  it('notes clipping', () => {
    expect(speech(tone(1, { level: 3 }).map((x) => Math.max(-1, Math.min(1, x)))).notes).toEqual(['clipped']);
    expect(speech(tone(1, { level: 1 })).notes).toEqual([]);
  });

  it('leaves out a dead channel, so that the other keeps its level', () => {
    const hum = tone(1, { hertz: 50, level: 1e-4 });
    const { samples, notes } = speech(hum, second);
    expect(notes).toEqual(['dead-channel']);
    expect(worst(samples, second)).toBeLessThan(1e-6);
  });

  it('does not let opposite channels cancel each other out', () => {
    const { samples, notes } = speech(
      second,
      second.map((x) => -0.99 * x),
    );
    expect(notes).toEqual(['opposite-phase']);
    expect(worst(samples, second)).toBeLessThan(1e-6);
  });

  it('averages channels and resamples other rates', () => {
    const left = tone(1, { rate: 192_000 });
    const right = tone(1, { rate: 192_000, hertz: 1000 });
    const { samples } = speechOf({ sampleRate: 192_000, channels: [left, right] });
    const expected = tone(1, { hertz: 1000 }).map((x, i) => (x + second[i]!) / 2);
    expect(worst(samples.subarray(200, -200), expected.subarray(200))).toBeLessThan(1e-3);
  });
});

describe('level and silence', () => {
  const around = (before: number, sound: Float32Array, after: number, level: number): Float32Array => {
    const noise = uniform('room', before + sound.length + after).map((x) => x * level);
    return noise.map((x, i) => x + (sound[i - before] ?? 0));
  };

  it('trims what is 40 dB below the loudest at both ends, and keeps a margin', () => {
    const trimmed = trimSilence(around(16_000, second, 8000, 1e-4));
    expect(trimmed.length).toBeGreaterThanOrEqual(16_000);
    expect(trimmed.length).toBeLessThanOrEqual(16_000 + 6 * 320);
    expect(trimSilence(second)).toHaveLength(16_000);
  });

  it('keeps pauses', () => {
    const paused = new Float32Array(48_000);
    paused.set(second, 0);
    paused.set(second, 32_000);
    expect(trimSilence(paused)).toHaveLength(48_000);
  });

  it('brings speech to one level, whatever its gain and its pauses', () => {
    const quiet = levelled(second.map((x) => x * 1e-3));
    expect(worst(quiet, levelled(second))).toBeLessThan(1e-6);
    expect(10 * Math.log10(quiet.reduce((sum, x) => sum + x * x, 0) / quiet.length)).toBeCloseTo(-26, 3);
    const paused = levelled(around(16_000, second, 16_000, 0));
    expect(worst(paused.subarray(16_000, 32_000), quiet)).toBeLessThan(0.01);
    expect(levelled(new Float32Array(900))).toEqual(new Float32Array(900));
  });
});
