// Recordings by node-av, FFmpeg's libraries in this process: a package that users install beside mien.
import type * as Constants from 'node-av/constants';
import type * as Av from 'node-av/lib';
import type { DecodedImage } from '../encoders/encoder.js';
import { SPEECH_RATE } from '../audio/speech.js';
import {
  type Frame,
  LONGEST_FRAME,
  type Media,
  type MediaNote,
  SHORTFALL,
  shownSize,
  turned,
  turnOf,
  unreadable,
} from './media.js';

/** Containers with an index: others are read from the start, since seeking in them is a guess. */
const INDEXED = /mp4|matroska/;
/** Time that FFmpeg does not know. */
const UNKNOWN = -(2n ** 63n);

type Library = typeof Av & typeof Constants;

/** The package, or undefined if it is not installed here. */
export async function loadAv(): Promise<Library | undefined> {
  try {
    const [lib, constants] = await Promise.all([import('node-av/lib'), import('node-av/constants')]);
    const av = { ...lib, ...constants };
    av.Log.setLevel(av.AV_LOG_QUIET);
    return av;
  } catch {
    return undefined;
  }
}

/** @throws MienError `data` if the file is no recording. */
export async function openAv(av: Library, file: string): Promise<Media> {
  const probe = await openFile(av, file);
  const { video, audio, context } = probe;
  const shape = video && shapeOf(video, av);
  const seconds = context.duration > 0n ? Number(context.duration) / 1e6 : undefined;
  await context.closeInput();
  const notes = new Set<MediaNote>();
  /** Notes that a stream ended before the file's stated length. */
  const ended = (at: number): void => {
    if (seconds !== undefined && at < seconds - SHORTFALL) notes.add('truncated');
  };
  return {
    decoder: 'node-av',
    seconds,
    video: shape?.shown.full,
    sound: audio !== undefined,
    notes,
    async *frames(every, from) {
      const open = await openFile(av, file);
      if (!open.video) return;
      try {
        const start = from * every;
        if (from > 0 && INDEXED.test(open.context.iformat?.name ?? '')) await seek(av, open, start);
        ended(yield* shownEvery(av, open, open.video, every, from));
      } finally {
        await open.context.closeInput();
      }
    },
    async *samples() {
      const open = await openFile(av, file);
      if (!open.audio) return;
      try {
        const at = yield* resampled(av, open, open.audio);
        if (shape === undefined) ended(at);
      } finally {
        await open.context.closeInput();
      }
    },
  };
}

interface Open {
  readonly context: Av.FormatContext;
  /** When the recording begins, in seconds on the clock of its streams. */
  readonly begin: number;
  readonly video: Av.Stream | undefined;
  readonly audio: Av.Stream | undefined;
}

async function openFile(av: Library, file: string): Promise<Open> {
  const context = new av.FormatContext();
  // `file:` so that no name is taken for another protocol.
  const opened = await context.openInput(`file:${file}`, null, null);
  if (opened < 0) unreadable(file, av.FFmpegError.strerror(opened));
  const found = await context.findStreamInfo(null);
  const best = (type: Av.Stream['codecpar']['codecType']): Av.Stream | undefined => {
    const index = context.findBestStream(type, -1, -1);
    const stream = index >= 0 ? context.streams[index] : undefined;
    return stream && av.Codec.findDecoder(stream.codecpar.codecId) ? stream : undefined;
  };
  const picture = found < 0 ? undefined : best(av.AVMEDIA_TYPE_VIDEO);
  // The cover of a song is no video.
  const video = picture?.hasDisposition(av.AV_DISPOSITION_ATTACHED_PIC) ? undefined : picture;
  const audio = found < 0 ? undefined : best(av.AVMEDIA_TYPE_AUDIO);
  if (!video && !audio) {
    await context.closeInput();
    unreadable(file, 'it has neither pictures nor sound in a known format');
  }
  const begin = context.startTime === UNKNOWN ? 0 : Number(context.startTime) / 1e6;
  return { context, begin, video, audio };
}

function shapeOf(stream: Av.Stream, av: Library) {
  const { width, height } = stream.codecpar;
  const { num, den } = stream.sampleAspectRatio;
  const turn = turnOf(stream.codecpar.getCodedSideData(av.AV_PKT_DATA_DISPLAYMATRIX));
  return { turn, shown: shownSize({ width, height, aspect: num > 0 && den > 0 ? num / den : 1, turn }) };
}

/** To the last key frame before a time, in seconds. */
async function seek(av: Library, { context, begin, video }: Open, at: number): Promise<void> {
  const { num, den } = video!.timeBase;
  const time = BigInt(Math.floor(((begin + at) * den) / num));
  // The start is a safe place to begin from as well.
  await context.seekFrame(video!.index, time, av.AVSEEK_FLAG_BACKWARD);
}

/** Frames of a stream in the order of their times, in seconds from the recording's begin; each valid until the next. */
async function* decoded(
  av: Library,
  { context, begin }: Open,
  stream: Av.Stream,
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
  const drain = async function* () {
    while ((await decoder.receiveFrame(frame)) >= 0) {
      const time = frame.bestEffortTimestamp;
      yield {
        frame,
        at: time === UNKNOWN ? undefined : Number(time) * unit - begin,
        seconds: Number(frame.duration) * unit,
      };
      frame.unref();
    }
  };
  try {
    if ((await decoder.open2(codec, null)) < 0) return;
    while ((await context.readFrame(packet)) >= 0) {
      // What one packet lacks, the next may have: damage is skipped as players do.
      if (packet.streamIndex === stream.index) {
        await decoder.sendPacket(packet);
        packet.unref();
        yield* drain();
      } else packet.unref();
    }
    await decoder.sendPacket(null);
    yield* drain();
  } finally {
    frame.free();
    packet.free();
    decoder.freeContext();
  }
}

/** What is on screen every `every` seconds from frame `from` on. Returns when the last frame ends. */
async function* shownEvery(
  av: Library,
  open: Open,
  stream: Av.Stream,
  every: number,
  from: number,
): AsyncGenerator<Frame, number, undefined> {
  const { shown, turn } = shapeOf(stream, av);
  const convert = converter(av, shown.scaled);
  const rate = stream.avgFrameRate;
  const usual = rate.num > 0 && rate.den > 0 ? rate.den / rate.num : every;
  const kept = new av.Frame();
  kept.alloc();
  let current: { at: number; image?: DecodedImage } | undefined;
  let index = from;
  let end = 0;
  // Half a nanosecond's worth of tolerance: times are fractions that floats round.
  const until = async function* (time: number): AsyncGenerator<Frame, void, undefined> {
    for (; index * every < time - 1e-9; index++) {
      if (!current || index * every < current.at - 1e-9) continue;
      current.image ??= turned(await convert(kept), turn);
      yield { index, image: current.image };
    }
  };
  try {
    for await (const { frame, at, seconds } of decoded(av, open, stream)) {
      // Times that are missing, or run backwards or away, are damage.
      if (at === undefined || (current && (at < current.at || at > current.at + LONGEST_FRAME))) continue;
      yield* until(at);
      end = at + (seconds > 0 && seconds < LONGEST_FRAME ? seconds : usual);
      kept.unref();
      kept.ref(frame);
      current = { at };
    }
    yield* until(end);
    return end;
  } finally {
    kept.free();
    convert.free();
  }
}

/** Converts frames to RGB pixels of one size. */
function converter(av: Library, { width, height }: { width: number; height: number }) {
  const scaler = new av.SoftwareScaleContext();
  scaler.allocContext();
  const target = new av.Frame();
  const convert = async (frame: Av.Frame): Promise<DecodedImage> => {
    target.alloc();
    [target.width, target.height, target.format] = [width, height, av.AV_PIX_FMT_RGB24];
    target.getBuffer(1);
    await scaler.scaleFrame(target, frame);
    const [stride, row] = [target.linesize[0]!, 3 * width];
    const pixels = target.data![0]!;
    const data = new Uint8Array(row * height);
    for (let y = 0; y < height; y++) data.set(pixels.subarray(y * stride, y * stride + row), y * row);
    target.free();
    return { width, height, data };
  };
  return Object.assign(convert, { free: () => scaler.freeContext() });
}

/** The sound of a stream at 16 kHz in one channel. Returns when it ends, in seconds. */
async function* resampled(
  av: Library,
  open: Open,
  stream: Av.Stream,
): AsyncGenerator<Float32Array, number, undefined> {
  let resampler: Av.SoftwareResampleContext | undefined;
  let shape = '';
  let samples = 0;
  const convert = async (frame: Av.Frame | undefined): Promise<Float32Array> => {
    const room = resampler!.getOutSamples(frame?.nbSamples ?? 0);
    const out = Buffer.alloc(4 * Math.max(1, room));
    const count = await resampler!.convert([out], room, frame?.extendedData ?? null, frame?.nbSamples ?? 0);
    const part = new Float32Array(out.buffer, out.byteOffset, Math.max(0, count)).slice();
    samples += part.length;
    return part;
  };
  try {
    for await (const { frame, at } of decoded(av, open, stream)) {
      const format = `${frame.format} ${frame.sampleRate} ${frame.channels}`;
      if (format !== shape) {
        if (resampler) yield await convert(undefined);
        resampler?.free();
        resampler = new av.SoftwareResampleContext();
        resampler.allocSetOpts2(
          av.AV_CHANNEL_LAYOUT_MONO,
          av.AV_SAMPLE_FMT_FLT,
          SPEECH_RATE,
          frame.channelLayout,
          frame.format as Av.AudioFrame['format'],
          frame.sampleRate,
        );
        resampler.init();
        shape = format;
      }
      // Sound that begins later than the pictures, or has a hole, is preceded by silence.
      const missing = at === undefined ? 0 : Math.round(at * SPEECH_RATE) - samples;
      if (missing > SPEECH_RATE / 10 && missing < LONGEST_FRAME * SPEECH_RATE) {
        for (let rest = missing; rest > 0; rest -= SPEECH_RATE)
          yield new Float32Array(Math.min(rest, SPEECH_RATE));
        samples += missing;
      }
      yield await convert(frame);
    }
    if (resampler) yield await convert(undefined);
    return samples / SPEECH_RATE;
  } finally {
    resampler?.free();
  }
}
