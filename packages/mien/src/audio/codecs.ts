// Decodes compressed recordings with packages that users install beside mien, loaded on first use: one per format, and
// one for containers.
import { messageOf } from 'mien-engine/base';
import { type Container, containerOf, decodeContainer } from './containers.js';
import {
  AudioError,
  checkLength,
  joined,
  MOST_SECONDS,
  notInstalled,
  rethrow,
  type Waveform,
} from './waveform.js';

/** A decoder of one of the packages: `ogg-opus-decoder` and its siblings share this part of their interface. */
interface Decoder {
  readonly ready: Promise<void>;
  decode(bytes: Uint8Array): Decoded | Promise<Decoded>;
  flush?(): Decoded | Promise<Decoded>;
  free(): void;
}

interface Decoded {
  readonly channelData: readonly Float32Array[];
  readonly samplesDecoded: number;
  readonly sampleRate: number;
  readonly errors: readonly { readonly message: string }[];
}

interface Codec {
  readonly title: string;
  readonly package: string;
  create(): Promise<Decoder>;
}

/** By format. The imports are literals, so that bundlers find them; webpack leaves them to the runtime. */
const CODECS = {
  opus: {
    title: 'Ogg Opus',
    package: 'ogg-opus-decoder',
    create: async () =>
      new (await import(/* webpackIgnore: true */ 'ogg-opus-decoder').catch(rethrow)).OggOpusDecoder(),
  },
  vorbis: {
    title: 'Ogg Vorbis',
    package: '@wasm-audio-decoders/ogg-vorbis',
    create: async () =>
      new (
        await import(/* webpackIgnore: true */ '@wasm-audio-decoders/ogg-vorbis').catch(rethrow)
      ).OggVorbisDecoder(),
  },
  flac: {
    title: 'FLAC',
    package: '@wasm-audio-decoders/flac',
    create: async () =>
      new (await import(/* webpackIgnore: true */ '@wasm-audio-decoders/flac').catch(rethrow)).FLACDecoder(),
  },
  mp3: {
    title: 'MP3',
    package: 'mpg123-decoder',
    create: async () =>
      new (await import(/* webpackIgnore: true */ 'mpg123-decoder').catch(rethrow)).MPEGDecoder({
        enableGapless: true,
      }),
  },
} as const satisfies Record<string, Codec>;

type CodecName = keyof typeof CODECS;

/** The first bytes as a string of as many characters. */
const startOf = (bytes: Uint8Array, length: number): string =>
  String.fromCharCode(...bytes.subarray(0, length));

/** The container of a recording by its first bytes, if what is in it needs more than a codec: videos are such files. */
export const containerIn = (bytes: Uint8Array): Container | undefined => containerOf(startOf(bytes, 12));

/**
 * The codec of a recording by its first bytes.
 * @throws AudioError `undecodable` for others.
 */
function codecOf(bytes: Uint8Array): CodecName {
  const start = startOf(bytes, 300);
  if (start.startsWith('fLaC')) return 'flac';
  if (start.startsWith('OggS')) {
    if (start.includes('OpusHead')) return 'opus';
    if (start.includes('\x01vorbis')) return 'vorbis';
    if (start.includes('\x7fFLAC')) return 'flac';
    throw new AudioError('undecodable', 'is an Ogg file without Opus, Vorbis or FLAC');
  }
  // An MPEG header of layer III: eleven set bits, a version that exists, the layer's two bits.
  if (start.startsWith('ID3') || /^\xff[\xe2\xe3\xf2\xf3\xfa\xfb]/.test(start)) return 'mp3';
  throw new AudioError('undecodable', 'is not a recording in a known format', {
    hint: 'Known: WAV, Ogg Opus, Ogg Vorbis, FLAC, MP3, M4A, MP4, WebM, AIFF, AAC, AMR, WMA. Convert others: ffmpeg -i in.xyz out.wav',
  });
}

/** @throws AudioError `no-decoder` that says what to install. */
async function createDecoder(name: CodecName): Promise<Decoder> {
  const { title, package: needed, create } = CODECS[name];
  const decoder: Decoder = await create().catch((cause: unknown) => {
    throw notInstalled(title, needed, cause);
  });
  await decoder.ready;
  return decoder;
}

/** Bytes decoded at a time, so that hours of sound are noticed before they fill the memory. */
const PART = 1 << 16;

/**
 * Decodes a whole recording. What can be decoded of a damaged or incomplete one is returned with
 * `truncated`.
 * @throws AudioError `undecodable` if that is nothing, `too-long`, or `no-decoder`.
 */
export async function decodeCompressed(
  bytes: Uint8Array,
  { maxSeconds = MOST_SECONDS }: { maxSeconds?: number | undefined } = {},
): Promise<Waveform> {
  const container = containerIn(bytes);
  if (container) return decodeContainer(container, bytes, maxSeconds);
  const name = codecOf(bytes);
  const decoder = await createDecoder(name);
  const parts: Decoded[] = [];
  let samples = 0;
  let damage: string | undefined;
  const keep = (part: Decoded): void => {
    damage ??= part.errors[0]?.message;
    if (part.samplesDecoded === 0) return;
    // Chained streams may differ in rate or channels: the first one is read.
    const [first = part] = parts;
    if (part.sampleRate !== first.sampleRate || part.channelData.length !== first.channelData.length) {
      damage ??= 'the format changes';
      return;
    }
    parts.push(part);
    samples += part.samplesDecoded;
    checkLength(samples, part.sampleRate, maxSeconds);
  };
  try {
    for (let at = 0; at < bytes.length; at += PART) keep(await decoder.decode(bytes.subarray(at, at + PART)));
    if (decoder.flush) keep(await decoder.flush());
  } catch (cause) {
    if (cause instanceof AudioError) throw cause;
    damage ??= messageOf(cause);
  } finally {
    decoder.free();
  }
  const [first] = parts;
  if (first === undefined) {
    const reason = damage === undefined ? '' : ` (${damage})`;
    throw new AudioError('undecodable', `cannot be decoded as ${CODECS[name].title}${reason}`);
  }
  const channels = joined(
    parts.map(({ channelData, samplesDecoded }) => channelData.map((c) => c.subarray(0, samplesDecoded))),
  );
  const truncated = damage !== undefined || (name !== 'mp3' && name !== 'flac' && !endsOgg(bytes));
  return { sampleRate: first.sampleRate, channels, ...(truncated ? { truncated } : {}) };
}

/** Whether the last page of an Ogg file is marked as the last. */
function endsOgg(bytes: Uint8Array): boolean {
  for (let at = bytes.length - 27; at >= Math.max(0, bytes.length - 65_307 - 27); at--)
    if (startOf(bytes.subarray(at), 4) === 'OggS') return (bytes[at + 5]! & 4) !== 0;
  return false;
}
