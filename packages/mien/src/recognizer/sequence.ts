// Smooths answers over time: sessions combine frames and utterances into one posterior, `averageFrames` averages a
// camera's answers.
import { defined, MienError, repeated } from 'mien-engine/base';
import { labelsInCommon } from '../data/labels.js';
import { byLabel, restricted, topOf } from './labels.js';
import { priorsUnder } from './prior.js';
import { readItem, type IdentifiedItem } from './read-item.js';
import { trackFaces } from './tracking.js';
import type {
  Moment,
  Observation,
  Probabilities,
  Recognition,
  RecognizeOptions,
  RecognizerInfo,
  Result,
  RecognitionSession,
  RecognitionSessionOptions,
} from './types.js';

/** Seconds after which a frame counts half. */
const FACE_HALF_LIFE = 0.7;
/** Seconds after which an utterance counts half. */
const TEXT_HALF_LIFE = 8;
/** Evidence with a smaller weight, so after ten half-lives, is discarded. */
const MIN_WEIGHT = 2 ** -10;

/**
 * A session over a recogniser. For faces it keeps the exponential moving average of single-frame posteriors, for texts the
 * last utterance. The evidence of each is its posterior divided by its prior, raised to the power of 2^(−age / half-life)
 * with age in seconds, so that it decays towards the prior; after ten half-lives it is discarded. The posterior is the
 * prior of both times the evidence of each, over the labels that they share, so that no prior counts twice. Without
 * evidence there is no label.
 *
 * There is no sequence model: none of the data sets contains sequences, so none could be shown to be better.
 */
export function startSession(
  recognize: (item: IdentifiedItem, options: RecognizeOptions) => Promise<Result>,
  info: Pick<RecognizerInfo, 'labels' | 'priors'>,
  {
    faceHalfLife = FACE_HALF_LIFE,
    textHalfLife = TEXT_HALF_LIFE,
    ...options
  }: RecognitionSessionOptions = {},
): RecognitionSession {
  for (const [field, value] of Object.entries({ faceHalfLife, textHalfLife }))
    if (!(typeof value === 'number' && value > 0))
      throw new MienError('usage', `${field} cannot be ${repeated(value)}`, {
        field,
        hint: 'Expected a number of seconds above 0.',
      });
  const priors = priorsByLabel(info, options);
  let face: Evidence | undefined;
  let text: Evidence | undefined;
  let last = -Infinity;
  const tracker = trackFaces();

  const momentAt = (now: number): Omit<Moment, 'result'> => {
    const current = {
      face: face && decayed(face, priors.face, weightAfter(face.at, now, faceHalfLife)),
      text: text && decayed(text, priors.text, weightAfter(text.at, now, textHalfLife)),
    };
    const probabilities = combined(current, priors);
    return {
      at: now,
      label: current.face || current.text ? topOf(probabilities) : null,
      probabilities,
      ...defined(current),
    };
  };
  return {
    async push(observation: Observation) {
      const now = timeOf(observation) ?? performance.now();
      if (!isTime(now) || now < last)
        throw new MienError('usage', `an observation at ${repeated(now)} ms follows one at ${last} ms`, {
          field: 'at',
          hint: 'Push observations in chronological order, with times in milliseconds.',
        });
      last = now;
      const item = readItem(observation);
      const result = await recognize(item, { ...tracker.options(now), ...options });
      if (item.image !== undefined) tracker.saw(result, now);
      if (!result.error) {
        if (result.face) {
          const { probabilities } = result.face;
          face = { probabilities: averaged(face, probabilities, now, faceHalfLife), at: now };
        }
        if (result.text) text = { probabilities: result.text.probabilities, at: now };
      }
      return { ...momentAt(now), result };
    },
    now: (time = performance.now()) => momentAt(Math.max(time, last)),
  };
}

const isTime = (value: unknown): value is number => Number.isFinite(value);

/** The observation's time, if it has one; undefined when it cannot be read, which `readItem` reports. */
function timeOf(observation: Observation): unknown {
  try {
    const { at } = (observation as Observation | null | undefined) ?? {};
    // Strings and arrays have a method `at`.
    return typeof at === 'function' ? undefined : at;
  } catch {
    return undefined;
  }
}

/** Priors by label; that of the answer is over the labels of both modalities. */
interface Priors {
  readonly face: Probabilities;
  readonly text: Probabilities;
  readonly answer: Probabilities;
}

function priorsByLabel(
  info: Pick<RecognizerInfo, 'labels' | 'priors'>,
  { prior }: Pick<RecognizeOptions, 'prior'>,
): Priors {
  const { labels } = info;
  const priors = priorsUnder(info, prior);
  const face = byLabel(labels.face ?? [], priors.face ?? []);
  const text = byLabel(labels.text ?? [], priors.text ?? []);
  const answer = priors.both ? byLabel(labelsInCommon(labels), priors.both) : priors.text ? text : face;
  return { face, text, answer };
}

/** π · (p / π)^weight, renormalised; undefined when the weight is too small. */
function decayed(
  { probabilities }: Evidence,
  prior: Probabilities,
  weight: number,
): Probabilities | undefined {
  if (weight < MIN_WEIGHT) return undefined;
  return normalized(
    Object.entries(probabilities).map(([label, p]) => [label, prior[label]! * (p / prior[label]!) ** weight]),
  );
}

const normalized = (entries: readonly (readonly [string, number])[]): Probabilities => {
  const total = entries.reduce((sum, [, value]) => sum + value, 0);
  return Object.fromEntries(
    entries.map(([label, value]) => [label, total > 0 ? value / total : 1 / entries.length]),
  );
};

/** The posterior given the decayed posteriors of face and text. */
function combined(
  { face, text }: { readonly face: Probabilities | undefined; readonly text: Probabilities | undefined },
  priors: Priors,
): Probabilities {
  const shared = Object.keys(priors.answer);
  if (face && text) {
    const [f, t] = [restricted(face, shared), restricted(text, shared)];
    const evidence = (label: string): number =>
      (f[label]! / priors.face[label]!) * (t[label]! / priors.text[label]!);
    return normalized(shared.map((label) => [label, priors.answer[label]! * evidence(label)]));
  }
  return face ?? (text ? restricted(text, shared) : priors.answer);
}

/** A posterior observed at a time, in milliseconds. */
interface Evidence {
  readonly probabilities: Probabilities;
  readonly at: number;
}

/** The weight that remains of evidence after a time, in milliseconds; the half-life is in seconds. */
const weightAfter = (from: number, now: number, halfLife: number): number =>
  2 ** (-(now - from) / 1000 / halfLife);

/** The average so far, updated with a new posterior over the same labels; times are in milliseconds. */
export function averaged(
  average: Evidence | undefined,
  probabilities: Probabilities,
  now: number,
  halfLife: number,
): Probabilities {
  if (!average) return probabilities;
  const weight = weightAfter(average.at, now, halfLife);
  return Object.fromEntries(
    Object.entries(probabilities).map(([label, p]) => [
      label,
      weight * (average.probabilities[label] ?? p) + (1 - weight) * p,
    ]),
  );
}

/**
 * Replaces the posteriors of each frame's answer and face by their averages over the frames so far. Averaging restarts
 * when no face is found, and when a text appears or disappears.
 */
export function averageFrames(halfLife = FACE_HALF_LIFE): (result: Result, at: number) => Result {
  let previous: { answer: Recognition; at: number } | undefined;
  return (result, at) => {
    if (result.error || !result.face) {
      previous = undefined;
      return result;
    }
    const last = previous?.answer.from === result.from ? previous : undefined;
    const update = (current: Probabilities, average: Probabilities | undefined): Probabilities =>
      averaged(last && average && { probabilities: average, at: last.at }, current, at, halfLife);
    const probabilities = update(result.probabilities, last?.answer.probabilities);
    const face = update(result.face.probabilities, last?.answer.face?.probabilities);
    const answer: Recognition = {
      ...result,
      probabilities,
      label: topOf(probabilities),
      face: { ...result.face, probabilities: face, label: topOf(face) },
    };
    previous = { answer, at };
    return answer;
  };
}
