// Writes the timeline of a recording to a folder, as table, summary and page; a run that was killed can be resumed.
import { createReadStream } from 'node:fs';
import { mkdir, mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { createInterface } from 'node:readline';
import sharp from 'sharp';
import { MienError } from 'mien-engine/base';
import { fileError, sha256, writeFileAtomic } from 'mien-engine/node';
import { silentProgress, type Progress } from '../base/progress.js';
import type { DecodedImage } from '../encoders/encoder.js';
import { openPredictions } from '../recognizer/node/predictions.js';
import type { Recognizer } from '../recognizer/types.js';
import type { MediaNote } from './media.js';
import { openMedia, recordingPath, type MediaDecoder } from './open-media.js';
import { timelinePage } from './page.js';
import { checkReadable, hearsVoices, textsOf, utterancesOf } from './spoken.js';
import { type RecordingSummary, summing } from './summary.js';
import { csvLines, jsonLine, transcriptLine } from './table.js';
import { BEGINNING, timelineOf, type Spoken, type TimelineRow, type WatchState } from './timeline.js';
import { checkWatchOptions, EVERY, FACE_HALF_LIFE, type WatchOptions } from './watch.js';

export interface RecordOptions extends WatchOptions {
  /** Whether a page of the timeline is written. */
  readonly html?: boolean;
  /** Whether the page shows a face of each person. */
  readonly thumbnails?: boolean;
  /** Replaces the results of an earlier run. */
  readonly overwrite?: boolean;
  readonly progress?: Progress;
  readonly decoder?: MediaDecoder | undefined;
}

/** Names of the files in the folder. */
const TIMELINE_FILES = {
  rows: 'timeline.jsonl',
  table: 'timeline.csv',
  words: 'transcript.jsonl',
  summary: 'summary.json',
  page: 'timeline.html',
} as const;

/** Side of a thumbnail in pixels. */
const THUMBNAIL = 96;

/** Utterances after which what was heard is saved. */
const LISTENED = 20;

/** What is saved beside the rows. */
interface Saved {
  /** While the sound is listened to: the number of utterances that were heard. */
  readonly heard?: number | undefined;
  /** Whether words were left out as uncertain. */
  readonly unclear?: boolean;
  readonly state: WatchState;
  readonly spoken: Spoken;
  readonly thumbnails: Readonly<Record<string, Thumbnail>>;
  readonly notes: readonly MediaNote[];
}
interface Thumbnail {
  /** Side of the cut-out face, in pixels: larger ones replace it. */
  readonly side: number;
  /** JPEG as base64. */
  readonly data: string;
}

/**
 * Watches a recording into a folder, or continues where a run with the same options was interrupted: the files are the
 * same as those of a run that was not.
 * @throws MienError as `watch`; `checkpoint` if the folder has an unfinished run of another recording or with other
 *   options, `file` if it has a finished one or cannot be written.
 */
export async function recordTimeline(
  recognizer: Recognizer,
  source: string,
  folder: string,
  options: RecordOptions = {},
): Promise<RecordingSummary> {
  const {
    html = false,
    thumbnails = false,
    overwrite = false,
    progress = silentProgress,
    decoder,
    ...rest
  } = options;
  checkWatchOptions(rest);
  const { every = EVERY, faceHalfLife: halfLife = FACE_HALF_LIFE, mirror, signal } = rest;
  const { transcript = [], transcribe = false } = rest;
  const file = await recordingPath(source);
  const media = await openMedia(file, decoder);
  checkReadable(recognizer, media, { transcript, transcribe }, file);
  await mkdir(folder, { recursive: true }).catch((cause: unknown) => {
    throw fileError('write', folder, cause);
  });
  const { size, mtimeMs } = await stat(file);
  const request = {
    ...{ every, halfLife, mirror: mirror ?? null, transcript, thumbnails, decoder: media.decoder },
    // Only if asked for, so that runs of earlier versions can be resumed.
    ...(transcribe ? { transcribe } : {}),
  };
  const path = join(folder, TIMELINE_FILES.rows);
  const output = await openPredictions(path, {
    fingerprint: sha256(JSON.stringify([basename(file), size, mtimeMs, request, recognizer.info.files])),
    header: '',
    overwrite,
  });
  try {
    let saved = output.saved as Saved | undefined;
    for (const note of saved?.notes ?? []) (media.notes as Set<MediaNote>).add(note);
    saved ??= { state: BEGINNING, spoken: { voices: [], texts: [] }, thumbnails: {}, notes: [], heard: 0 };
    if (saved.heard !== undefined) {
      if (media.sound && (transcribe || hearsVoices(recognizer)))
        progress.begin('listen', undefined, 'utterances');
      progress.skip(saved.heard);
      const { voices, texts } = saved.spoken;
      const spoken = { voices: [...voices], texts: [...texts] };
      let { heard } = saved;
      for await (const utterance of utterancesOf(recognizer, media, { transcribe, skip: heard, signal })) {
        spoken.voices.push(...utterance.voices);
        spoken.texts.push(...utterance.texts);
        heard++;
        progress.advance();
        saved = {
          ...saved,
          spoken,
          heard,
          unclear: saved.unclear || utterance.unclear,
          notes: [...media.notes],
        };
        if (heard % LISTENED === 0) await output.append('', 0, 0, saved);
      }
      spoken.texts.push(...(await textsOf(recognizer, transcript, signal)));
      saved = { ...saved, spoken, heard: undefined, notes: [...media.notes] };
      await output.append('', 0, 0, saved);
    }
    const { spoken } = saved;
    const frames = media.seconds === undefined ? undefined : Math.ceil(media.seconds / every);
    progress.begin('watch', frames, 'frames');
    progress.skip(saved.state.next);
    const settings = { every, halfLife, mirror, thumbnails, signal };
    for await (const part of timelineOf(recognizer, media, spoken, settings, saved.state)) {
      if (signal?.aborted) throw new MienError('interrupted', 'watching was interrupted');
      progress.advance(part.state.next - saved.state.next);
      saved = {
        ...saved,
        state: part.state,
        thumbnails: await withFaces(saved.thumbnails, part.faces),
        notes: [...media.notes],
      };
      await output.append(part.rows.map(jsonLine).join(''), part.rows.length, 0, saved);
    }
    progress.end();

    // Everything else follows from the rows.
    const sums = summing(every);
    const words = transcribe || transcript.length > 0;
    const table = csvLines(recognizer.info, { words });
    let rows = 0;
    const lines = async function* (): AsyncGenerator<string> {
      yield table.header;
      for await (const row of rowsOf(`${path}.part`)) {
        sums.add(row);
        rows++;
        yield table.line(row);
      }
    };
    await writeFileAtomic(join(folder, TIMELINE_FILES.table), lines());
    if (words)
      await writeFileAtomic(join(folder, TIMELINE_FILES.words), spoken.texts.map(transcriptLine).join(''));
    const people = sums.result();
    const notes: RecordingSummary['notes'] = [
      ...saved.notes,
      ...(media.video && people.every(({ person }) => person === null) ? (['no-face'] as const) : []),
      ...(media.sound && !transcribe && !hearsVoices(recognizer) ? (['voice-unread'] as const) : []),
      ...(saved.unclear ? (['unclear-words'] as const) : []),
    ];
    const summary: RecordingSummary = {
      file: basename(file),
      seconds: media.seconds ?? null,
      every,
      bundle: recognizer.info.name,
      decoder: media.decoder,
      video: media.video ?? null,
      sound: media.sound,
      notes,
      rows,
      people,
    };
    await writeFileAtomic(join(folder, TIMELINE_FILES.summary), `${JSON.stringify(summary, null, 2)}\n`);
    if (html) {
      const faces = Object.fromEntries(Object.entries(saved.thumbnails).map(([id, { data }]) => [id, data]));
      const page = await timelinePage(summary, () => rowsOf(`${path}.part`), faces);
      await writeFileAtomic(join(folder, TIMELINE_FILES.page), page);
    }
    await output.finish();
    return summary;
  } finally {
    progress.end();
    await output.close();
  }
}

/** Watches a recording for its summary alone. @throws MienError as `watch`. */
export async function summarizeTimeline(
  recognizer: Recognizer,
  source: string,
  options: RecordOptions = {},
): Promise<RecordingSummary> {
  const folder = await mkdtemp(join(tmpdir(), 'mien-watch-'));
  try {
    return await recordTimeline(recognizer, source, folder, options);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** The rows of a file of lines, one at a time. */
async function* rowsOf(path: string): AsyncGenerator<TimelineRow, void, undefined> {
  for await (const line of createInterface({ input: createReadStream(path), crlfDelay: Infinity }))
    if (line !== '') yield JSON.parse(line) as TimelineRow;
}

/** The thumbnails with those of faces that are at least a fifth larger. */
async function withFaces(
  before: Saved['thumbnails'],
  faces: ReadonlyMap<number, DecodedImage>,
): Promise<Saved['thumbnails']> {
  const after = { ...before };
  for (const [id, { width, height, data }] of faces) {
    if (width < 1.2 * (after[id]?.side ?? 0)) continue;
    const jpeg = await sharp(data, { raw: { width, height, channels: 3 } })
      .resize(THUMBNAIL, THUMBNAIL)
      .jpeg({ quality: 80 })
      .toBuffer();
    after[id] = { side: width, data: jpeg.toString('base64') };
  }
  return after;
}
