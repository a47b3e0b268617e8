// Recordings by node-av, frames and sound, from files of any length.
import type * as Av from 'node-av/lib';
import type { DecodedImage } from '../encoders/encoder.js';
import { beginOf, bestStream, decoded, type Library, type OpenFile, soundOf } from '../audio/av.js';
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
        const at = yield* speechIn(av, open, open.audio);
        if (shape === undefined) ended(at);
      } finally {
        await open.context.closeInput();
      }
    },
  };
}

interface Open extends OpenFile {
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
    const stream = bestStream(context, type);
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
  return { context, begin: beginOf(context), video, audio };
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

/** The sound of a stream as encoders read it. Returns when it ends, in seconds. */
async function* speechIn(
  av: Library,
  open: Open,
  stream: Av.Stream,
): AsyncGenerator<Float32Array, number, undefined> {
  const form = { sampleRate: SPEECH_RATE, channelLayout: av.AV_CHANNEL_LAYOUT_MONO };
  let samples = 0;
  for await (const { channels } of soundOf(av, open, stream, { form })) {
    const [part] = channels;
    samples += part!.length;
    yield part!;
  }
  return samples / SPEECH_RATE;
}
