// Reads WAV files, including those with wrong headers. Sources: Microsoft's "Multimedia Programming Interface" 1.0 and
// "Multiple Channel Audio Data and WAVE Files"; EBU Tech 3306 (RF64); ITU-T G.711 (A-law and µ-law).
import { AudioError, checkLength, checkRate, type Waveform } from './waveform.js';

/** Encodings by their number in the header. */
const PCM = 1;
const FLOAT = 3;
const A_LAW = 6;
const MU_LAW = 7;
const EXTENSIBLE = 0xfffe;

const OTHER_ENCODINGS: Readonly<Record<number, string>> = {
  2: 'Microsoft ADPCM',
  0x11: 'IMA ADPCM',
  0x31: 'GSM 6.10',
  0x50: 'MPEG',
  0x55: 'MP3',
  0xff: 'AAC',
};

const MOST_CHANNELS = 64;

const bad = (message: string): AudioError =>
  new AudioError('undecodable', `is a WAV file that cannot be read: ${message}`, {
    hint: 'Convert it to 16-bit PCM: ffmpeg -i in.wav -c:a pcm_s16le out.wav',
  });

/** Whether these are the first bytes of a WAV file. */
export const isWav = (bytes: Uint8Array): boolean =>
  ['RIFF', 'RIFX', 'RF64', 'BW64'].includes(tag(bytes, 0)) && tag(bytes, 8) === 'WAVE';

const tag = (bytes: Uint8Array, at: number): string => String.fromCharCode(...bytes.subarray(at, at + 4));

interface Format {
  readonly encoding: number;
  readonly channels: number;
  readonly sampleRate: number;
  /** Bytes of one sample of one channel. */
  readonly width: number;
}

/**
 * The samples of a WAV file: 8 to 32-bit PCM, 32 and 64-bit float, A-law and µ-law, plain or extensible, little or big
 * endian. Sizes in headers are limits at most: the sound ends where the file does, and `truncated` says if that is
 * before the header's end. A writer to a pipe leaves them at 0 or 2³² − 1, which means to the end of the file.
 * @throws AudioError `undecodable`, `no-sound`, or `too-long`.
 */
export function readWav(
  bytes: Uint8Array,
  { maxSeconds }: { maxSeconds?: number | undefined } = {},
): Waveform {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const little = tag(bytes, 0) !== 'RIFX';
  let format: Format | undefined;
  for (let at = 12; at + 8 <= bytes.length;) {
    const name = tag(bytes, at);
    const size = view.getUint32(at + 4, little);
    const start = at + 8;
    const rest = bytes.length - start;
    if (name === 'fmt ')
      format = readFormat(new DataView(view.buffer, view.byteOffset + start, Math.min(size, rest)), little);
    if (name === 'data') {
      if (format === undefined) throw bad('its sound comes before its format');
      const unknown = size === 0xffffffff || (size === 0 && !isChunk(bytes, start));
      const length = unknown ? rest : Math.min(size, rest);
      return samplesOf(view, start, length, format, {
        little,
        maxSeconds,
        truncated: !unknown && size > rest,
      });
    }
    at = start + size + (size & 1);
  }
  throw format === undefined
    ? bad('it has no format')
    : new AudioError('no-sound', 'is a WAV file without sound (no "data" chunk)');
}

/** Whether another chunk begins here: then a size of 0 before it is meant. */
const isChunk = (bytes: Uint8Array, at: number): boolean => /^[\w ]{4}$/.test(tag(bytes, at));

function readFormat(view: DataView, little: boolean): Format {
  if (view.byteLength < 16) throw bad(`its format has ${view.byteLength} bytes instead of 16`);
  const tagged = view.getUint16(0, little);
  const channels = view.getUint16(2, little);
  const sampleRate = view.getUint32(4, little);
  const block = view.getUint16(12, little);
  const bits = view.getUint16(14, little);
  // An extensible format has the encoding in the first bytes of a GUID.
  const encoding = tagged === EXTENSIBLE && view.byteLength >= 26 ? view.getUint16(24, little) : tagged;
  if (channels === 0) throw new AudioError('no-sound', 'is a WAV file of 0 channels');
  if (channels > MOST_CHANNELS) throw bad(`it has ${channels} channels`);
  checkRate(sampleRate);
  const needed = Math.ceil(bits / 8) || (encoding === A_LAW || encoding === MU_LAW ? 1 : 0);
  // Of the block, which may be nonsense, only 24 bits that are stored in 32 are believed.
  const width = needed === 3 && block === 4 * channels ? 4 : needed;
  return { encoding, channels, sampleRate, width };
}

/** Reads a sample, scaled to [−1, 1], at a byte offset. */
type Read = (at: number) => number;

function reader(view: DataView, { encoding, width }: Format, little: boolean): Read {
  if (encoding === PCM) {
    if (width === 1) return (at) => (view.getUint8(at) - 128) / 128;
    if (width === 2) return (at) => view.getInt16(at, little) / 2 ** 15;
    if (width === 3)
      return little
        ? (at) => (view.getUint16(at, true) + view.getInt8(at + 2) * 2 ** 16) / 2 ** 23
        : (at) => (view.getInt8(at) * 2 ** 16 + view.getUint16(at + 1)) / 2 ** 23;
    if (width === 4) return (at) => view.getInt32(at, little) / 2 ** 31;
  }
  if (encoding === FLOAT && width === 4) return (at) => view.getFloat32(at, little);
  if (encoding === FLOAT && width === 8) return (at) => view.getFloat64(at, little);
  if (encoding === MU_LAW && width === 1) return (at) => muLaw(view.getUint8(at));
  if (encoding === A_LAW && width === 1) return (at) => aLaw(view.getUint8(at));
  const name = { [PCM]: 'PCM', [FLOAT]: 'float', [A_LAW]: 'A-law', [MU_LAW]: 'µ-law', ...OTHER_ENCODINGS }[
    encoding
  ];
  throw bad(`${name ?? `encoding ${encoding}`} of ${8 * width} bits is not known`);
}

function muLaw(byte: number): number {
  const code = ~byte & 0xff;
  const magnitude = ((((code & 15) << 3) + 132) << ((code >> 4) & 7)) - 132;
  return (code & 128 ? 0 - magnitude : magnitude) / 2 ** 15;
}

function aLaw(byte: number): number {
  const code = byte ^ 0x55;
  const exponent = (code >> 4) & 7;
  const mantissa = ((code & 15) << 4) + 8;
  const magnitude = exponent === 0 ? mantissa : (mantissa + 256) << (exponent - 1);
  return (code & 128 ? magnitude : -magnitude) / 2 ** 15;
}

function samplesOf(
  view: DataView,
  start: number,
  length: number,
  format: Format,
  { little, maxSeconds, truncated }: { little: boolean; maxSeconds: number | undefined; truncated: boolean },
): Waveform {
  const { channels: count, sampleRate, width } = format;
  const read = reader(view, format, little);
  const frames = Math.floor(length / (count * width));
  if (frames === 0) throw new AudioError('no-sound', 'is a WAV file without a sample');
  checkLength(frames, sampleRate, maxSeconds);
  const channels = Array.from({ length: count }, (_, channel) => {
    const samples = new Float32Array(frames);
    for (let i = 0, at = start + channel * width; i < frames; i++, at += count * width) samples[i] = read(at);
    return samples;
  });
  return { sampleRate, channels, ...(truncated ? { truncated } : {}) };
}
