// How a bundle's voice does on speakers: those who selected its epoch, and those whom nothing has heard; as recorded, through
// a telephone and in noise.
import { inBatches, randomStream } from 'mien-engine/base';
import { createSession, float32 } from 'mien-engine';
import { levelled } from 'mien/parts/audio';
import { type Progress, silentProgress } from 'mien/parts/base';
import type { Encoded } from 'mien/parts/bundle';
import {
  hitsAgainst,
  type Interval,
  meanOf,
  pick,
  scores,
  type Scores,
  testResult,
  type TestResult,
  toPosteriors,
} from 'mien/parts/evaluate';
import type { SpeechItem } from '../data/speech.js';
import { SPEECH_CORPORA } from '../data/speech-names.js';
import { seedInterval } from '../evaluate/intervals.js';
import { throughTelephone, withNoise } from '../learn/voice-augmentation.js';
import { indices } from './pair-tests.js';

const VOICE_PARTS = ['validation', 'test'] as const;
export type VoicePart = (typeof VOICE_PARTS)[number];

/** A test on clips; the interval of its accuracy is over speakers. */
export interface VoiceTest extends TestResult {
  /** The corpus's title; absent: all of them. */
  readonly corpus?: string;
  readonly part: VoicePart;
  /** What was done to the clips; absent: nothing. */
  readonly as?: VoiceCorruption;
  readonly speakers: number;
}

/** Clips with the sound that is heard. */
export interface Clips {
  readonly items: readonly SpeechItem[];
  /** At 16 kHz, trimmed and levelled. */
  readonly sounds: readonly Float32Array[];
}

export const VOICE_CORRUPTIONS = ['telephone', 'noise 20 dB', 'noise 10 dB', 'noise 0 dB'] as const;
export type VoiceCorruption = (typeof VOICE_CORRUPTIONS)[number];

const RATIOS: Readonly<Record<Exclude<VoiceCorruption, 'telephone'>, number>> = {
  'noise 20 dB': 20,
  'noise 10 dB': 10,
  'noise 0 dB': 0,
};

/** A clip through a telephone, or with white noise at a signal-to-noise ratio; the noise follows from its place. */
export function corruptVoice(clip: Float32Array, kind: VoiceCorruption, place: number): Float32Array {
  if (kind === 'telephone') return levelled(throughTelephone(clip));
  const draw = randomStream(0, 'bench noise', place);
  const noise = clip.map(() => draw.normal());
  return levelled(withNoise(clip, noise, RATIOS[kind]));
}

/** Clips reported on between two steps of progress. */
const STEP = 16;

/** Embeddings and logits of clips by a voice model, each at its own length. */
export async function voiceRows(
  model: Uint8Array,
  sounds: readonly Float32Array[],
  progress: Progress = silentProgress,
): Promise<Encoded> {
  // A clip is small: more threads would wait for each other.
  const session = await createSession(model, { threads: 1 });
  const rows: { embedding: Float32Array; logits: Float32Array }[] = [];
  try {
    for (const some of inBatches(sounds, STEP)) {
      for (const sound of some) {
        const { embedding, logits } = await session.run({ samples: float32([1, sound.length], sound) });
        rows.push({ embedding: embedding!.data as Float32Array, logits: logits!.data as Float32Array });
      }
      progress.advance(some.length);
    }
  } finally {
    await session.dispose();
  }
  const stacked = (of: (row: (typeof rows)[number]) => Float32Array) =>
    float32(
      [rows.length, rows.length === 0 ? 0 : of(rows[0]!).length],
      rows.flatMap((row) => [...of(row)]),
    );
  return { embedding: stacked((row) => row.embedding), logits: stacked((row) => row.logits) };
}

/** Fewer speakers than this have no interval: it would say nothing. */
const LEAST_SPEAKERS = 4;

/** A mean over items with an interval over their speakers, by Student's t over the means of each. */
export function overSpeakers(hits: ArrayLike<number>, speakers: readonly string[]): Interval {
  const each = [...new Set(speakers)].map((one) =>
    meanOf(speakers.flatMap((speaker, i) => (speaker === one ? [hits[i]!] : []))),
  );
  const mean = meanOf(hits);
  if (each.length < LEAST_SPEAKERS) return { mean, low: null, high: null };
  const { mean: centre, low, high } = seedInterval(each);
  // The speakers' mean is not that of the clips: the interval is moved, and stays within what an accuracy can be.
  const moved = (bound: number): number => Math.min(1, Math.max(0, bound + mean - centre));
  return { mean, low: moved(low!), high: moved(high!) };
}

export const speakerOf = ({ corpus, speaker }: SpeechItem): string => `${corpus}/${speaker}`;

/** Tests of each corpus, and of all of them together. */
function voiceTests(
  part: VoicePart,
  items: readonly SpeechItem[],
  posteriors: Scores,
  labels: readonly string[],
  as?: VoiceCorruption,
): VoiceTest[] {
  const test = (corpus: string | undefined, members: readonly number[]): VoiceTest => {
    const some = members.map((i) => items[i]!);
    const own = pick(posteriors, members);
    const truth = indices(some, labels);
    const name = `${corpus ?? 'all voices'}, ${part}${as ? `, ${as}` : ''}`;
    return {
      ...testResult(name, labels, own, truth),
      accuracy: overSpeakers(hitsAgainst(own, truth), some.map(speakerOf)),
      ...(corpus === undefined ? {} : { corpus }),
      part,
      ...(as ? { as } : {}),
      speakers: new Set(some.map(speakerOf)).size,
    };
  };
  const corpora = [...new Set(items.map(({ corpus }) => corpus))];
  const tests = corpora.map((corpus) =>
    test(
      SPEECH_CORPORA[corpus].title,
      items.flatMap((item, i) => (item.corpus === corpus ? [i] : [])),
    ),
  );
  return corpora.length > 1 ? [...tests, test(undefined, [...items.keys()])] : tests;
}

/**
 * All tests of a voice by each of several models: validation and test clips as they are, and test clips made worse.
 * @param plain each model's rows of the clips as they are
 */
export async function testVoice<Name extends string>(
  models: Readonly<Record<Name, Uint8Array>>,
  { labels, temperature }: { readonly labels: readonly string[]; readonly temperature: number },
  clips: Readonly<Record<VoicePart, Clips>>,
  plain: Readonly<Record<Name, Readonly<Record<VoicePart, Encoded>>>>,
  progress: Progress = silentProgress,
): Promise<Record<Name, VoiceTest[]>> {
  const names = Object.keys(models) as Name[];
  const tests = Object.fromEntries(names.map((name) => [name, []])) as unknown as Record<Name, VoiceTest[]>;
  const add = (name: Name, part: VoicePart, { logits }: Encoded, as?: VoiceCorruption): void => {
    if (clips[part].items.length === 0) return;
    const posteriors = toPosteriors(scores(labels.length, logits.data), temperature);
    tests[name].push(...voiceTests(part, clips[part].items, posteriors, labels, as));
  };
  for (const name of names) for (const part of VOICE_PARTS) add(name, part, plain[name][part]);
  const { sounds } = clips.test;
  progress.begin('worse voices', names.length * VOICE_CORRUPTIONS.length * sounds.length, 'clips');
  try {
    for (const as of VOICE_CORRUPTIONS) {
      const worse = sounds.map((sound, i) => corruptVoice(sound, as, i));
      for (const name of names) add(name, 'test', await voiceRows(models[name], worse, progress), as);
    }
  } finally {
    progress.end();
  }
  return tests;
}
