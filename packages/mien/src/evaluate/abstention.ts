// From which confidence on to answer, so that of what is answered at most a stated share is wrong.
import { judged } from './confidence.js';
import { wilsonInterval } from './intervals.js';
import type { Scores } from './scores.js';

/** What answering from a confidence on would have meant for held-out items. */
export interface AnswerThreshold {
  /** The smallest largest posterior that is answered. */
  readonly confidence: number;
  /** Share of the items that are. */
  readonly answered: number;
  /** Upper end of Wilson's 95% interval of the share of errors among them. */
  readonly risk: number;
}

/** Shares of items to answer, from all of them down, that thresholds are made for. */
const SHARES = Array.from({ length: 50 }, (_, i) => 1 - i / 50);

/**
 * Thresholds for answering ever fewer of the held-out items, most confident first. The risk is an upper end and not the
 * share of errors itself, since a threshold that is chosen for its few errors has fewer than new items will.
 * Source: Geifman & El-Yaniv 2017, "Selective classification for deep neural networks" (with their bound's exact tail
 * replaced by Wilson's).
 * @throws MienError `shape` when lengths differ.
 */
export function answerThresholds(truth: ArrayLike<number>, posteriors: Scores): AnswerThreshold[] {
  const n = truth.length;
  const items = judged(truth, posteriors).sort((a, b) => b.confidence - a.confidence);
  const found: AnswerThreshold[] = [];
  for (const share of SHARES) {
    const { confidence } = items[Math.max(1, Math.round(share * n)) - 1]!;
    if (found.at(-1)?.confidence === confidence) continue;
    const answered = items.filter((item) => item.confidence >= confidence);
    const errors = answered.reduce((sum, { hit }) => sum + 1 - hit, 0);
    const risk = wilsonInterval(errors, answered.length).high!;
    found.push({ confidence, answered: answered.length / n, risk });
  }
  return found;
}
