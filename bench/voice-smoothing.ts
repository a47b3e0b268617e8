// How posteriors of a voice are best smoothed over time: clips of one speaker joined to recordings in which the label changes,
// heard as a live session hears them, by segments and by windows. Half-lives are fitted on some speakers and tested on others.
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { type RandomStream, randomStream } from 'mien-engine/base';
import { writeFileAtomic } from 'mien-engine/node';
import { loadSpeech, readClip, seedInterval, type SpeechItem } from 'mien-lab';
import { createSegmenter, SPEECH_RATE } from 'mien/parts/audio';
import { loadRecognizer, type Probabilities } from 'mien/parts/recognizer';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    /** Actors whose recordings the half-lives are fitted on, and others whom they are tested on. */
    fit: { type: 'string', default: '23,24' },
    test: { type: 'string', default: '19,20,21,22' },
    /** How sound reaches the session: segments or windows. */
    hearing: { type: 'string', multiple: true, default: ['segments'] },
    /** Longest runs of clips with one label: how long an emotion lasts decides how much smoothing is good. */
    longest: { type: 'string', multiple: true, default: ['6'] },
    /** Recordings of each actor. */
    recordings: { type: 'string', default: '2' },
    seed: { type: 'string', default: '0' },
    /** JSON file in which what was heard is kept, so that nothing is encoded twice. */
    keep: { type: 'string' },
  },
});
const [bundle, speech] = positionals;
if (bundle === undefined || speech === undefined) {
  console.error(
    'Usage: node --import tsx bench/voice-smoothing.ts BUNDLE SPEECH [--fit 23,24] [--test 19,20,21,22] ' +
      '[--hearing segments] [--hearing windows] [--longest 6] [--recordings 2] [--seed 0] [--keep FILE]',
  );
  process.exit(2);
}

const PAUSE = [0.5, 2] as const;
/** Noise of the room, in dB below the speech. */
const NOISE = -40;
/** Seconds of a window, and between windows. */
const WINDOW = 3;
const STEP = 1;
/** Least seconds of speech in a window that is recognised. */
const LEAST_SPOKEN = 0.5;

interface Clip {
  readonly label: string;
  readonly samples: Float32Array;
}

/** Clips with their places in a recording, in samples. */
interface Recording {
  readonly samples: Float32Array;
  readonly clips: readonly (Clip & { readonly start: number; readonly end: number })[];
}

/** What a session is given at a time, and the label that is right then. */
interface Heard {
  /** In milliseconds. */
  readonly at: number;
  readonly probabilities: Probabilities;
  readonly label: string;
}

const shuffled = <T>(items: readonly T[], draw: RandomStream): T[] =>
  Array.from(draw.permutation(items.length), (i) => items[i]!);

/** All clips of a speaker, in runs of 1 to `longest` of one label; neighbouring runs have different labels where possible. */
function orderOf(clips: readonly Clip[], longest: number, draw: RandomStream): Clip[] {
  const runs: Clip[][] = [];
  for (const label of [...new Set(clips.map((clip) => clip.label))].sort()) {
    const own = shuffled(
      clips.filter((clip) => clip.label === label),
      draw,
    );
    while (own.length > 0) runs.push(own.splice(0, 1 + draw.integer(longest)));
  }
  const left = shuffled(runs, draw);
  const ordered: Clip[][] = [];
  while (left.length > 0) {
    const last = ordered.at(-1)?.[0]!.label;
    const next = left.findIndex(([clip]) => clip!.label !== last);
    ordered.push(...left.splice(Math.max(0, next), 1));
  }
  return ordered.flat();
}

function joined(clips: readonly Clip[], draw: RandomStream): Recording {
  const between = (least: number, most: number): number => least + (most - least) * draw.uniform();
  const parts: (Clip & { start: number; end: number })[] = [];
  let length = 0;
  for (const clip of clips) {
    const start = length + Math.round(between(...PAUSE) * SPEECH_RATE);
    length = start + clip.samples.length;
    parts.push({ ...clip, start, end: length });
  }
  length += 2 * SPEECH_RATE;
  const power = clips[0]!.samples.reduce((sum, x) => sum + x * x, 0) / clips[0]!.samples.length;
  const noise = Math.sqrt(power * 10 ** (NOISE / 10));
  const samples = Float32Array.from({ length }, () => noise * draw.normal());
  for (const { samples: own, start } of parts) {
    const gain = 10 ** (between(-3, 3) / 20);
    own.forEach((value, i) => (samples[start + i]! += gain * value));
  }
  return { samples, clips: parts };
}

/** Samples of each clip between two places, and the label of the last one. */
function spokenIn({ clips }: Recording, start: number, end: number) {
  const inside = clips.filter((clip) => clip.start < end && clip.end > start);
  const spoken = inside.reduce((sum, clip) => sum + Math.min(clip.end, end) - Math.max(clip.start, start), 0);
  return { spoken, label: inside.at(-1)?.label };
}

type Hearing = (recording: Recording) => Promise<Heard[]>;

const recognizer = await loadRecognizer({ bundle, threads: 1 });
const labels = recognizer.info.labels.voice!;
const prior = Object.fromEntries(labels.map((label, i) => [label, recognizer.info.priors.voice![i]!]));

async function voiceOf(data: Float32Array): Promise<Probabilities | undefined> {
  const result = await recognizer.recognize({ audio: { sampleRate: SPEECH_RATE, data } });
  return result.error ? undefined : result.voice?.probabilities;
}

/** As the segmenter gives them while the sound comes, in parts of a tenth of a second. */
const bySegments: Hearing = async (recording) => {
  const segmenter = createSegmenter();
  const heard: Heard[] = [];
  const part = SPEECH_RATE / 10;
  for (let end = part; end <= recording.samples.length; end += part)
    for (const segment of await segmenter.push(recording.samples.subarray(end - part, end))) {
      const { label } = spokenIn(recording, segment.start * SPEECH_RATE, segment.end * SPEECH_RATE);
      const probabilities = await voiceOf(segment.samples);
      if (label !== undefined && probabilities)
        heard.push({ at: (1000 * end) / SPEECH_RATE, probabilities, label });
    }
  return heard;
};

const byWindows: Hearing = async (recording) => {
  const heard: Heard[] = [];
  for (let end = STEP * SPEECH_RATE; end <= recording.samples.length; end += STEP * SPEECH_RATE) {
    const start = Math.max(0, end - WINDOW * SPEECH_RATE);
    const { spoken, label } = spokenIn(recording, start, end);
    if (label === undefined || spoken < LEAST_SPOKEN * SPEECH_RATE) continue;
    const probabilities = await voiceOf(recording.samples.slice(start, end));
    if (probabilities) heard.push({ at: (1000 * end) / SPEECH_RATE, probabilities, label });
  }
  return heard;
};

/** Posteriors after each of the observations. */
type Smoother = (heard: readonly Heard[], halfLife: number) => Probabilities[];

const normalized = (values: Probabilities): Probabilities => {
  const total = Object.values(values).reduce((a, b) => a + b, 0);
  return Object.fromEntries(Object.entries(values).map(([label, value]) => [label, value / total]));
};

const weightOf = (from: number, to: number, halfLife: number): number =>
  2 ** (-(to - from) / 1000 / halfLife);

const map = (of: (label: string) => number): Probabilities =>
  Object.fromEntries(labels.map((label) => [label, of(label)]));

/** Folds observations into one posterior after the other. */
const folding =
  (next: (before: Probabilities, now: Probabilities, weight: number) => Probabilities): Smoother =>
  (heard, halfLife) => {
    let state: { readonly posterior: Probabilities; readonly at: number } | undefined;
    return heard.map(({ at, probabilities }) => {
      const posterior = state
        ? next(state.posterior, probabilities, weightOf(state.at, at, halfLife))
        : probabilities;
      state = { posterior, at };
      return posterior;
    });
  };

const SMOOTHERS: Readonly<Record<string, Smoother>> = {
  'exponential average': folding((before, now, weight) =>
    map((label) => weight * before[label]! + (1 - weight) * now[label]!),
  ),
  'HMM, forward': folding((before, now, weight) =>
    normalized(
      map(
        (label) => ((weight * before[label]! + (1 - weight) * prior[label]!) * now[label]!) / prior[label]!,
      ),
    ),
  ),
  'evidence decays': folding((before, now, weight) =>
    normalized(map((label) => (before[label]! / prior[label]!) ** weight * now[label]!)),
  ),
};

interface Score {
  readonly accuracy: number;
  /** Mean logarithm of the right label's probability. */
  readonly likelihood: number;
}

function scoreOf(heard: readonly Heard[], posteriors: readonly Probabilities[]): Score {
  let [right, sum] = [0, 0];
  heard.forEach(({ label }, i) => {
    const own = posteriors[i]!;
    if (labels.every((one) => own[label]! >= own[one]!)) right++;
    sum += Math.log(Math.max(own[label]!, 1e-9));
  });
  return { accuracy: right / heard.length, likelihood: sum / heard.length };
}

const mean = (numbers: readonly number[]): number => numbers.reduce((a, b) => a + b, 0) / numbers.length;

const meanScore = (scores: readonly Score[]): Score => ({
  accuracy: mean(scores.map(({ accuracy }) => accuracy)),
  likelihood: mean(scores.map(({ likelihood }) => likelihood)),
});

const HALF_LIVES = Array.from({ length: 29 }, (_, i) => 0.25 * 2 ** (i / 4));

const { items } = await loadSpeech('ravdess', join(speech, 'ravdess'));

const decoded = new Map<string, Promise<Clip[]>>();
function clipsOf(actor: string): Promise<Clip[]> {
  const known = decoded.get(actor) ?? readClips(actor);
  decoded.set(actor, known);
  return known;
}

async function readClips(actor: string): Promise<Clip[]> {
  const own = items.filter(({ speaker }: SpeechItem) => speaker === actor);
  if (own.length === 0) throw new Error(`RAVDESS has no actor ${actor}`);
  return Promise.all(own.map(async (item) => ({ label: item.label, samples: await readClip(item) })));
}

interface Setting {
  readonly hearing: string;
  readonly longest: number;
}

const HEARINGS: Readonly<Record<string, Hearing>> = { segments: bySegments, windows: byWindows };
const kept: Record<string, Heard[]> =
  values.keep !== undefined && existsSync(values.keep)
    ? (JSON.parse(readFileSync(values.keep, 'utf8')) as Record<string, Heard[]>)
    : {};

/** What is heard of each actor's recordings. */
async function heardOf(actors: readonly string[], { hearing, longest }: Setting): Promise<Heard[][][]> {
  const heard: Heard[][][] = [];
  for (const actor of actors) {
    const recordings: Heard[][] = [];
    for (let i = 0; i < Number(values.recordings); i++) {
      const key = [hearing, longest, actor, values.seed, i].join(' ');
      if (!kept[key]) {
        const draw = randomStream(Number(values.seed), `joined ${actor} ${longest}`, i);
        const ordered = orderOf(await clipsOf(actor), longest, draw);
        kept[key] = await HEARINGS[hearing]!(joined(ordered, draw));
        if (values.keep !== undefined) await writeFileAtomic(values.keep, JSON.stringify(kept));
      }
      recordings.push(kept[key]);
    }
    heard.push(recordings);
  }
  return heard;
}

const scoresOf = (
  recordings: readonly (readonly Heard[])[],
  smooth: (heard: readonly Heard[]) => Probabilities[],
): Score => meanScore(recordings.map((one) => scoreOf(one, smooth(one))));

const number = (value: number): string => value.toFixed(3);

const settings = values.hearing.flatMap((hearing) =>
  values.longest.map((longest): Setting => ({ hearing, longest: Number(longest) })),
);
for (const setting of settings) {
  const [fitting, testing] = [
    (await heardOf(values.fit.split(','), setting)).flat(),
    await heardOf(values.test.split(','), setting),
  ];
  const gaps = fitting.flatMap((one) => one.slice(1).map(({ at }, i) => (at - one[i]!.at) / 1000));
  console.log(
    `${setting.hearing}, runs of 1 to ${setting.longest} clips: ${mean(gaps).toFixed(1)} s between observations`,
  );
  const plain = (heard: readonly Heard[]) => heard.map(({ probabilities }) => probabilities);
  const before = testing.map((recordings) => scoresOf(recordings, plain));
  const report = (name: string, smooth: typeof plain): void => {
    const fitted = scoresOf(fitting, smooth);
    const each = testing.map((recordings) => scoresOf(recordings, smooth));
    const tested = meanScore(each);
    const gains = (['accuracy', 'likelihood'] as const).map((which) => {
      const gain = seedInterval(each.map((score, i) => score[which] - before[i]![which]));
      return `${which} gained ${number(gain.mean)} (${number(gain.low ?? NaN)} to ${number(gain.high ?? NaN)})`;
    });
    console.log(
      `  ${name}: fitting actors ${number(fitted.accuracy)}, ${number(fitted.likelihood)}; test actors ` +
        `${number(tested.accuracy)}, ${number(tested.likelihood)}; ${gains.join(', ')}; ` +
        each.map(({ accuracy }) => number(accuracy)).join(' '),
    );
  };
  report('no smoothing', plain);
  for (const [name, smoother] of Object.entries(SMOOTHERS)) {
    const likelihoods = HALF_LIVES.map(
      (halfLife) => scoresOf(fitting, (heard) => smoother(heard, halfLife)).likelihood,
    );
    const best = HALF_LIVES[likelihoods.indexOf(Math.max(...likelihoods))]!;
    report(`${name}, half-life ${best.toFixed(2)} s`, (heard) => smoother(heard, best));
  }
}
await recognizer.dispose();
