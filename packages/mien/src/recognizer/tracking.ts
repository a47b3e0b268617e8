// Tracks faces from frame to frame: detection starts from the tracked box, is skipped for faces that stand still, and
// searches the whole frame periodically.
import { checkOptions, type Kinds, number } from 'mien-engine/base';
import type { FacePlace, Point, RecognizeOptions, Result } from './types.js';

/** How often faces are detected anew. */
export interface TrackingOptions {
  /** Milliseconds after which the whole frame is searched again for new faces (default 1000). */
  readonly searchEvery?: number | undefined;
  /**
   * Milliseconds for which the tracked box of a face that stood still between its last two detections is reused (default
   * 150; 0 detects it in every frame).
   */
  readonly lookEvery?: number | undefined;
}

/** Tracks the faces of a sequence of frames. */
export interface FaceTracker {
  /** Options with which to recognise the frame of this time (in milliseconds). */
  options(at: number): Pick<RecognizeOptions, 'near' | 'places'>;
  /** Reports the result for that frame. */
  saw(result: Result, at: number): void;
}

const SEARCH_EVERY = 1000;
const LOOK_EVERY = 150;
/** Share of its width that a face may have moved, at its last speed, for its box to be reused. */
const MAX_MOVEMENT = 0.03;
/** Milliseconds between detections beyond which they say nothing about a face's speed. */
const MAX_INTERVAL = 500;

const milliseconds = number('a number of milliseconds, at least 0', (value) => value >= 0);
const OPTIONS: Kinds<TrackingOptions> = { searchEvery: milliseconds, lookEvery: milliseconds };

/**
 * Tracks faces from frame to frame.
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
  let detected = -Infinity;
  let searched = -Infinity;
  /** Of the fastest face, in its widths per millisecond. */
  let speed = Infinity;
  const isSearchDue = (at: number): boolean => near.length === 0 || at - searched >= searchEvery;
  const isStill = (at: number): boolean =>
    !isSearchDue(at) && at - detected < lookEvery && speed * (at - detected) <= MAX_MOVEMENT;
  return {
    options: (at) => (isSearchDue(at) ? { near: [] } : isStill(at) ? { places: near } : { near }),
    saw(result, at) {
      if (isStill(at)) return;
      if (isSearchDue(at)) searched = at;
      const faces = result.error || !result.face ? [] : [result.face, ...(result.others ?? [])];
      const places = faces.flatMap(({ place }) => place ?? []);
      speed = at - detected <= MAX_INTERVAL ? largestMovement(near, places) / (at - detected) : Infinity;
      [near, detected] = [places, at];
    },
  };
}

/** The largest movement of a face, in its widths; infinite if faces appeared or disappeared. */
const largestMovement = (before: readonly FacePlace[], after: readonly FacePlace[]): number =>
  before.length === after.length
    ? Math.max(0, ...after.map((place, i) => movement(before[i], place)))
    : Infinity;

/** The mean over the corners of its box and its key points: turning and approaching are movements, too. */
function movement(before: FacePlace | undefined, after: FacePlace): number {
  const pointsOf = ({ box: { x, y, width, height }, keyPoints }: FacePlace): (Point | undefined)[] => [
    { x, y },
    { x: x + width, y: y + height },
    ...Object.keys(after.keyPoints).map((name) => keyPoints[name]),
  ];
  const old = before && pointsOf(before);
  const distances = pointsOf(after).map((point, i) => {
    const from = old?.[i];
    return point && from ? Math.hypot(point.x - from.x, point.y - from.y) : Infinity;
  });
  return distances.reduce((sum, distance) => sum + distance, 0) / distances.length / after.box.width;
}
