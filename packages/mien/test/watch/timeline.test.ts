// Timelines of made clips: who is who, kill and resume, what is not there, names that try to be markup.
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { DecodedImage } from '../../src/encoders/encoder.js';
import type { FacePosterior, Recognizer, Result } from '../../src/recognizer/types.js';
import { agreementOf, fuse } from '../../src/watch/fuse.js';
import type { Media } from '../../src/watch/media.js';
import { timelinePage } from '../../src/watch/page.js';
import { recordTimeline } from '../../src/watch/run-folder.js';
import { type Said, utterancesOf } from '../../src/watch/spoken.js';
import { BEGINNING, timelineOf, type TimelineRow } from '../../src/watch/timeline.js';
import { watch } from '../../src/watch/watch.js';
import { murmur } from '../../../../test/support/sounds.js';
import { canMakeClips, makeClip } from './clips.js';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'mien-watch-'));
});
afterAll(() => rm(folder, { recursive: true }));

type Color = readonly [number, number, number];
const RED: Color = [230, 20, 20];
const BLUE: Color = [20, 20, 230];
const [WIDE, HIGH, SIDE] = [160, 96, 24];

/** A grey picture with squares for faces. */
function scene(faces: readonly { readonly x: number; readonly color: Color }[]): DecodedImage {
  const data = new Uint8Array(3 * WIDE * HIGH).fill(90);
  for (const { x, color } of faces)
    for (let row = 20; row < HIGH; row++)
      for (let column = x; column < x + SIDE; column++) data.set(color, 3 * (row * WIDE + column));
  return { width: WIDE, height: HIGH, data };
}

/** Finds the squares: red ones are angry, blue ones sad. */
function facesIn({ width, data }: DecodedImage): FacePosterior[] {
  const found = [
    ['anger', (r: number, b: number) => r > b + 90],
    ['sadness', (r: number, b: number) => b > r + 90],
  ] as const;
  return found.flatMap(([label, is]) => {
    const columns = Array.from({ length: width }, (_, x) => x).filter((x) => {
      const at = 3 * (40 * width + x);
      return is(data[at]!, data[at + 2]!);
    });
    if (columns.length < SIDE / 2) return [];
    const box = { x: columns[0]!, y: 20, width: columns.length, height: SIDE };
    const other = label === 'anger' ? 'sadness' : 'anger';
    const probabilities = { [label]: 0.9, [other]: 0.1 };
    return [{ label, probabilities, logits: {}, place: { box, keyPoints: {}, score: 0.9 } }];
  });
}

const labels = ['anger', 'sadness'];
const info = {
  name: 'squares',
  labels: { face: labels, text: labels },
  priors: { face: [0.5, 0.5], text: [0.5, 0.5], both: [0.5, 0.5] },
  certainty: false,
  terms: [],
  files: {},
};
let frames = 0;
const answer = ({ image, text }: { image?: unknown; text?: unknown }): Result => {
  if (text !== undefined) {
    const posterior = { label: 'sadness', probabilities: { anger: 0.2, sadness: 0.8 }, logits: {}, read: 1 };
    return { ...posterior, from: 'text', text: posterior, warnings: [] };
  }
  frames++;
  const [face, ...others] = facesIn(image as DecodedImage);
  if (!face) return { error: { code: 'no-face', message: '' }, warnings: [] };
  return { label: face.label, probabilities: {}, logits: {}, from: 'face', face, others, warnings: [] };
};
const recognizer = {
  info,
  recognize: (given: object) =>
    Promise.resolve(Array.isArray(given) ? given.map(answer) : answer(given as { image?: unknown })),
} as unknown as Recognizer;

/** A recording of pictures that need no decoding. */
const mediaOf = (pictures: readonly DecodedImage[]): Media => ({
  decoder: 'none',
  seconds: undefined,
  video: { width: 2 * WIDE, height: 2 * HIGH },
  sound: false,
  notes: new Set(),
  async *frames(_every, from) {
    for (let index = from; index < pictures.length; index++)
      yield await Promise.resolve({ index, image: pictures[index]! });
  },
  async *samples() {
    // None.
  },
});

const settings = { every: 0.2, halfLife: 0.7, mirror: undefined, thumbnails: false, signal: undefined };
async function rowsOf(pictures: readonly DecodedImage[], state = BEGINNING): Promise<TimelineRow[]> {
  const rows: TimelineRow[] = [];
  const media = mediaOf(pictures);
  for await (const part of timelineOf(recognizer, media, { voices: [], texts: [] }, settings, state))
    rows.push(...part.rows);
  return rows;
}
const people = (rows: readonly TimelineRow[]): string =>
  rows.map(({ time, person }) => `${Math.round(5 * time)}:${person}`).join(' ');

describe('tracking people', () => {
  const both = scene([
    { x: 20, color: RED },
    { x: 110, color: BLUE },
  ]);
  const nobody = scene([]);

  test('two people keep their numbers through a loss, and when they come back much later', async () => {
    const left = scene([{ x: 20, color: RED }]);
    const pictures = [both, both, left, nobody, both, ...Array.from({ length: 20 }, () => nobody), both];
    expect(people(await rowsOf(pictures))).toBe('0:1 0:2 1:1 1:2 2:1 4:1 4:2 25:1 25:2');
  });

  test('a cut to another face at the same place starts another person, and a cut back continues the first', async () => {
    const [a, b] = [scene([{ x: 60, color: RED }]), scene([{ x: 60, color: BLUE }])];
    expect(people(await rowsOf([a, a, b, b, a]))).toBe('0:1 1:1 2:2 3:2 4:1');
  });

  test('a face that moves on stays the same person, in pixels of the full video', async () => {
    const rows = await rowsOf(Array.from({ length: 8 }, (_, i) => scene([{ x: 10 + 12 * i, color: RED }])));
    expect(new Set(rows.map(({ person }) => person))).toEqual(new Set([1]));
    expect(rows[1]!.box).toEqual({ x: 44, y: 40, width: 48, height: 48 });
  });
});

test('a run that resumes at any part gives the same rows', async () => {
  const pictures = Array.from({ length: 130 }, (_, i) =>
    scene([{ x: (i * 3) % 100, color: i % 40 < 25 ? RED : BLUE }]),
  );
  const parts = [];
  const media = mediaOf(pictures);
  for await (const part of timelineOf(recognizer, media, { voices: [], texts: [] }, settings))
    parts.push(part);
  expect(parts.map(({ state }) => state.next)).toEqual([50, 100, 130]);
  const all = parts.flatMap(({ rows }) => rows);
  for (const [i, { state }] of parts.entries()) {
    const rest = await rowsOf(pictures, JSON.parse(JSON.stringify(state)) as typeof state);
    expect(rest).toEqual(parts.slice(i + 1).flatMap(({ rows }) => rows));
  }
  expect(all).toHaveLength(130);
});

test('posteriors are fused with each prior counted once, and their agreement is given', () => {
  const [face, text] = [
    { anger: 0.8, sadness: 0.2 },
    { anger: 0.5, sadness: 0.5 },
  ];
  expect(fuse(info, { face })).toEqual(face);
  expect(fuse(info, { face, text })!['anger']).toBeCloseTo(0.8, 12);
  const skewed = { ...info, priors: { ...info.priors, text: [0.2, 0.8] } };
  // Evidence (.8/.5, .2/.5) · (.5/.2, .5/.8), prior (.35, .65).
  const [a, b] = [1.6 * 2.5 * 0.35, 0.4 * 0.625 * 0.65];
  expect(fuse(skewed, { face, text })!['anger']).toBeCloseTo(a / (a + b), 12);
  expect(agreementOf({ face })).toBeUndefined();
  expect(agreementOf({ face, text: face })).toBe(1);
  expect(agreementOf({ face: { anger: 1, sadness: 0 }, text: { anger: 0, sadness: 1 } })).toBe(0);
});

test('each segment of speech is recognised separately, at its time', async () => {
  const stretches = [
    [1, 2.5],
    [4, 6.5],
  ] as const;
  const sound = murmur(8, stretches);
  const heard: number[] = [];
  const recognizer = {
    info: { labels: { voice: ['joy', 'anger'] }, priors: { voice: [0.5, 0.5] } },
    recognize: ({ audio }: { audio: { sampleRate: number; data: Float32Array } }) => {
      heard.push(audio.data.length / audio.sampleRate);
      const joy = heard.length / 10;
      return Promise.resolve({ voice: { probabilities: { joy, anger: 1 - joy } }, warnings: [] });
    },
  };
  const media = {
    sound: true,
    async *samples() {
      for (let at = 0; at < sound.length; at += 1000)
        yield await Promise.resolve(sound.subarray(at, at + 1000));
    },
  };
  const voicesOf = async (one: unknown, skip = 0): Promise<Said[]> => {
    const all: Said[] = [];
    for await (const { voices } of utterancesOf(one as never, media as never, { skip })) all.push(...voices);
    return all;
  };
  const voices = await voicesOf(recognizer);
  expect(voices.map(({ probabilities }) => probabilities['joy'])).toEqual([0.1, 0.2]);
  voices.forEach(({ start, end }, i) => {
    expect(Math.abs(start - stretches[i]![0])).toBeLessThan(0.4);
    expect(Math.abs(end - stretches[i]![1])).toBeLessThan(0.4);
    expect(heard[i]).toBeCloseTo(end - start, 3);
  });
  expect(await voicesOf({ ...recognizer, info: { labels: {}, priors: {} } })).toEqual([]);
  // A run that continues passes over what it has heard.
  heard.length = 1;
  expect(await voicesOf(recognizer, 1)).toEqual(voices.slice(1));
});

const hostile = '<img src=x onerror="alert(1)">\'&';

test('names and labels are text on the page', async () => {
  const rows: TimelineRow[] = [
    { time: 0, person: 1, box: null, label: hostile, fused: { [hostile]: 1 } },
    { time: 0.2, person: 1, box: null, label: hostile, fused: { [hostile]: 1 } },
    ...[0.4, 0.6, 1.4].map((time) => ({
      ...{ time, person: null, box: null, label: hostile, fused: { [hostile]: 1 } },
      ...{ text: { [hostile]: 1 }, words: hostile },
    })),
  ];
  const person = {
    person: 1,
    first: 0,
    last: 0.2,
    seconds: 4,
    mean: { [hostile]: 1 },
    labels: { [hostile]: 1 },
  };
  const page = await timelinePage(
    {
      file: hostile,
      seconds: 1,
      every: 0.2,
      bundle: hostile,
      decoder: 'none',
      video: null,
      sound: false,
      notes: ['truncated'],
      rows: 2,
      people: [person],
    },
    async function* () {
      for (const row of rows) yield await Promise.resolve(row);
    },
    {},
  );
  expect(page).not.toContain('<img');
  // The same words again, after a pause, are another sentence.
  expect(page).toContain('<summary>2 sentences</summary>');
  expect(page).not.toMatch(/\s(?:onerror|onload|onclick)="/);
  expect(page).not.toMatch(/(?:src|href)="(?!data:)/);
  expect(page).toContain("default-src 'none'");
});

describe.runIf(canMakeClips)('of clips', () => {
  const steady = (seconds: number, image: DecodedImage) =>
    Array.from({ length: seconds * 10 }, (_, i) => ({ at: i / 10, image }));

  test('a run that is interrupted and resumed writes the same files', async () => {
    const path = join(folder, 'clip.mp4');
    const pictures = Array.from({ length: 130 }, (_, i) => ({
      at: i / 10,
      image: scene([{ x: i % 120, color: i % 70 < 40 ? RED : BLUE }]),
    }));
    await makeClip(path, { pictures });
    const read = (name: string) =>
      Promise.all(
        ['timeline.jsonl', 'timeline.csv', 'summary.json', 'timeline.html'].map((file) =>
          readFile(join(folder, name, file), 'utf8'),
        ),
      );
    const options = { html: true, thumbnails: true };
    await recordTimeline(recognizer, path, join(folder, 'whole'), options);
    const counted = frames;
    // As SIGKILL would: nothing after the fault runs, and the part in progress is lost.
    let left = 60;
    const failing = {
      ...recognizer,
      recognize: (item: object) => {
        if (left-- === 0) throw new Error('killed');
        return recognizer.recognize(item);
      },
    } as Recognizer;
    await expect(recordTimeline(failing, path, join(folder, 'again'), options)).rejects.toThrow('killed');
    frames = 0;
    await recordTimeline(recognizer, path, join(folder, 'again'), options);
    expect(frames).toBeLessThan(counted);
    expect(await read('again')).toEqual(await read('whole'));
    const [, table] = await read('whole');
    expect(table!.split('\n')[0]).toBe(
      'time,person,x,y,width,height,label,agreement,face_anger,face_sadness,text_anger,text_sadness,fused_anger,fused_sadness',
    );
    await expect(recordTimeline(recognizer, path, join(folder, 'whole'), options)).rejects.toMatchObject({
      code: 'file',
    });
  });

  test('without face and sound, the table is empty and there is a note', async () => {
    const path = join(folder, 'empty.webm');
    await makeClip(path, { pictures: steady(1, scene([])) });
    const summary = await recordTimeline(recognizer, path, join(folder, 'empty'), { html: true });
    expect(summary).toMatchObject({ rows: 0, people: [], sound: false, notes: ['no-face'] });
  });

  test('sound alone is refused by a bundle without a voice', async () => {
    const path = join(folder, 'tone.mp4');
    await makeClip(path, { tone: 1 });
    await expect(recordTimeline(recognizer, path, join(folder, 'tone'))).rejects.toMatchObject({
      code: 'data',
    });
  });

  test('words are assigned to a person only if there is one on screen', async () => {
    const path = join(folder, 'words.mp4');
    const two = scene([
      { x: 20, color: RED },
      { x: 110, color: BLUE },
    ]);
    const pictures = [...steady(1, scene([{ x: 20, color: RED }])), ...steady(2, two).slice(10)];
    await makeClip(path, { pictures });
    const transcript = [{ start: 0.4, end: 1.5, text: 'alas' }];
    const rows: TimelineRow[] = [];
    for await (const row of watch(recognizer, path, { transcript })) rows.push(row);
    const said = rows.filter(({ text }) => text).map(({ time, person }) => [time, person]);
    expect(said).toEqual([
      [0.4, 1],
      [0.6, 1],
      [0.8, 1],
      [1, null],
      [1.2, null],
      [1.4, null],
    ]);
    expect(rows.find(({ time }) => time === 0.4)!.agreement).toBeLessThan(0.8);
  });

  test('rejects unknown options', async () => {
    const rows = watch(recognizer, join(folder, 'words.mp4'), { evry: 1 } as object);
    await expect(rows.next()).rejects.toMatchObject({ code: 'usage' });
  });
});
