// Summary of a timeline: for each person the time on screen, labels and mean posteriors.
import type { Probabilities } from '../recognizer/types.js';
import type { MediaNote } from './media.js';
import type { TimelineRow } from './timeline.js';

/** A person, or the speech that is assigned to nobody on screen (`person` null). */
export interface PersonSummary {
  readonly person: number | null;
  /** When first and last, in seconds. */
  readonly first: number;
  readonly last: number;
  /** Rows times the seconds between frames. */
  readonly seconds: number;
  /** Mean of `fused`, over the rows. */
  readonly mean: Probabilities;
  /** Share of the rows in which each label was the most probable; those that never were are left out. */
  readonly labels: Probabilities;
  /** Mean agreement over the rows that have one. */
  readonly agreement?: number;
}

/** What `mien watch` tells of a recording. */
export interface RecordingSummary {
  readonly file: string;
  /** Length as the file states it, in seconds, if it does. */
  readonly seconds: number | null;
  readonly every: number;
  readonly bundle: string;
  readonly decoder: string;
  readonly video: { readonly width: number; readonly height: number } | null;
  readonly sound: boolean;
  readonly notes: readonly (MediaNote | 'no-face' | 'voice-unread' | 'unclear-words')[];
  readonly rows: number;
  readonly people: readonly PersonSummary[];
}

interface Sums {
  rows: number;
  first: number;
  last: number;
  readonly fused: Map<string, number>;
  readonly labels: Map<string, number>;
  agreement: number;
  compared: number;
}

const add = (to: Map<string, number>, name: string, value: number): void => {
  to.set(name, (to.get(name) ?? 0) + value);
};

/** Adds up rows one by one; memory grows with the number of people only. */
export function summing(every: number): { add(row: TimelineRow): void; result(): PersonSummary[] } {
  const people = new Map<number | null, Sums>();
  return {
    add({ person, time, fused, label, agreement }) {
      let sums = people.get(person);
      if (!sums) {
        sums = {
          rows: 0,
          first: time,
          last: time,
          fused: new Map(),
          labels: new Map(),
          agreement: 0,
          compared: 0,
        };
        people.set(person, sums);
      }
      sums.rows++;
      sums.last = time;
      for (const [name, p] of Object.entries(fused)) add(sums.fused, name, p);
      add(sums.labels, label, 1);
      if (agreement === undefined) return;
      sums.agreement += agreement;
      sums.compared++;
    },
    result: () =>
      [...people]
        // People in the order of their numbers, and nobody last.
        .sort(([a], [b]) => (a ?? Infinity) - (b ?? Infinity))
        .map(([person, { rows, first, last, fused, labels, agreement, compared }]) => ({
          person,
          first,
          last,
          seconds: rounded(rows * every),
          mean: shares(fused, rows),
          labels: shares(labels, rows),
          ...(compared > 0 ? { agreement: rounded(agreement / compared) } : {}),
        })),
  };
}

const rounded = (value: number): number => Number(value.toFixed(4));
const shares = (sums: ReadonlyMap<string, number>, rows: number): Probabilities =>
  Object.fromEntries([...sums].map(([name, sum]) => [name, rounded(sum / rows)]));
