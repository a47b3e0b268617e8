// Frames and utterances as they come: a posterior over time that neither jumps with every frame nor forgets what was said.
import { MienError } from '../base/errors.js';
import { repeated } from '../base/quote.js';
import { restricted, topOf } from './labels.js';
import { readItem, type NamedItem } from './read-item.js';
import { averaged, FACE_HALF_LIFE, left, type Evidence } from './smoothing.js';
import { trackFaces } from './tracking.js';
import type {
  Moment,
  Observation,
  Probabilities,
  RecognizeOptions,
  Result,
  Session,
  SessionOptions,
} from './types.js';

const TEXT_HALF_LIFE = 8;
/** What has less weight than this, after ten half-lives, says nothing any more. */
const FORGOTTEN = 2 ** -10;

/**
 * A session over a recogniser. Faces: the exponential moving average of single-frame posteriors. Texts: the last
 * utterance. What is `age` seconds old counts as its posterior to the power of 2^(−age / half-life), so that it fades
 * into an even distribution, and after ten half-lives it is forgotten; face and text are multiplied over the labels they
 * share. Without either there is no label.
 *
 * There is no model of sequences behind it: none of the data sets has any, so that none could be shown to be better.
 */
export function startSession(
  recognize: (item: NamedItem, options: RecognizeOptions) => Promise<Result>,
  shared: readonly string[],
  { faceHalfLife = FACE_HALF_LIFE, textHalfLife = TEXT_HALF_LIFE, ...options }: SessionOptions = {},
): Session {
  for (const [field, value] of Object.entries({ faceHalfLife, textHalfLife }))
    if (!(typeof value === 'number' && value > 0))
      throw new MienError('usage', `a half-life of ${repeated(value)} seconds is not possible`, { field });
  let face: Evidence | undefined;
  let text: Evidence | undefined;
  let last = -Infinity;
  const tracker = trackFaces();

  const at = (now: number): Omit<Moment, 'result'> => {
    const seen = face && faded(face, now, faceHalfLife);
    const said = text && faded(text, now, textHalfLife);
    const probabilities = combined(seen, said, shared);
    return {
      at: now,
      label: seen || said ? topOf(probabilities) : null,
      probabilities,
      ...(seen ? { face: seen } : {}),
      ...(said ? { text: said } : {}),
    };
  };
  return {
    async push(observation: Observation) {
      const now = timeOf(observation) ?? performance.now();
      if (!isTime(now) || now < last)
        throw new MienError('usage', `an observation at ${repeated(now)} ms comes after one at ${last} ms`, {
          ...{ field: 'at', hint: 'Push observations in the order of their time, in milliseconds.' },
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

function faded({ probabilities, at }: Evidence, now: number, halfLife: number): Probabilities | undefined {
  const weight = left(at, now, halfLife);
  if (weight < FORGOTTEN) return undefined;
  return normalized(Object.entries(probabilities).map(([label, p]) => [label, p ** weight]));
}

const normalized = (entries: readonly (readonly [string, number])[]): Probabilities => {
  const total = entries.reduce((sum, [, value]) => sum + value, 0);
  return Object.fromEntries(
    entries.map(([label, value]) => [label, total > 0 ? value / total : 1 / entries.length]),
  );
};

function combined(
  face: Probabilities | undefined,
  text: Probabilities | undefined,
  shared: readonly string[],
): Probabilities {
  if (face && text) {
    const [f, t] = [restricted(face, shared), restricted(text, shared)];
    return normalized(shared.map((label) => [label, f[label]! * t[label]!]));
  }
  if (face) return face;
  return text ? restricted(text, shared) : normalized(shared.map((label) => [label, 1]));
}
