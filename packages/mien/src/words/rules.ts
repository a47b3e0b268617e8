// Which token follows: Whisper's rules on the logits, then the likeliest. Source: Radford et al. 2023, section 4.5;
// `SuppressTokens`, `SuppressBlank` and `ApplyTimestampRules` in openai/whisper's decoding.py.
import type { WordsVocabulary } from './vocabulary.js';

export type TokenRules = Pick<
  WordsVocabulary,
  'end' | 'noTimestamps' | 'firstTimestamp' | 'latestStart' | 'suppressed' | 'suppressedFirst'
>;

export interface Chosen {
  readonly token: number;
  /** Natural logarithm of its probability among the tokens that the rules allow. */
  readonly logProbability: number;
}

/**
 * The likeliest token that the rules allow after those that were chosen. Logits `[vocabulary]` are changed in place:
 * those of forbidden tokens become −∞.
 */
export function nextToken(
  logits: Float32Array,
  chosen: readonly number[],
  rules: TokenRules,
  timestamps = true,
): Chosen {
  for (const token of rules.suppressed) logits[token] = -Infinity;
  if (chosen.length === 0) for (const token of rules.suppressedFirst) logits[token] = -Infinity;
  if (timestamps) applyTimestampRules(logits, chosen, rules);
  else logits.fill(-Infinity, rules.noTimestamps);

  let token = 0;
  for (let i = 1; i < logits.length; i++) if (logits[i]! > logits[token]!) token = i;
  return { token, logProbability: logits[token]! - logSumExp(logits, 0, logits.length) };
}

/**
 * Times enclose segments: a window starts with one, each segment ends with one and the next starts with another, which
 * may be the same; times never decrease, and no segment is empty. Where all times together are likelier than any text
 * token, the next token is a time.
 */
function applyTimestampRules(logits: Float32Array, chosen: readonly number[], rules: TokenRules): void {
  const { end, noTimestamps, firstTimestamp, latestStart } = rules;
  const forbid = (from: number, to: number): void => void logits.fill(-Infinity, from, Math.max(from, to));
  const isTime = (token: number | undefined): boolean => token !== undefined && token >= firstTimestamp;
  logits[noTimestamps] = -Infinity;

  const afterTime = isTime(chosen.at(-1));
  const afterPair = afterTime && (chosen.length < 2 || isTime(chosen.at(-2)));
  if (afterPair) forbid(firstTimestamp, logits.length);
  else if (afterTime) forbid(0, end);

  const last = chosen.findLast(isTime);
  if (last !== undefined) forbid(firstTimestamp, afterTime && !afterPair ? last : last + 1);
  if (chosen.length === 0) {
    forbid(0, firstTimestamp);
    forbid(firstTimestamp + latestStart + 1, logits.length);
  }

  let text = -Infinity;
  for (let i = 0; i < firstTimestamp; i++) text = Math.max(text, logits[i]!);
  if (logSumExp(logits, firstTimestamp, logits.length) > text) forbid(0, firstTimestamp);
}

/** log Σ exp over a part; −∞ if all of it is. */
function logSumExp(logits: Float32Array, from: number, to: number): number {
  let most = -Infinity;
  for (let i = from; i < to; i++) most = Math.max(most, logits[i]!);
  if (most === -Infinity) return most;
  let sum = 0;
  for (let i = from; i < to; i++) sum += Math.exp(logits[i]! - most);
  return most + Math.log(sum);
}

/** Probability of a token, before any rule. */
export const probabilityOf = (token: number, logits: Float32Array): number =>
  Math.exp(logits[token]! - logSumExp(logits, 0, logits.length));
