// Times contenders against each other, round by round in turn, so that what else the machine does meets all of them.
import { setTimeout } from 'node:timers/promises';

/** Something that does the benchmark's work once and says how many seconds it took. */
export interface Contender {
  readonly name: string;
  round(): Promise<number>;
  close(): Promise<void>;
}

export interface Comparison {
  readonly title: string;
  /** What is counted, and how much of it one round does: `{ unit: 'texts', count: 7641 }`. */
  readonly work: { readonly unit: string; readonly count: number };
  readonly ours: Contender;
  readonly peers: readonly Contender[];
  /** Lines below the table: what was found out on the way, such as how well the outputs agree. */
  readonly notes: readonly string[];
  /** How often each contender is measured, unless something else is asked for. */
  readonly rounds?: number;
}

export interface Spread {
  readonly median: number;
  readonly min: number;
  readonly max: number;
}

export interface Timing extends Spread {
  readonly name: string;
  /** Seconds of each round. */
  readonly seconds: readonly number[];
  /** How many times as long as ours the contender took, round by round; missing for ourselves. */
  readonly ratio?: Spread;
}

export interface Measured extends Pick<Comparison, 'title' | 'work' | 'notes'> {
  readonly timings: readonly Timing[];
}

/** Idle threads of the contender before may spin for a while; by then they sleep. */
const PAUSE_MS = 300;

/**
 * Runs every contender once to warm up and then `rounds` times in turn; each round begins with another contender.
 * All are closed afterwards.
 */
export async function compare(
  { title, work, ours, peers, notes }: Comparison,
  rounds: number,
  onRound: (name: string, seconds: number) => void = () => undefined,
): Promise<Measured> {
  const contenders = [ours, ...peers];
  const seconds = new Map(contenders.map((contender) => [contender, [] as number[]]));
  try {
    for (const contender of contenders) await contender.round();
    for (let round = 0; round < rounds; round++)
      for (let i = 0; i < contenders.length; i++) {
        const contender = contenders[(round + i) % contenders.length]!;
        await setTimeout(PAUSE_MS);
        const taken = await contender.round();
        seconds.get(contender)!.push(taken);
        onRound(contender.name, taken);
      }
  } finally {
    for (const contender of contenders) await contender.close();
  }
  const own = seconds.get(ours)!;
  const timings = contenders.map((contender) => {
    const taken = seconds.get(contender)!;
    const ratio = contender === ours ? {} : { ratio: spread(taken.map((value, i) => value / own[i]!)) };
    return { name: contender.name, seconds: taken, ...spread(taken), ...ratio };
  });
  return { title, work, notes, timings };
}

export function spread(values: readonly number[]): Spread {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  const median = sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
  return { median, min: sorted[0]!, max: sorted.at(-1)! };
}

/** Seconds that `work` takes. */
export async function timed(work: () => Promise<unknown>): Promise<number> {
  const start = performance.now();
  await work();
  return (performance.now() - start) / 1000;
}

/** The smallest cosine between rows of the same index of two matrices with rows of `width` numbers. */
export function smallestCosine(a: Float32Array, b: Float32Array, width: number): number {
  if (a.length !== b.length) throw new Error(`${a.length} and ${b.length} numbers cannot be compared`);
  let smallest = 1;
  for (let start = 0; start < a.length; start += width) {
    let [dot, normA, normB] = [0, 0, 0];
    for (let i = start; i < start + width; i++) {
      dot += a[i]! * b[i]!;
      normA += a[i]! ** 2;
      normB += b[i]! ** 2;
    }
    smallest = Math.min(smallest, dot / Math.sqrt(normA * normB));
  }
  return smallest;
}
