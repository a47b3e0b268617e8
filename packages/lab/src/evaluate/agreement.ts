// How often two views of an item seem to express one label, as the answer that allows for contradictions assumes it.
import type { Scores } from 'mien/parts/evaluate';

/** Posteriors `[n, labels]` of two modalities under one prior, and the items' labels. */
export interface TwoViews {
  readonly first: Scores;
  readonly second: Scores;
  readonly truth: ArrayLike<number>;
}

const GRID = Array.from({ length: 100 }, (_, i) => (i + 1) / 100);
const TINY = 1e-12;

/** Of one item's label: what both views together say of it, what they say on average, and whether they can mean one. */
interface Evidence {
  /** p(y) q(y) / π(y) of the label. */
  readonly together: number;
  /** (p(y) + q(y)) / 2 of the label. */
  readonly apart: number;
  /** s = Σ p q / π over all labels. */
  readonly joint: number;
}

function evidenceOf({ first, second, truth }: TwoViews, prior: readonly number[]): Evidence[] {
  const { classes } = first;
  return Array.from(truth, (label, i) => {
    const both = prior.map((share, y) => {
      const place = i * classes + y;
      return (first.data[place]! * second.data[place]!) / share;
    });
    const place = i * classes + label;
    return {
      together: both[label]!,
      apart: (first.data[place]! + second.data[place]!) / 2,
      joint: both.reduce((sum, value) => sum + value, 0),
    };
  });
}

/**
 * The α, in hundredths, under which the labels are most likely if both views express the item's label with probability α,
 * and labels of their own otherwise:
 *
 *     p(one label) = α s / (α s + 1 − α)
 *     answer       = p(one label) · p q / (π s) + (1 − p(one label)) · (p + q) / 2
 *
 * @param views of each training
 */
export function fitAgreement(views: readonly TwoViews[], prior: readonly number[]): number {
  const items = views.flatMap((one) => evidenceOf(one, prior));
  const likelihoods = GRID.map((alpha) =>
    items.reduce((sum, { together, apart, joint }) => {
      const answer = (alpha * together + (1 - alpha) * apart) / (alpha * joint + 1 - alpha);
      return sum + Math.log(answer + TINY);
    }, 0),
  );
  return GRID[likelihoods.indexOf(Math.max(...likelihoods))]!;
}
