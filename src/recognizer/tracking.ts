// Where faces were, from frame to frame: the next look is there, and the whole frame is searched once in a while.
import type { FacePlace, RecognizeOptions, Result } from './types.js';

/** How faces are followed. */
export interface TrackingOptions {
  /** Milliseconds after which the whole frame is searched again, for faces that are new (default 1000). */
  readonly searchEvery?: number;
}

/** Follows the faces of a sequence of frames. */
export interface FaceTracker {
  /** What to recognise the frame of this time (in milliseconds) with. */
  options(at: number): Pick<RecognizeOptions, 'near'>;
  /** What was found in it. */
  saw(result: Result, at: number): void;
}

const SEARCH_EVERY = 1000;

/**
 * Follows faces from frame to frame.
 * @example
 * const tracker = trackFaces();
 * for await (const { image, at } of frames) {
 *   const result = await recognizer.recognize({ image }, tracker.options(at));
 *   tracker.saw(result, at);
 * }
 */
export function trackFaces({ searchEvery = SEARCH_EVERY }: TrackingOptions = {}): FaceTracker {
  let near: readonly FacePlace[] = [];
  let searched = -Infinity;
  const isDue = (at: number): boolean => near.length === 0 || at - searched >= searchEvery;
  return {
    options: (at) => (isDue(at) ? {} : { near }),
    saw(result, at) {
      if (isDue(at)) searched = at;
      const faces = result.error || !result.face ? [] : [result.face, ...(result.others ?? [])];
      near = faces.flatMap(({ place }) => place ?? []);
    },
  };
}
