// Frames and utterances as they come: a posterior over time that neither jumps with every frame nor forgets what was said.
import { defined, MienError, repeated } from 'mien-engine/base';
import { labelsInCommon } from '../data/labels.js';
import { byLabel, restricted, topOf } from './labels.js';
import { priorsUnder } from './prior.js';
import { readItem, type NamedItem } from './read-item.js';
import { averaged, FACE_HALF_LIFE, left, type Evidence } from './smoothing.js';
import { trackFaces } from './tracking.js';
import type {
  Moment,
  Observation,
  Probabilities,
  RecognizeOptions,
  RecognizerInfo,
  Result,
  Session,
  SessionOptions,
} from './types.js';

const TEXT_HALF_LIFE = 8;
/** What has less weight than this, after ten half-lives, says nothing any more. */
const FORGOTTEN = 2 ** -10;

/**
 * A session over a recogniser. Faces: the exponential moving average of single-frame posteriors. Texts: the last
 * utterance. What each says is its evidence: the posterior divided by the prior under which it is stated. Evidence that is
 * `age` seconds old counts to the power of 2^(−age / half-life), so that it fades into the prior, and after ten half-lives
 * it is forgotten. Face and text together are the prior of both times the evidence of each, over the labels that they
 * share, so that no prior counts twice. Without either there is no label.
 *
 * There is no model of sequences behind it: none of the data sets has any, so that none could be shown to be better.
 */
export function startSession(
  recognize: (item: NamedItem, options: RecognizeOptions) => Promise<Result>,
  info: Pick<RecognizerInfo, 'labels' | 'priors'>,
  { faceHalfLife = FACE_HALF_LIFE, textHalfLife = TEXT_HALF_LIFE, ...options }: SessionOptions = {},
): Session {
  for (const [field, value] of Object.entries({ faceHalfLife, textHalfLife }))
    if (!(typeof value === 'number' && value > 0))
      throw new MienError('usage', `a half-life of ${repeated(value)} seconds is not possible`, { field });
  const priors = priorsByLabel(info, options);
  let face: Evidence | undefined;
  let text: Evidence | undefined;
  let last = -Infinity;
  const tracker = trackFaces();

  const at = (now: number): Omit<Moment, 'result'> => {
    const seen = face && faded(face, priors.face!, left(face.at, now, faceHalfLife));
    const said = text && faded(text, priors.text!, left(text.at, now, textHalfLife));
    const probabilities = combined(seen, said, priors);
    return {
      at: now,
      label: seen || said ? topOf(probabilities) : null,
      probabilities,
      ...defined({ face: seen, text: said }),
    };
  };
  return {
    async push(observation: Observation) {
      const now = timeOf(observation) ?? performance.now();
      if (!isTime(now) || now < last)
        throw new MienError('usage', `an observation at ${repeated(now)} ms comes after one at ${last} ms`, {
          field: 'at',
          hint: 'Push observations in the order of their time, in milliseconds.',
        });
      last = now;
      const item = readItem(observation);
      const result = await recognize(item, { ...tracker.options(now), ...options });
      if (item.image !== undefined) tracker.saw(result, now);
      if (!result.error) {
        if (result.face) {
          const before = face;
          const one = result.face.probabilities;
          face = { probabilities: before ? averaged(before, one, now, faceHalfLife) : one, at: now };
        }
        if (result.text) text = { probabilities: result.text.probabilities, at: now };
      }
      return { ...at(now), result };
    },
    now: (time = performance.now()) => at(Math.max(time, last)),
  };
}

const isTime = (value: unknown): value is number => Number.isFinite(value);

/** The time that an observation bears; none where it cannot be read, which `readItem` will say. */
function timeOf(observation: Observation): unknown {
  try {
    const { at } = (observation as Observation | null | undefined) ?? {};
    // Strings and arrays have a method of that name.
    return typeof at === 'function' ? undefined : at;
  } catch {
    return undefined;
  }
}

/** The priors under which face, text and the answer to both are stated, by label; the answer's is over the shared labels. */
interface Priors {
  readonly face: Probabilities | undefined;
  readonly text: Probabilities | undefined;
  readonly answer: Probabilities;
}

function priorsByLabel(
  info: Pick<RecognizerInfo, 'labels' | 'priors'>,
  { prior }: Pick<RecognizeOptions, 'prior'>,
): Priors {
  const { face, text, both } = priorsUnder(info, prior);
  const named = {
    face: face && byLabel(info.labels.face!, face),
    text: text && byLabel(info.labels.text!, text),
  };
  const answer = both ? byLabel(labelsInCommon(info.labels), both) : (named.text ?? named.face)!;
  return { ...named, answer };
}

/** π · (p / π)^weight, renormalised; undefined once it is forgotten. */
function faded({ probabilities }: Evidence, prior: Probabilities, weight: number): Probabilities | undefined {
  if (weight < FORGOTTEN) return undefined;
  const given = Object.entries(probabilities);
  return normalized(given.map(([label, p]) => [label, prior[label]! * (p / prior[label]!) ** weight]));
}

const normalized = (entries: readonly (readonly [string, number])[]): Probabilities => {
  const total = entries.reduce((sum, [, value]) => sum + value, 0);
  return Object.fromEntries(
    entries.map(([label, value]) => [label, total > 0 ? value / total : 1 / entries.length]),
  );
};

/** The answer from what face and text still say. */
function combined(
  face: Probabilities | undefined,
  text: Probabilities | undefined,
  priors: Priors,
): Probabilities {
  const shared = Object.keys(priors.answer);
  if (face && text) {
    const [f, t] = [restricted(face, shared), restricted(text, shared)];
    const evidence = (label: string): number =>
      (f[label]! / priors.face![label]!) * (t[label]! / priors.text![label]!);
    return normalized(shared.map((label) => [label, priors.answer[label]! * evidence(label)]));
  }
  return face ?? (text ? restricted(text, shared) : priors.answer);
}
