// Where faces were, from frame to frame: the next look is there, none is taken at what stands still, and the whole frame
// is searched once in a while.
import { checkOptions, type Kinds, number } from 'mien-engine/base';
import type { FacePlace, Point, RecognizeOptions, Result } from './types.js';

/** How faces are followed. */
export interface TrackingOptions {
  /** Milliseconds after which the whole frame is searched again, for faces that are new (default 1000). */
  readonly searchEvery?: number | undefined;
  /**
   * Milliseconds after which a face is looked for again that stood still between the last two looks; until then it is
   * read where it was (default 150; 0 looks at every frame).
   */
  readonly lookEvery?: number | undefined;
}

/** Follows the faces of a sequence of frames. */
export interface FaceTracker {
  /** What to recognise the frame of this time (in milliseconds) with. */
  options(at: number): Pick<RecognizeOptions, 'near' | 'places'>;
  /** What was found in it. */
  saw(result: Result, at: number): void;
}

const SEARCH_EVERY = 1000;
const LOOK_EVERY = 150;
/** Share of its width that a face may have moved by, going on as it did, and still be read where it was. */
const STILL = 0.03;
/** Looks that are further apart, in milliseconds, say nothing of how fast a face moves. */
const APART = 500;

const milliseconds = number('milliseconds from 0 on', (value) => value >= 0);
const OPTIONS: Kinds<TrackingOptions> = { searchEvery: milliseconds, lookEvery: milliseconds };

/**
 * Follows faces from frame to frame.
 * @example
 * const tracker = trackFaces();
 * for await (const { image, at } of frames) {
 *   const result = await recognizer.recognize({ image }, tracker.options(at));
 *   tracker.saw(result, at);
 * }
 */
export function trackFaces(options: TrackingOptions = {}): FaceTracker {
  checkOptions(options, OPTIONS, 'trackFaces');
  const { searchEvery = SEARCH_EVERY, lookEvery = LOOK_EVERY } = options;
  let near: readonly FacePlace[] = [];
  let looked = -Infinity;
  let searched = -Infinity;
  /** Shares of its width a millisecond that the fastest face moves by. */
  let speed = Infinity;
  const isDue = (at: number): boolean => near.length === 0 || at - searched >= searchEvery;
  const standsStill = (at: number): boolean =>
    !isDue(at) && at - looked < lookEvery && speed * (at - looked) <= STILL;
  return {
    options: (at) => (isDue(at) ? { near: [] } : standsStill(at) ? { places: near } : { near }),
    saw(result, at) {
      if (standsStill(at)) return;
      if (isDue(at)) searched = at;
      const faces = result.error || !result.face ? [] : [result.face, ...(result.others ?? [])];
      const places = faces.flatMap(({ place }) => place ?? []);
      speed = at - looked <= APART ? moved(near, places) / (at - looked) : Infinity;
      [near, looked] = [places, at];
    },
  };
}

/** How far the face that moved most did, in its widths; infinitely far where faces came or went. */
const moved = (before: readonly FacePlace[], after: readonly FacePlace[]): number =>
  before.length !== after.length
    ? Infinity
    : after.reduce((most, place, i) => Math.max(most, movedOne(before[i]!, place)), 0);

/** The mean over its box's corners and its key points: a head that turns or comes nearer moves as well. */
function movedOne(before: FacePlace, after: FacePlace): number {
  const [old, now] = [before, after].map(({ box: { x, y, width, height }, keyPoints }) => [
    { x, y },
    { x: x + width, y: y + height },
    ...Object.keys(after.keyPoints).map((name) => keyPoints[name]),
  ]) as [(Point | undefined)[], Point[]];
  const distances = now.map((point, i) =>
    Math.hypot(point.x - (old[i]?.x ?? Infinity), point.y - (old[i]?.y ?? 0)),
  );
  return distances.reduce((sum, distance) => sum + distance, 0) / distances.length / after.box.width;
}
