// Recordings by the programs `ffmpeg` and `ffprobe`, if they are installed: decoded in a process of their own.
import { type ChildProcessByStdio, execFile, spawn } from 'node:child_process';
import type { Readable } from 'node:stream';
import { promisify } from 'node:util';
import { messageOf, MienError } from 'mien-engine/base';
import type { DecodedImage } from '../encoders/encoder.js';
import { SPEECH_RATE } from '../audio/speech.js';
import { type Frame, type Media, type MediaNote, SHORTFALL, shownSize, unreadable } from './media.js';

const run = promisify(execFile);
/** Milliseconds for reading a file's header, and most characters that describe it. */
const PATIENCE = 60_000;
const MOST_OUTPUT = 16 * 1024 * 1024;

/** Whether both programs can be started. */
export const hasFfmpeg = (): Promise<boolean> =>
  Promise.all(['ffmpeg', 'ffprobe'].map((name) => run(name, ['-version'], { timeout: PATIENCE }))).then(
    () => true,
    () => false,
  );

/** What is used of ffprobe's description. */
interface Probed {
  readonly streams?: readonly ProbedStream[];
  readonly format?: { readonly duration?: string };
}
interface ProbedStream {
  readonly index: number;
  readonly codec_type?: string;
  readonly codec_name?: string;
  readonly width?: number;
  readonly height?: number;
  readonly sample_aspect_ratio?: string;
  readonly side_data_list?: readonly { readonly rotation?: number }[];
  readonly disposition?: { readonly attached_pic?: number };
}

/** @throws MienError `data` if the file is no recording. */
export async function openFfmpeg(file: string): Promise<Media> {
  const address = `file:${file}`;
  const { stdout } = await run(
    'ffprobe',
    ['-v', 'error', '-show_streams', '-show_format', '-of', 'json', address],
    { timeout: PATIENCE, maxBuffer: MOST_OUTPUT },
  ).catch((cause: unknown) => unreadable(file, reasonOf(cause), cause));
  const { streams = [], format } = JSON.parse(stdout) as Probed;
  const ofType = (type: string): ProbedStream | undefined =>
    streams.find(
      ({ codec_type, codec_name, disposition }) =>
        codec_type === type && codec_name !== undefined && disposition?.attached_pic !== 1,
    );
  const [video, audio] = [ofType('video'), ofType('audio')];
  if (!video && !audio) unreadable(file, 'it has neither pictures nor sound in a known format');
  const shown = video && shapeOf(video);
  const seconds = Number(format?.duration) > 0 ? Number(format?.duration) : undefined;
  const notes = new Set<MediaNote>();
  const ended = (at: number): void => {
    if (seconds !== undefined && at < seconds - SHORTFALL) notes.add('truncated');
  };
  const decode = (stream: ProbedStream, output: readonly string[]) =>
    outputOf(['-i', address, '-map', `0:${stream.index}`, ...output, 'pipe:1'], file);
  return {
    decoder: 'ffmpeg',
    seconds,
    video: shown?.full,
    sound: audio !== undefined,
    notes,
    async *frames(every, from): AsyncGenerator<Frame, void, undefined> {
      if (!video || !shown) return;
      const { width, height } = shown.scaled;
      const filter = [
        // The last picture that began before each time; all from the start, so that a resumed run has the same ones.
        `fps=fps=1/${every}:start_time=0:round=up`,
        `select=gte(n\\,${from})`,
        `scale=${width}:${height}:flags=area`,
      ].join(',');
      const output = ['-vf', filter, '-fps_mode', 'passthrough', '-pix_fmt', 'rgb24', '-f', 'rawvideo'];
      let last: DecodedImage | undefined;
      let index = from;
      for await (const data of sized(decode(video, output), 3 * width * height)) {
        if (!last || !data.equals(last.data)) last = { width, height, data };
        yield { index: index++, image: last };
      }
      ended(index * every);
    },
    async *samples() {
      if (!audio) return;
      let samples = 0;
      const output = [
        '-af',
        'aresample=async=1:first_pts=0',
        '-ac',
        '1',
        '-ar',
        String(SPEECH_RATE),
        '-f',
        'f32le',
      ];
      for await (const part of sized(decode(audio, output), 4 * SPEECH_RATE, 4)) {
        samples += part.length / 4;
        yield new Float32Array(Uint8Array.from(part).buffer);
      }
      if (!video) ended(samples / SPEECH_RATE);
    },
  };
}

function shapeOf({ width = 0, height = 0, sample_aspect_ratio = '', side_data_list = [] }: ProbedStream) {
  const [num = 0, den = 0] = sample_aspect_ratio.split(':').map(Number);
  // Counter-clockwise; ffmpeg undoes it before the first filter.
  const rotation = side_data_list.find(({ rotation }) => rotation !== undefined)?.rotation ?? 0;
  const turn = (((Math.round(-rotation / 90) * 90) % 360) + 360) % 360;
  const { scaled, full } = shownSize({ width, height, aspect: num > 0 && den > 0 ? num / den : 1, turn });
  const isUpright = turn % 180 === 0;
  return { full, scaled: isUpright ? scaled : { width: scaled.height, height: scaled.width } };
}

/** What ffmpeg writes for these arguments. It is ended if the reader stops early. */
async function* outputOf(args: readonly string[], file: string): AsyncGenerator<Buffer, void, undefined> {
  const child: ChildProcessByStdio<null, Readable, Readable> = spawn(
    'ffmpeg',
    ['-v', 'error', '-nostdin', ...args],
    { stdio: ['ignore', 'pipe', 'pipe'] },
  );
  let complaint = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    if (complaint.length < 1000) complaint += text;
  });
  const exit = new Promise<number | null>((resolve, reject) => {
    child.on('error', reject).on('close', resolve);
  });
  let read = 0;
  try {
    for await (const chunk of child.stdout as AsyncIterable<Buffer>) {
      read += chunk.length;
      yield chunk;
    }
    const code = await exit;
    // Of a damaged file what there is is read.
    if (code !== 0 && read === 0)
      unreadable(file, complaint.trim().split('\n').at(-1) ?? `ffmpeg ended with ${code}`);
  } catch (cause) {
    if (cause instanceof MienError) throw cause;
    throw new MienError('file', `cannot be decoded by ffmpeg (${messageOf(cause)})`, { file, cause });
  } finally {
    child.kill('SIGKILL');
    exit.catch(() => undefined);
  }
}

/** Parts of `size` bytes; the last one is shorter, down to a multiple of `least`, or left out. */
async function* sized(
  chunks: AsyncIterable<Buffer>,
  size: number,
  least = size,
): AsyncGenerator<Buffer, void, undefined> {
  let part = Buffer.allocUnsafe(size);
  let filled = 0;
  for await (const chunk of chunks)
    for (let at = 0; at < chunk.length;) {
      const taken = chunk.copy(part, filled, at);
      at += taken;
      filled += taken;
      if (filled < size) continue;
      yield part;
      [part, filled] = [Buffer.allocUnsafe(size), 0];
    }
  const rest = filled - (filled % least);
  if (rest > 0) yield part.subarray(0, rest);
}

/** The last line that the program printed, which says what is wrong. */
function reasonOf(cause: unknown): string {
  const { stderr } = cause as { readonly stderr?: string };
  return stderr?.trim().split('\n').at(-1) || messageOf(cause);
}
