// Tracks people from frame to frame: faces become numbered people by where they are and what they look like.
import type { Box } from '../detector/face.js';
import { overlapOf } from '../detector/suppression.js';
import type { DecodedImage } from '../encoders/encoder.js';

/** Someone who was seen: plain data, kept in checkpoints. */
export interface Person {
  /** From 1, in the order of appearance. */
  readonly id: number;
  /** When last, in seconds. */
  readonly seen: number;
  /** Where last, in pixels of the frame. */
  readonly box: Box;
  /** What the head and its surroundings looked like last: mean colours of a grid's cells, −1 outside the frame. */
  readonly look: readonly number[];
}

/** Seconds for which a face that was lost is expected near its last place. */
const LOST = 2;
/** Overlap of boxes that continues a face from one frame to the next. */
const OVERLAP = 0.3;
/** How far a lost face may have moved, in its widths, and by which factor it may have grown or shrunk. */
const NEAR = 1.5;
const GROWN = 1.6;
/**
 * Differences of looks, in grey levels: up to the first, overlapping boxes are one face (light and heads move; a cut to
 * another shot differs by more), up to the second one nearby, and up to the third a face anywhere, at any later time.
 */
const SAME_PLACE = 45;
const NEAR_PLACE = 30;
const ANY_PLACE = 14;
/** Most people that are remembered; the one that was seen least recently is forgotten. */
const MOST_PEOPLE = 64;

const COLUMNS = 6;
const ROWS = 8;
/** Samples of a cell along each axis. */
const SAMPLES = 4;

/** Mean colours, `[ROWS, COLUMNS, 3]`, of the head and shoulders around a face, rounded; −1 outside the frame. */
export function lookOf({ width, height, data }: DecodedImage, box: Box): number[] {
  const [left, top] = [box.x - 0.7 * box.width, box.y - 0.6 * box.height];
  const [wide, high] = [2.4 * box.width, 3.2 * box.height];
  const look: number[] = [];
  for (let cell = 0; cell < ROWS * COLUMNS; cell++) {
    const sum = [0, 0, 0];
    let count = 0;
    for (let sample = 0; sample < SAMPLES * SAMPLES; sample++) {
      const u = (cell % COLUMNS) + ((sample % SAMPLES) + 0.5) / SAMPLES;
      const v = Math.floor(cell / COLUMNS) + (Math.floor(sample / SAMPLES) + 0.5) / SAMPLES;
      const [x, y] = [Math.floor(left + (u / COLUMNS) * wide), Math.floor(top + (v / ROWS) * high)];
      if (x < 0 || y < 0 || x >= width || y >= height) continue;
      for (let c = 0; c < 3; c++) sum[c]! += data[3 * (y * width + x) + c]!;
      count++;
    }
    for (const total of sum) look.push(count > 0 ? Math.round(total / count) : -1);
  }
  return look;
}

/** Mean absolute difference over the cells inside both frames, in grey levels; infinite if too few are. */
function differenceOf(a: readonly number[], b: readonly number[]): number {
  let [sum, count] = [0, 0];
  for (const [i, value] of a.entries()) {
    if (value < 0 || b[i]! < 0) continue;
    sum += Math.abs(value - b[i]!);
    count++;
  }
  return count >= a.length / 3 ? sum / count : Infinity;
}

/** A face of one frame. */
export interface SeenFace {
  readonly box: Box;
  readonly look: readonly number[];
}

/** How well a face continues a person: higher is better, undefined if it does not. */
function likeness(person: Person, face: SeenFace, at: number): number | undefined {
  const difference = differenceOf(person.look, face.look);
  if (at - person.seen <= LOST) {
    const overlap = overlapOf(person.box, face.box);
    if (overlap >= OVERLAP && difference <= SAME_PLACE) return 2 + overlap;
    if (isNear(person.box, face.box) && difference <= NEAR_PLACE) return 1 + (1 - difference / NEAR_PLACE);
  }
  return difference <= ANY_PLACE ? 1 - difference / ANY_PLACE : undefined;
}

function isNear(a: Box, b: Box): boolean {
  const [dx, dy] = [a.x + a.width / 2 - b.x - b.width / 2, a.y + a.height / 2 - b.y - b.height / 2];
  const growth = Math.max(a.width / b.width, b.width / a.width);
  return Math.hypot(dx, dy) <= NEAR * Math.max(a.width, b.width) && growth <= GROWN;
}

/**
 * The person of each face of a frame, and everyone known after it. Faces continue people where boxes overlap, then
 * those nearby who were lost for a moment, then those whose head, hair and clothes looked the same at any earlier time;
 * others are new. A cut to another face at the same place is noticed by its look. This is not face recognition: a
 * person who comes back in other clothes or light counts as new.
 * @param count people so far
 */
export function identify(
  people: readonly Person[],
  faces: readonly SeenFace[],
  at: number,
  count: number,
): { readonly ids: readonly number[]; readonly people: readonly Person[]; readonly count: number } {
  const pairs = people.flatMap((person, p) =>
    faces.flatMap((face, f) => {
      const score = likeness(person, face, at);
      return score === undefined ? [] : [{ p, f, score }];
    }),
  );
  const owner = new Map<number, number>();
  const taken = new Set<number>();
  for (const { p, f } of pairs.sort((a, b) => b.score - a.score)) {
    if (owner.has(f) || taken.has(p)) continue;
    owner.set(f, p);
    taken.add(p);
  }
  let total = count;
  const ids = faces.map((_, f) => {
    const p = owner.get(f);
    return p === undefined ? ++total : people[p]!.id;
  });
  const now = faces.map(({ box, look }, f): Person => ({ id: ids[f]!, seen: at, box, look }));
  const others = people.filter((_, p) => !taken.has(p));
  const all = [...now, ...others].sort((a, b) => b.seen - a.seen || a.id - b.id).slice(0, MOST_PEOPLE);
  return { ids, people: all, count: total };
}
