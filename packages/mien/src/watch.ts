/**
 * Recordings in Node: who is on screen and what their face, voice and words tell, over time.
 * @module mien/watch
 */
export { watch, type WatchOptions } from './watch/watch.js';
export type { TimelineRow } from './watch/timeline.js';
export type { TranscriptPart } from './watch/spoken.js';
