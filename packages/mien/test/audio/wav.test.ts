// WAV files of every encoding, and those whose headers lie.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { AudioError } from '../../src/audio/waveform.js';
import { isWav, readWav } from '../../src/audio/wav.js';
import { integers, tone, wavFile } from '../../../../test/support/wav.js';

const samples = Float32Array.of(0, 0.5, -0.5, 0.25, -1, 0.125);
const sixteen = integers(samples, 16);

const bytesOf = ({ buffer }: Float32Array | Float64Array): Uint8Array => new Uint8Array(buffer);
const read = (bytes: Uint8Array) => readWav(bytes).channels.map((channel) => [...channel]);

describe('encodings', () => {
  it.each([
    ['16-bit', wavFile(sixteen)],
    ['24-bit', wavFile(integers(samples, 24), { bits: 24 })],
    ['24-bit extensible', wavFile(integers(samples, 24), { bits: 24, extensible: true })],
    ['24 bits in 32', wavFile(integers(samples, 32), { bits: 24, blockAlign: 4, extensible: true })],
    ['32-bit', wavFile(integers(samples, 32), { bits: 32 })],
    ['float', wavFile(bytesOf(samples), { encoding: 3, bits: 32 })],
    ['extensible float', wavFile(bytesOf(samples), { encoding: 3, bits: 32, extensible: true })],
    ['double', wavFile(bytesOf(Float64Array.from(samples)), { encoding: 3, bits: 64 })],
    ['8-bit', wavFile(Uint8Array.of(128, 192, 64, 160, 0, 144), { bits: 8 })],
    [
      'big endian',
      wavFile(
        Uint8Array.from(sixteen, (_, i) => sixteen[i ^ 1]!),
        { bigEndian: true },
      ),
    ],
  ])('%s', (_, file) => {
    expect(isWav(file)).toBe(true);
    expect(read(file)).toEqual([[...samples]]);
  });

  it('µ-law and A-law of the telephone, by the tables of G.711', () => {
    const muLaw = wavFile(Uint8Array.of(0xff, 0x7f, 0x80, 0x00, 0xf0), {
      encoding: 7,
      bits: 8,
      sampleRate: 8000,
    });
    expect(readWav(muLaw).sampleRate).toBe(8000);
    expect(read(muLaw)[0]!.map((x) => x * 32768)).toEqual([0, 0, 32124, -32124, 120]);
    const aLaw = wavFile(Uint8Array.of(0xd5, 0x55, 0xaa, 0x2a, 0xc5), { encoding: 6, bits: 8 });
    expect(read(aLaw)[0]!.map((x) => x * 32768)).toEqual([8, -8, 32256, -32256, 264]);
  });

  it('separates channels', () => {
    expect(read(wavFile(sixteen, { channels: 2 }))).toEqual([
      [0, -0.5, -1],
      [0.5, 0.25, 0.125],
    ]);
  });
});

describe('wrong headers', () => {
  it.each([
    ['a RIFF size of 0', { riffSize: 0 }],
    ['sizes of a pipe', { riffSize: 0xffffffff, dataSize: 0xffffffff }],
    ['a data size of 0', { dataSize: 0 }],
    ['a block of 0 bytes', { blockAlign: 0 }],
    ['a block of twice the bytes', { blockAlign: 4 }],
    ['an impossible block', { blockAlign: 999 }],
    ['chunks of odd sizes in between', { chunks: [['LIST', Uint8Array.of(1, 2, 3)]] as const }],
  ])('reads the sound despite %s', (_, options) => {
    const wave = readWav(wavFile(sixteen, options));
    expect([...wave.channels[0]!]).toEqual([...samples]);
    expect(wave.truncated).toBeUndefined();
  });

  it('reads a file that ends early, and reports it', () => {
    const wave = readWav(wavFile(sixteen, { dataSize: 5000 }));
    expect([...wave.channels[0]!]).toEqual([...samples]);
    expect(wave.truncated).toBe(true);
    expect([...readWav(wavFile(sixteen).subarray(0, -3)).channels[0]!]).toEqual([...samples].slice(0, 4));
  });

  it.each([
    ['0 channels', { channels: 0 }, 'no-sound', /0 channels/],
    ['a sample rate of 0', { sampleRate: 0 }, 'undecodable', /rate of 0 Hz/],
    ['a sample rate of gigahertz', { sampleRate: 4_000_000_000 }, 'undecodable', /rate of 4000000000 Hz/],
    ['65,535 channels', { channels: 65_535, blockAlign: 2 }, 'undecodable', /65535 channels/],
    ['ADPCM', { encoding: 0x11, bits: 4, blockAlign: 256 }, 'undecodable', /IMA ADPCM/],
    ['PCM of 12 bytes a sample', { bits: 96, blockAlign: 12 }, 'undecodable', /96 bits/],
    ['an unknown encoding', { encoding: 0x1234 }, 'undecodable', /encoding 4660/],
  ] as const)('refuses %s', (_, options, fault, message) => {
    const act = () => readWav(wavFile(sixteen, options));
    expect(act).toThrow(message);
    expect(act).toThrow(expect.objectContaining({ fault, code: 'data' }) as Error);
  });

  it('refuses files without format or sound', () => {
    const whole = wavFile(sixteen);
    expect(() => readWav(whole.subarray(0, 12))).toThrow(/no format/);
    expect(() => readWav(whole.subarray(0, 30))).toThrow(AudioError);
    expect(() => readWav(whole.subarray(0, 36))).toThrow(/without sound/);
    expect(() => readWav(whole.subarray(0, 44))).toThrow(/without a sample/);
  });

  it('rejects what is too long before reading it', () => {
    expect(() => readWav(wavFile(integers(tone(2), 16)), { maxSeconds: 1 })).toThrow(
      /longer than the limit of 1 s/,
    );
  });

  it('throws nothing but typed errors, whatever bytes are changed', () => {
    const file = wavFile(integers(tone(0.01), 24), { bits: 24, extensible: true, channels: 2 });
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.nat(70), fc.nat(255)), { maxLength: 6 }),
        fc.nat(file.length),
        (changes, length) => {
          const broken = file.slice(0, length);
          for (const [at, byte] of changes) if (at < length) broken[at] = byte;
          try {
            const { channels, sampleRate } = readWav(broken);
            expect(channels[0]!.length).toBeLessThanOrEqual(file.length);
            expect(sampleRate).toBeGreaterThan(0);
          } catch (error) {
            expect(error).toBeInstanceOf(AudioError);
          }
        },
      ),
      { numRuns: 500, seed: 15 },
    );
  });
});
