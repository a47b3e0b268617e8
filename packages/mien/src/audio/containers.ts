// Decodes the sound of containers that need more than a codec, videos among them, by node-av (`av.ts`).
import type * as Av from 'node-av/lib';
import { messageOf } from 'mien-engine/base';
import { beginOf, bestStream, importAv, type Library, type OpenFile, soundOf, UNKNOWN } from './av.js';
import { AudioError, checkLength, checkRate, joined, notInstalled, type Waveform } from './waveform.js';

/** A kind of file that holds sound. */
export interface Container {
  readonly title: string;
  /** FFmpeg's name of what reads it: no other is tried, since some of them open further files. */
  readonly demuxer: string;
  /** Whether its length is stated, and not guessed from the size of the file. */
  readonly statesLength: boolean;
  /** Whether these are the first characters of one. */
  readonly matches: (start: string) => boolean;
}

const CONTAINERS: readonly Container[] = [
  {
    title: 'M4A or MP4',
    demuxer: 'mov',
    statesLength: true,
    // Old QuickTime files begin with another box; the first byte of its size is 0, which no text begins with.
    matches: (start) => /^(?:[^]{4}(?:ftyp|mdat)|\0[^]{3}(?:moov|wide|free|skip))/.test(start),
  },
  {
    title: 'WebM or Matroska',
    demuxer: 'matroska',
    statesLength: true,
    matches: (start) => start.startsWith('\x1aE\xdf\xa3'),
  },
  {
    title: 'AIFF',
    demuxer: 'aiff',
    statesLength: true,
    matches: (start) => /^FORM[^]{4}AIF[FC]/.test(start),
  },
  {
    title: 'AAC',
    demuxer: 'aac',
    statesLength: false,
    matches: (start) => /^\xff[\xf0\xf1\xf8\xf9]/.test(start),
  },
  {
    title: 'WMA',
    demuxer: 'asf',
    statesLength: true,
    matches: (start) => start.startsWith('0&\xb2u'),
  },
  {
    title: 'AMR',
    demuxer: 'amr',
    statesLength: false,
    matches: (start) => start.startsWith('#!AMR'),
  },
];

/** The kind of container by the first bytes of a file as characters, if it is one. */
export const containerOf = (start: string): Container | undefined =>
  CONTAINERS.find(({ matches }) => matches(start));

/** Sound may end so many seconds before the length that its file states, because of padding and rounded times. */
const SHORTFALL = 0.25;
/** Most samples a second of all channels together: a few bytes may claim 255 channels of silence. */
const MOST_SAMPLES = 1 << 20;
/** Bytes that FFmpeg reads at a time. */
const PART = 1 << 16;

const HINT = 'A recording that was cut off before its end may lack its index: save it again, or convert it.';

/**
 * Decodes the sound of a whole recording at its own rate, without the samples that its encoder added, if the file states
 * them. Gaps between its frames become silence. What can be decoded of a damaged or incomplete one is returned with
 * `truncated`.
 * @throws AudioError `undecodable` if that is nothing or there is no sound track, `too-long`, or `no-decoder`.
 */
export async function decodeContainer(
  container: Container,
  bytes: Uint8Array,
  maxSeconds: number,
): Promise<Waveform> {
  const { title } = container;
  const av = await importAv().catch((cause: unknown) => {
    throw notInstalled(title, 'node-av', cause);
  });
  const open = await openBytes(av, container, bytes);
  try {
    return await soundIn(av, container, open, maxSeconds);
  } catch (cause) {
    if (cause instanceof AudioError) throw cause;
    throw undecodable(title, messageOf(cause), cause);
  } finally {
    await open.close();
  }
}

const undecodable = (title: string, reason: string, cause?: unknown): AudioError =>
  new AudioError('undecodable', `cannot be decoded as ${title} (${reason})`, { cause, hint: HINT });

interface OpenBytes extends OpenFile {
  close(): Promise<void>;
}

/** Opens a file in memory: FFmpeg itself opens nothing. */
async function openBytes(av: Library, { title, demuxer }: Container, bytes: Uint8Array): Promise<OpenBytes> {
  const content = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let position = 0;
  const read = (size: number): Buffer | null => {
    const part = content.subarray(position, position + size);
    position += part.length;
    return part.length > 0 ? part : null;
  };
  const seek = (offset: bigint, whence: number): bigint => {
    if (whence === av.AVSEEK_SIZE) return BigInt(content.length);
    const from = whence === av.AVSEEK_CUR ? position : whence === av.AVSEEK_END ? content.length : 0;
    position = Math.max(0, Math.min(content.length, from + Number(offset)));
    return BigInt(position);
  };
  const source = new av.IOContext();
  source.allocContextWithCallbacks(PART, 0, read, null, seek);
  const context = new av.FormatContext();
  context.allocContext();
  context.pb = source;
  context.setFlags(av.AVFMT_FLAG_CUSTOM_IO);
  const close = async (): Promise<void> => {
    // Otherwise it would be freed twice.
    context.pb = null;
    await context.closeInput();
    source.freeContext();
  };
  const opened = await context.openInput('', av.InputFormat.findInputFormat(demuxer), null);
  if (opened < 0) {
    source.freeContext();
    throw undecodable(title, av.FFmpegError.strerror(opened));
  }
  // Pictures are neither read nor decoded, not even to find out their size.
  for (const stream of context.streams)
    if (stream.codecpar.codecType !== av.AVMEDIA_TYPE_AUDIO) stream.discard = av.AVDISCARD_ALL;
  const found = await context.findStreamInfo(null);
  if (found < 0) {
    await close();
    throw undecodable(title, av.FFmpegError.strerror(found));
  }
  return { context, begin: beginOf(context), close };
}

async function soundIn(
  av: Library,
  { title, statesLength }: Container,
  open: OpenFile,
  maxSeconds: number,
): Promise<Waveform> {
  const stream = bestStream(open.context, av.AVMEDIA_TYPE_AUDIO);
  if (!stream) throw new AudioError('undecodable', `is ${title} without a sound track`);
  if (!av.Codec.findDecoder(stream.codecpar.codecId)) throw undecodable(title, 'its codec is not known');
  let damage: number | undefined;
  const damaged = (error: number): void => {
    damage ??= error;
  };
  const parts: Float32Array[][] = [];
  let samples = 0;
  let sampleRate = 0;
  for await (const part of soundOf(av, open, stream, { damaged })) {
    ({ sampleRate } = part);
    checkRate(sampleRate);
    const { length } = part.channels;
    if (length * sampleRate > MOST_SAMPLES)
      throw undecodable(title, `${length} channels of ${sampleRate} Hz are more than are read`);
    const [{ length: count } = { length: 0 }] = part.channels;
    if (count === 0) continue;
    parts.push([...part.channels]);
    samples += count;
    checkLength(samples, sampleRate, maxSeconds);
  }
  if (parts.length === 0)
    throw undecodable(title, damage === undefined ? 'no sound in it' : av.FFmpegError.strerror(damage));
  const stated = statesLength ? statedLength(av, open.context, stream) : undefined;
  const isShort = stated !== undefined && samples / sampleRate < stated - SHORTFALL;
  const truncated = damage !== undefined || isShort;
  return { sampleRate, channels: joined(parts), ...(truncated ? { truncated } : {}) };
}

/** The length of a stream in seconds as its file states it, or that of a file with no other streams. */
function statedLength(av: Library, context: Av.FormatContext, stream: Av.Stream): number | undefined {
  const { duration, timeBase } = stream;
  if (duration !== UNKNOWN) return (Number(duration) * timeBase.num) / timeBase.den;
  const isAlone = context.streams.every(({ codecpar }) => codecpar.codecType !== av.AVMEDIA_TYPE_VIDEO);
  return isAlone && context.duration !== UNKNOWN ? Number(context.duration) / 1e6 : undefined;
}
