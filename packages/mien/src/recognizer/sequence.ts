// Smooths answers over time: sessions combine frames and utterances into one posterior, `averageFrames` averages a
// camera's answers.
import { MienError, repeated } from 'mien-engine/base';
import { labelsInCommon } from '../data/labels.js';
import { modalities as listed, type Modality } from '../modalities/list.js';
import type { Modalities, ModalityDefinition, OverTime } from '../modalities/modality.js';
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

/** Evidence with a smaller weight, so after ten half-lives, is discarded. */
const MIN_WEIGHT = 2 ** -10;

/** The option with a modality's half-life. */
export const halfLifeOption = (name: string) => `${name as Modality}HalfLife` as const;

/**
 * A session over a recogniser. Of each modality it keeps one posterior, combined and decaying as its `overTime` says: of
 * faces the exponential moving average, of texts the last utterance's, of voices the forward pass of a hidden Markov model.
 * After ten half-lives it is discarded. The evidence of a modality is what is left of that posterior divided by its prior;
 * the posterior of the session is the prior of all times the evidence of each, over the labels that they share, so that no
 * prior counts twice. Without evidence there is no label.
 */
export function startSession(
  recognize: (item: IdentifiedItem, options: RecognizeOptions) => Promise<Result>,
  info: Pick<RecognizerInfo, 'labels' | 'priors'>,
  given: RecognitionSessionOptions = {},
  all: Modalities = listed,
): RecognitionSession {
  const { sides, options } = sidesOf(given, all);
  const priors = priorsByLabel(info, options, sides);
  const kept = new Map<string, Evidence>();
  let last = -Infinity;
  const tracker = trackFaces();

  const momentAt = (now: number): Omit<Moment, 'result'> => {
    const current = sides.flatMap(({ name, halfLife, alone, combine }) => {
      const own = kept.get(name);
      const weight = own ? weightAfter(own.at, now, halfLife) : 0;
      if (!own || weight < MIN_WEIGHT) return [];
      const posterior = COMBINATIONS[combine].left(own.probabilities, weight, priors.of[name]!);
      return [{ name, alone, posterior }];
    });
    const probabilities = combined(current, priors);
    return {
      at: now,
      label: current.length > 0 ? topOf(probabilities) : null,
      probabilities,
      ...Object.fromEntries(current.map(({ name, posterior }) => [name, posterior])),
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
      const item = readItem(observation, all);
      const result = await recognize(item, { ...tracker.options(now), ...options });
      if (item.image !== undefined) tracker.saw(result, now);
      if (!result.error)
        for (const { name, halfLife, combine } of sides) {
          const probabilities = result[name as Modality]?.probabilities;
          if (!probabilities) continue;
          const before = kept.get(name);
          const next = (own: Evidence): Probabilities =>
            COMBINATIONS[combine].next(
              own.probabilities,
              probabilities,
              weightAfter(own.at, now, halfLife),
              priors.of[name]!,
            );
          kept.set(name, { probabilities: before ? next(before) : probabilities, at: now });
        }
      return { ...momentAt(now), result };
    },
    now: (time = performance.now()) => momentAt(Math.max(time, last)),
  };
}

/** A modality in a session. */
interface Side extends Pick<ModalityDefinition, 'name' | 'alone'>, OverTime {}

/** The modalities with their half-lives, and the options that are left. @throws MienError `usage` for an impossible one. */
function sidesOf(
  given: RecognitionSessionOptions,
  all: Modalities,
): { readonly sides: readonly Side[]; readonly options: RecognizeOptions } {
  const sides = Object.values(all).map(({ name, alone, overTime }): Side => {
    const field = halfLifeOption(name);
    const halfLife: unknown = given[field] ?? overTime.halfLife;
    if (!(typeof halfLife === 'number' && halfLife > 0))
      throw new MienError('usage', `${field} cannot be ${repeated(halfLife)}`, {
        field,
        hint: 'Expected a number of seconds above 0.',
      });
    return { name, alone, combine: overTime.combine, halfLife };
  });
  const fields: readonly string[] = sides.map(({ name }) => halfLifeOption(name));
  const options = Object.fromEntries(Object.entries(given).filter(([field]) => !fields.includes(field)));
  return { sides, options };
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

/** Priors by label: of each modality, and of the answer over the labels of all modalities. */
interface Priors {
  readonly of: Readonly<Record<string, Probabilities>>;
  readonly answer: Probabilities;
}

function priorsByLabel(
  info: Pick<RecognizerInfo, 'labels' | 'priors'>,
  { prior }: Pick<RecognizeOptions, 'prior'>,
  sides: readonly Side[],
): Priors {
  const { labels } = info;
  const priors = priorsUnder(info, prior);
  const of = Object.fromEntries(
    sides.flatMap(({ name }) => {
      const own = labels[name as Modality];
      return own ? [[name, byLabel(own, priors[name as Modality] ?? [])]] : [];
    }),
  );
  const [only = {}] = Object.values(of);
  return { of, answer: priors.both ? byLabel(labelsInCommon(labels), priors.both) : only };
}

/** How posteriors over time become one; weights are 2^(−seconds / half-life). */
interface Combination {
  /** The posterior after one more observation, the weight being that of the one before. */
  next(before: Probabilities, now: Probabilities, weight: number, prior: Probabilities): Probabilities;
  /** What is left of a posterior after a time. */
  left(posterior: Probabilities, weight: number, prior: Probabilities): Probabilities;
}

/** π · (p / π)^weight, renormalised. */
const tempered: Combination['left'] = (posterior, weight, prior) =>
  normalized(
    Object.entries(posterior).map(([label, p]) => [label, prior[label]! * (p / prior[label]!) ** weight]),
  );

/** weight · p + (1 − weight) · q */
const mixed = (p: Probabilities, q: Probabilities, weight: number): Probabilities =>
  Object.fromEntries(
    Object.entries(q).map(([label, value]) => [label, weight * (p[label] ?? value) + (1 - weight) * value]),
  );

const COMBINATIONS: Readonly<Record<OverTime['combine'], Combination>> = {
  average: { next: mixed, left: tempered },
  last: { next: (_, now) => now, left: tempered },
  forward: {
    next: (before, now, weight, prior) =>
      normalized(
        Object.entries(mixed(before, prior, weight)).map(([label, p]) => [
          label,
          (p * now[label]!) / prior[label]!,
        ]),
      ),
    left: (posterior, weight, prior) => mixed(posterior, prior, weight),
  },
};

const normalized = (entries: readonly (readonly [string, number])[]): Probabilities => {
  const total = entries.reduce((sum, [, value]) => sum + value, 0);
  return Object.fromEntries(
    entries.map(([label, value]) => [label, total > 0 ? value / total : 1 / entries.length]),
  );
};

/** The posterior given the decayed posteriors of some modalities. */
function combined(
  current: readonly (Pick<Side, 'name' | 'alone'> & { readonly posterior: Probabilities })[],
  { of, answer }: Priors,
): Probabilities {
  const shared = Object.keys(answer);
  const [first] = current;
  if (!first) return answer;
  if (current.length === 1)
    return first.alone === 'own' ? first.posterior : restricted(first.posterior, shared);
  const evidence = current.map(({ name, posterior }) => {
    const own = restricted(posterior, shared);
    return (label: string): number => own[label]! / of[name]![label]!;
  });
  return normalized(
    shared.map((label) => [
      label,
      answer[label]! * evidence.reduce((product, one) => product * one(label), 1),
    ]),
  );
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
  return average
    ? mixed(average.probabilities, probabilities, weightAfter(average.at, now, halfLife))
    : probabilities;
}

/**
 * Replaces the posteriors of each frame's answer and face by their averages over the frames so far. Averaging restarts
 * when no face is found, and when a text appears or disappears.
 */
export function averageFrames(
  halfLife = listed.face.overTime.halfLife,
): (result: Result, at: number) => Result {
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
