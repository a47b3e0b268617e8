// What each modality did for a decision: the Shapley values of a game of as many players.
// Source: Shapley 1953, "A Value for n-Person Games".
import { subsetsOf } from '../bundle/decision.js';
import type { Contribution, Explanation, Modality, Probabilities } from './types.js';

/** Probabilities nearer to 0 or 1 than this are not told apart. */
const LEAST = 1e-9;

/** log p / (1 − p) of a label; 1 − p is the sum of the others, which is exact where p is near 1. */
export function logOddsOf(probabilities: Probabilities, label: string): number {
  const others = Object.entries(probabilities).reduce((sum, [one, p]) => (one === label ? sum : sum + p), 0);
  return Math.log(Math.max(probabilities[label] ?? 0, LEAST)) - Math.log(Math.max(others, LEAST));
}

/**
 * The game's worth of a coalition is the label's log-odds in the answer that the recogniser has from it: with all, the
 * answer itself; with some, what these say of the answer's labels; with none, their prior. No input is made up for what
 * is absent.
 * @param answerOf the answer by these of the modalities, over the labels of the answer by all
 */
export function sharesOf(
  players: readonly Modality[],
  answerOf: (some: readonly Modality[]) => Probabilities,
  label: string,
): NonNullable<Explanation['shares']> {
  const worth = new Map(
    subsetsOf(players, 0).map((some) => [some.join(), logOddsOf(answerOf(some), label)] as const),
  );
  const values = players.map((player) => {
    const others = players.filter((one) => one !== player);
    // Grouped by how many came before: each number of them is as likely, and each set of that number.
    const bySize = Array.from({ length: players.length }, (_, size) => {
      const before = subsetsOf(others, size).filter(({ length }) => length === size);
      const added = before.map((some) => {
        const withPlayer = players.filter((one) => one === player || some.includes(one));
        return worth.get(withPlayer.join())! - worth.get(some.join())!;
      });
      return added.reduce((a, b) => a + b) / added.length;
    });
    return bySize.reduce((a, b) => a + b) / players.length;
  });
  const moved = values.reduce((sum, value) => sum + Math.abs(value), 0);
  const contributions = players.map((player, i): [Modality, Contribution] => [
    player,
    { value: values[i]!, share: moved > 0 ? Math.abs(values[i]!) / moved : 1 / players.length },
  ]);
  return { base: worth.get('')!, ...Object.fromEntries(contributions) };
}
