// What a sound or video file tells over time: its sound is cut at pauses, frames are taken of its pictures, and both are
// recognised.
import {
  isRecognition,
  type Probabilities,
  type RawAudio,
  type Recognition,
  type Result,
} from 'mien/browser';
import { AudioError, averageFrames, decodeAudio, SPEECH_RATE, speechSegments } from 'mien/page';
import type { Sample } from './chart.js';
import type { Engine } from './engine.js';
import { modalities, modalitiesIn, reads } from './modalities.js';

/** An utterance; times are in seconds. */
interface Utterance {
  readonly start: number;
  readonly end: number;
  readonly audio: RawAudio;
  readonly result: Result;
}

/** A frame, recognised together with what is said at its time. */
interface RecognisedFrame {
  /** In seconds. */
  readonly time: number;
  readonly result: Result;
}

export interface Recorded {
  readonly seconds: number;
  /** Seconds from one frame to the next. */
  readonly every: number;
  /** In pixels, as frames were recognised; undefined without pictures. */
  readonly size: { readonly width: number; readonly height: number } | undefined;
  readonly utterances: readonly Utterance[];
  readonly frames: readonly RecognisedFrame[];
  /** What could not be read, in sentences. */
  readonly notes: readonly string[];
}

export interface RecordingOptions {
  readonly framesPerSecond: number;
  readonly signal: AbortSignal;
  /** Called with what is known so far, and the share that is done. */
  readonly onProgress: (soFar: Recorded, share: number) => void;
}

/** Longer recordings are for `mien watch`: sound is decoded as a whole. */
const MOST_SECONDS = 600;
const MOST_BYTES = 1e9;
/** Wider frames are scaled down, as the camera's are. */
const MAX_WIDTH = 640;
/** Milliseconds after which a player that does not answer has failed. */
const PATIENCE = 20_000;

const TOO_LONG = `The recording is longer than ${MOST_SECONDS / 60} minutes; the command mien watch reads such recordings.`;

/**
 * Recognises a recording that a player has been given.
 * @throws Error with a message for the user; the signal's reason if it is aborted.
 */
export async function recognizeRecording(
  file: Blob,
  film: HTMLVideoElement,
  engine: Engine,
  options: RecordingOptions,
): Promise<Recorded> {
  const { signal, onProgress } = options;
  if (file.size > MOST_BYTES) throw new Error(TOO_LONG);
  const plays = await metadata(film);
  signal.throwIfAborted();
  if (plays && film.duration > MOST_SECONDS) throw new Error(TOO_LONG);
  const hasPictures = plays && film.videoWidth > 0;
  const seesFaces = hasPictures && reads('face');
  const sound = await soundOf(file, hasPictures);
  signal.throwIfAborted();
  const samples = sound.samples ?? new Float32Array(0);
  let recorded: Recorded = {
    seconds: Math.max(plays ? film.duration : 0, samples.length / SPEECH_RATE),
    every: 1 / options.framesPerSecond,
    size: hasPictures ? sizeOf(film) : undefined,
    utterances: [],
    frames: [],
    notes: sound.note === undefined ? [] : [sound.note],
  };
  // Sound takes little of the time if there are pictures too.
  const shareOfSound = seesFaces ? 0.1 : 1;
  const segments = await speechSegments(samples);
  for (const [i, { start, end, samples: data }] of segments.entries()) {
    const audio = { sampleRate: SPEECH_RATE, data };
    const utterance = { start, end, audio, result: await engine.recognize({ audio }) };
    signal.throwIfAborted();
    recorded = { ...recorded, utterances: [...recorded.utterances, utterance] };
    onProgress(recorded, (shareOfSound * (i + 1)) / segments.length);
  }
  if (seesFaces) {
    const sofar = recorded;
    const frames = await recognizeFrames(film, engine, sofar, signal, (some, share) =>
      onProgress({ ...sofar, frames: some }, shareOfSound + (1 - shareOfSound) * share),
    );
    const notes = frames.length > 0 ? [] : ['The pictures of this video cannot be read.'];
    recorded = { ...sofar, frames, notes: [...sofar.notes, ...notes] };
  }
  if (!seesFaces && !sound.samples) throw new Error(sound.note);
  return recorded;
}

async function recognizeFrames(
  film: HTMLVideoElement,
  engine: Engine,
  { seconds, every, utterances }: Recorded,
  signal: AbortSignal,
  onFrame: (frames: readonly RecognisedFrame[], share: number) => void,
): Promise<readonly RecognisedFrame[]> {
  const average = averageFrames();
  const frames: RecognisedFrame[] = [];
  // Sound may be longer than the pictures.
  for (let time = 0; time < Math.min(seconds, film.duration); time = frames.length * every) {
    if (!(await seek(film, time))) break;
    const image = await pictureOf(film);
    signal.throwIfAborted();
    if (!image) break;
    const audio = utteranceAt(utterances, time)?.audio;
    const at = Math.round(1000 * time);
    const result = await engine.recognize({ image, at, ...(audio ? { audio } : {}) });
    signal.throwIfAborted();
    frames.push({ time, result: average(result, at) });
    onFrame(frames, Math.min(1, (time + every) / seconds));
  }
  return frames;
}

/** Players round times, in seconds. */
const ROUNDING = 1e-3;

/** The utterance at a time in which a voice was recognised. */
const utteranceAt = (utterances: readonly Utterance[], time: number): Utterance | undefined =>
  utterances.find(
    ({ start, end, result }) => start <= time + ROUNDING && time < end && isRecognition(result),
  );

/** What is known of a time: of its frame if there is one, else of what is said. */
export function resultAt({ frames, utterances, every }: Recorded, time: number): Result | undefined {
  const frame = frames[Math.floor((time + ROUNDING) / every)];
  if (frame && isRecognition(frame.result)) return frame.result;
  return utteranceAt(utterances, time)?.result ?? frame?.result;
}

/** The first time of which something is known, to start with. */
export function startOf(recorded: Recorded): number {
  const isKnown = ({ result }: { readonly result: Result }): boolean => isRecognition(result);
  const times = [
    recorded.frames.find(isKnown)?.time ?? Infinity,
    recorded.utterances.find(isKnown)?.start ?? Infinity,
  ];
  const first = Math.min(...times);
  return first === Infinity ? 0 : first;
}

/** Sound at 16 kHz, or why there is none. */
async function soundOf(
  file: Blob,
  hasPictures: boolean,
): Promise<{ readonly samples?: Float32Array; readonly note?: string }> {
  if (!reads('voice'))
    return {
      note: hasPictures ? 'This model hears no voices: only faces are read.' : 'This model hears no voices.',
    };
  try {
    const { samples } = await decodeAudio(file, { maxSeconds: MOST_SECONDS });
    return { samples };
  } catch (cause) {
    const { fault } = cause instanceof AudioError ? cause : { fault: 'undecodable' as const };
    if (fault === 'too-long') throw new Error(TOO_LONG, { cause });
    const of = hasPictures ? 'The video' : 'The recording';
    if (fault === 'silent' || fault === 'no-sound') return { note: `${of} is silent.` };
    if (fault === 'too-short') return { note: `${of} is too short to hear a voice in it.` };
    if (hasPictures) return { note: 'The video has no sound that this browser can read.' };
    throw new Error(
      'This browser cannot read that as a recording. WAV, MP3, M4A, MP4 and WebM usually work.',
      { cause },
    );
  }
}

/** Whether the browser plays the file; its size and length are known then. */
async function metadata(film: HTMLVideoElement): Promise<boolean> {
  if (film.readyState < film.HAVE_CURRENT_DATA && !(await happens(film, 'loadeddata'))) return false;
  if (Number.isFinite(film.duration)) return true;
  // Recorders of browsers do not state the length: it is known once the end was reached.
  film.currentTime = Number.MAX_SAFE_INTEGER;
  return (await happens(film, 'seeked')) && Number.isFinite(film.duration);
}

/** Whether the picture at a time is there. */
async function seek(film: HTMLVideoElement, time: number): Promise<boolean> {
  film.currentTime = time;
  if (!(await happens(film, 'seeked'))) return false;
  return film.readyState >= film.HAVE_CURRENT_DATA || happens(film, 'canplay');
}

/** Whether an event comes before an error and in good time. */
function happens(film: HTMLVideoElement, name: 'loadeddata' | 'seeked' | 'canplay'): Promise<boolean> {
  if (film.error) return Promise.resolve(false);
  const done = new AbortController();
  return new Promise<boolean>((resolve) => {
    const { signal } = done;
    film.addEventListener(name, () => resolve(true), { signal });
    film.addEventListener('error', () => resolve(false), { signal });
    const timer = setTimeout(() => resolve(false), PATIENCE);
    signal.addEventListener('abort', () => clearTimeout(timer));
  }).finally(() => done.abort());
}

/** The picture that is shown; undefined if there is none. Chromium may say that it is ready some time before it is. */
async function pictureOf(film: HTMLVideoElement): Promise<ImageBitmap | undefined> {
  for (let attempt = 0; attempt < 40; attempt++) {
    const image = await createImageBitmap(film, resized(film)).catch(() => undefined);
    if (image) return image;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  return undefined;
}

function sizeOf({ videoWidth, videoHeight }: HTMLVideoElement): { width: number; height: number } {
  const scale = Math.min(1, MAX_WIDTH / videoWidth);
  return { width: Math.round(videoWidth * scale), height: Math.max(1, Math.round(videoHeight * scale)) };
}

function resized(film: HTMLVideoElement): ImageBitmapOptions {
  const { width, height } = sizeOf(film);
  return width < film.videoWidth ? { resizeWidth: width, resizeHeight: height } : {};
}

/** A row of the timeline: posteriors of one modality, or of all together, in runs without gaps. */
export interface Lane {
  /** Of its column on the page; undefined for the answer of all. */
  readonly name: string | undefined;
  readonly runs: readonly (readonly Sample[])[];
}

/** The rows that a recording has: all together if two modalities are there at a time, then each. */
export function lanesOf({ frames, utterances, every, seconds }: Recorded): Lane[] {
  const overFrames = (of: (result: Recognition) => Probabilities | undefined): Sample[][] => {
    const runs: Sample[][] = [];
    let last = -1;
    frames.forEach(({ time, result }, i) => {
      const probabilities = isRecognition(result) ? of(result) : undefined;
      if (!probabilities) return;
      if (last !== i - 1 || runs.length === 0) runs.push([]);
      last = i;
      runs.at(-1)!.push({ time, probabilities });
    });
    // A frame stands until the next.
    return runs.map((run) => {
      const end = run.at(-1)!;
      return [...run, { ...end, time: Math.min(seconds, end.time + every) }];
    });
  };
  const voiceRuns = utterances.flatMap(({ start, end, result }) => {
    const probabilities = isRecognition(result) ? result.voice?.probabilities : undefined;
    return probabilities ? [[start, end].map((time) => ({ time, probabilities }))] : [];
  });
  const several = frames.some(({ result }) => isRecognition(result) && modalitiesIn(result).length > 1);
  const lanes: Lane[] = modalities().map(({ name, column }) => ({
    name: column,
    runs: name === 'voice' ? voiceRuns : overFrames((result) => result[name]?.probabilities),
  }));
  const together: Lane[] = several
    ? [{ name: undefined, runs: overFrames(({ probabilities }) => probabilities) }]
    : [];
  return [...together, ...lanes].filter(({ runs }) => runs.length > 0);
}

/** A stretch of a lane with one most probable label; times are in seconds. */
export interface Span {
  readonly from: number;
  readonly to: number;
  readonly label: string;
  /** Mean probability of the label. */
  readonly share: number;
}

export function spansOf({ runs }: Lane): Span[] {
  return runs.flatMap((run) => {
    const spans: { from: number; to: number; label: string; sum: number; samples: number }[] = [];
    // The last sample of a run only states where it ends.
    run.slice(0, -1).forEach(({ time, probabilities }, i) => {
      const [label, p] = Object.entries(probabilities).reduce((a, b) => (b[1] > a[1] ? b : a));
      const to = run[i + 1]!.time;
      const open = spans.at(-1);
      if (open?.label === label) Object.assign(open, { to, sum: open.sum + p, samples: open.samples + 1 });
      else spans.push({ from: time, to, label, sum: p, samples: 1 });
    });
    return spans.map(({ sum, samples, ...span }) => ({ ...span, share: sum / samples }));
  });
}
