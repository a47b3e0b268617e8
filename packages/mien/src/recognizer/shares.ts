// What each modality did for a decision: the Shapley values of a game of two players.
// Source: Shapley 1953, "A Value for n-Person Games".
import type { Explanation, Probabilities } from './types.js';

/** Probabilities nearer to 0 or 1 than this are not told apart. */
const LEAST = 1e-9;

/** log p / (1 − p) of a label; 1 − p is the sum of the others, which is exact where p is near 1. */
export function logOddsOf(probabilities: Probabilities, label: string): number {
  const others = Object.entries(probabilities).reduce((sum, [one, p]) => (one === label ? sum : sum + p), 0);
  return Math.log(Math.max(probabilities[label] ?? 0, LEAST)) - Math.log(Math.max(others, LEAST));
}

/**
 * The game's worth of a coalition is the label's log-odds in the answer that the recogniser has from it: with both, the
 * answer itself; with one, what that one says of the answer's labels; with none, their prior. No input is made up for
 * what is absent.
 */
export function sharesOf(
  { both, text, face, prior }: Readonly<Record<'both' | 'text' | 'face' | 'prior', Probabilities>>,
  label: string,
): NonNullable<Explanation['shares']> {
  const worth = (answer: Probabilities): number => logOddsOf(answer, label);
  const [all, byText, byFace, base] = [worth(both), worth(text), worth(face), worth(prior)];
  const value = (own: number, other: number): number => (own - base + (all - other)) / 2;
  const [textValue, faceValue] = [value(byText, byFace), value(byFace, byText)];
  const moved = Math.abs(textValue) + Math.abs(faceValue);
  const contribution = (of: number) => ({ value: of, share: moved > 0 ? Math.abs(of) / moved : 0.5 });
  return { base, text: contribution(textValue), face: contribution(faceValue) };
}
