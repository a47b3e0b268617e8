// FFmpeg's libraries in this process, by node-av, a package that users install beside mien: decoded frames, and the sound
// in them.
import type * as Constants from 'node-av/constants';
import type * as Av from 'node-av/lib';
import { rethrow } from './waveform.js';

export type Library = typeof Av & typeof Constants;

/** An open file. */
export interface OpenFile {
  readonly context: Av.FormatContext;
  /** When the recording begins, in seconds on the clock of its streams. */
  readonly begin: number;
}

/** Parts of sound in one form: channels of one length. */
export interface SoundPart {
  /** Samples a second. */
  readonly sampleRate: number;
  readonly channels: readonly Float32Array[];
}

/** FFmpeg's value for a time that it does not know. */
export const UNKNOWN = -(2n ** 63n);
/** A gap between frames that is shorter than this, in seconds, is taken for rounding of their times. */
const LEAST_HOLE = 0.1;
/** One that is longer is taken for a damaged time. */
const LONGEST_HOLE = 3600;

/** The package, with its log turned off. @throws What its import throws if it is not installed here. */
export async function importAv(): Promise<Library> {
  const [lib, constants] = await Promise.all([
    import(/* webpackIgnore: true */ 'node-av/lib').catch(rethrow),
    import(/* webpackIgnore: true */ 'node-av/constants').catch(rethrow),
  ]);
  const av = { ...lib, ...constants };
  av.Log.setLevel(av.AV_LOG_QUIET);
  return av;
}

/** When the streams of a file begin, in seconds on their clock. */
export const beginOf = ({ startTime }: Av.FormatContext): number =>
  startTime === UNKNOWN ? 0 : Number(startTime) / 1e6;

/** The stream of a type that players would choose. */
export function bestStream(
  context: Av.FormatContext,
  type: Av.Stream['codecpar']['codecType'],
): Av.Stream | undefined {
  const index = context.findBestStream(type, -1, -1);
  return index >= 0 ? context.streams[index] : undefined;
}

/**
 * Frames of a stream in the order of their times, in seconds from the recording's begin; each valid until the next.
 * Packets that cannot be decoded are skipped, as players do.
 * @param damaged called with what was unreadable
 */
export async function* decoded(
  av: Library,
  { context, begin }: OpenFile,
  stream: Av.Stream,
  damaged: (error: number) => void = () => undefined,
): AsyncGenerator<{ frame: Av.Frame; at: number | undefined; seconds: number }, void, undefined> {
  const codec = av.Codec.findDecoder(stream.codecpar.codecId)!;
  const decoder = new av.CodecContext();
  const packet = new av.Packet();
  const frame = new av.Frame();
  decoder.allocContext3(codec);
  decoder.parametersToContext(stream.codecpar);
  decoder.pktTimebase = stream.timeBase;
  decoder.threadCount = 0;
  packet.alloc();
  frame.alloc();
  const unit = stream.timeBase.num / stream.timeBase.den;
  // A frame of sound takes less time to decode than to send to another thread and back.
  const isSound = stream.codecpar.codecType === av.AVMEDIA_TYPE_AUDIO;
  const send = (given: Av.Packet | null): number | Promise<number> =>
    isSound ? decoder.sendPacketSync(given) : decoder.sendPacket(given);
  const receive = (): number | Promise<number> =>
    isSound ? decoder.receiveFrameSync(frame) : decoder.receiveFrame(frame);
  const drain = async function* () {
    let state: number;
    while ((state = await receive()) >= 0) {
      const time = frame.bestEffortTimestamp;
      yield {
        frame,
        at: time === UNKNOWN ? undefined : Number(time) * unit - begin,
        seconds: Number(frame.duration) * unit,
      };
      frame.unref();
    }
    if (state !== av.AVERROR_EAGAIN && state !== av.AVERROR_EOF) damaged(state);
  };
  try {
    if ((await decoder.open2(codec, null)) < 0) return;
    let state: number;
    while ((state = await context.readFrame(packet)) >= 0) {
      if (packet.streamIndex === stream.index) {
        const sent = await send(packet);
        if (sent < 0) damaged(sent);
        packet.unref();
        yield* drain();
      } else packet.unref();
    }
    if (state !== av.AVERROR_EOF) damaged(state);
    await send(null);
    yield* drain();
  } finally {
    frame.free();
    packet.free();
    decoder.freeContext();
  }
}

/** The form of sound. */
interface SoundForm {
  /** Samples a second. */
  readonly sampleRate: number;
  readonly channelLayout: Av.Frame['channelLayout'];
}

/**
 * The sound of a stream, with silence where it begins later than the recording or has a hole.
 * @param form what it is converted to, by default the rate and channels of its first frame
 * @param damaged called with what was unreadable
 */
export async function* soundOf(
  av: Library,
  open: OpenFile,
  stream: Av.Stream,
  { form, damaged }: { form?: SoundForm; damaged?: (error: number) => void } = {},
): AsyncGenerator<SoundPart, void, undefined> {
  let target = form;
  let converter: Converter | undefined;
  let shape = '';
  let samples = 0;
  const counted = (part: SoundPart): SoundPart => {
    samples += part.channels[0]?.length ?? 0;
    return part;
  };
  try {
    for await (const { frame, at } of decoded(av, open, stream, damaged)) {
      const { sampleRate, channelLayout } = frame;
      target ??= { sampleRate, channelLayout };
      const now = `${frame.format} ${sampleRate} ${frame.channels}`;
      if (now !== shape) {
        if (converter) yield counted(converter.convert());
        converter?.free();
        converter = converterTo(av, target, frame);
        shape = now;
      }
      const hole = at === undefined ? 0 : Math.round(at * target.sampleRate) - samples;
      if (hole > target.sampleRate * LEAST_HOLE && hole < target.sampleRate * LONGEST_HOLE)
        for (let rest = hole; rest > 0; rest -= target.sampleRate)
          yield counted(silence(target, Math.min(rest, target.sampleRate)));
      yield counted(converter!.convert(frame));
    }
    if (converter) yield counted(converter.convert());
  } finally {
    converter?.free();
  }
}

const silence = ({ sampleRate, channelLayout: { nbChannels } }: SoundForm, length: number): SoundPart => ({
  sampleRate,
  channels: Array.from({ length: nbChannels }, () => new Float32Array(length)),
});

type Converter = ReturnType<typeof converterTo>;

/** Converts frames like the given one. */
function converterTo(av: Library, { sampleRate, channelLayout }: SoundForm, like: Av.Frame) {
  const resampler = new av.SoftwareResampleContext();
  resampler.allocSetOpts2(
    channelLayout,
    av.AV_SAMPLE_FMT_FLTP,
    sampleRate,
    like.channelLayout,
    like.format as Av.AudioFrame['format'],
    like.sampleRate,
  );
  resampler.init();
  return {
    /** What comes out for a frame, or at the end of them. */
    convert(frame?: Av.Frame): SoundPart {
      const [given, length] = [frame?.extendedData ?? null, frame?.nbSamples ?? 0];
      const room = Math.max(1, resampler.getOutSamples(length));
      const planes = Array.from({ length: channelLayout.nbChannels }, () => Buffer.alloc(4 * room));
      const count = Math.max(0, resampler.convertSync(planes, room, given, length));
      const channels = planes.map(({ buffer, byteOffset }) => new Float32Array(buffer, byteOffset, room));
      return { sampleRate, channels: channels.map((samples) => samples.slice(0, count)) };
    },
    free: () => resampler.free(),
  };
}
