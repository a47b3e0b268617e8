// WAV files for tests, valid and invalid.

export interface WavOptions {
  readonly encoding?: number;
  readonly bits?: number;
  readonly sampleRate?: number;
  readonly channels?: number;
  readonly extensible?: boolean;
  /** Instead of the true sizes. */
  readonly riffSize?: number;
  readonly dataSize?: number;
  readonly blockAlign?: number;
  /** Chunks between the format and the sound, by name. */
  readonly chunks?: readonly (readonly [name: string, bytes: Uint8Array])[];
  readonly bigEndian?: boolean;
}

/** A WAV file around encoded samples. */
export function wavFile(sound: Uint8Array, options: WavOptions = {}): Uint8Array<ArrayBuffer> {
  const {
    encoding = 1,
    bits = 16,
    sampleRate = 16_000,
    channels = 1,
    extensible = false,
    chunks = [],
  } = options;
  const little = !options.bigEndian;
  const block = options.blockAlign ?? (channels * bits) / 8;
  const parts: Uint8Array[] = [];
  const text = (value: string): Uint8Array => new TextEncoder().encode(value);
  const numbers = (...values: readonly (readonly [value: number, bytes: 2 | 4])[]): Uint8Array => {
    const view = new DataView(new ArrayBuffer(values.reduce((sum, [, bytes]) => sum + bytes, 0)));
    let at = 0;
    for (const [value, bytes] of values) {
      if (bytes === 2) view.setUint16(at, value, little);
      else view.setUint32(at, value, little);
      at += bytes;
    }
    return new Uint8Array(view.buffer);
  };
  const chunk = (name: string, content: Uint8Array, size = content.length): void => {
    parts.push(text(name), numbers([size, 4]), content);
    if (content.length % 2 === 1) parts.push(new Uint8Array(1));
  };
  const format: Uint8Array[] = [
    numbers(
      [extensible ? 0xfffe : encoding, 2],
      [channels, 2],
      [sampleRate, 4],
      [(sampleRate * block) >>> 0, 4],
      [block, 2],
      [bits, 2],
    ),
  ];
  // The GUID of an extensible format ends in fixed bytes.
  if (extensible)
    format.push(
      numbers([22, 2], [bits, 2], [0, 4], [encoding, 2]),
      Uint8Array.from([0, 0, 0, 0, 0x10, 0, 0x80, 0, 0, 0xaa, 0, 0x38, 0x9b, 0x71]),
    );
  chunk('fmt ', joined(format));
  for (const [name, bytes] of chunks) chunk(name, bytes);
  chunk('data', sound, options.dataSize);
  const body = joined(parts);
  return joined([
    text(options.bigEndian ? 'RIFX' : 'RIFF'),
    numbers([options.riffSize ?? body.length + 4, 4]),
    text('WAVE'),
    body,
  ]);
}

function joined(parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}

/** Samples as integers of this many bits, the lowest byte first. */
export const integers = (samples: ArrayLike<number>, bits: 16 | 24 | 32): Uint8Array =>
  Uint8Array.from(
    Array.from(samples).flatMap((sample) => {
      const value = Math.round(Math.max(-1, Math.min(1 - 2 ** (1 - bits), sample)) * 2 ** (bits - 1));
      return Array.from({ length: bits / 8 }, (_, byte) => Math.floor(value / 256 ** byte) & 0xff);
    }),
  );

/** A tone. */
export const tone = (
  seconds: number,
  { rate = 16_000, hertz = 440, level = 0.5 }: { rate?: number; hertz?: number; level?: number } = {},
): Float32Array =>
  Float32Array.from(
    { length: Math.round(seconds * rate) },
    (_, i) => level * Math.sin((2 * Math.PI * hertz * i) / rate),
  );
