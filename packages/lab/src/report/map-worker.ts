// A child process that lays out one map after the other: t-SNE takes seconds of one core, and there are several maps.
import { messageOf } from 'mien-engine/base';
import type { MapSettings, PointMap } from '../evaluate/projection.js';
import { mapPoints } from '../evaluate/projection.js';

export interface MapTask {
  readonly width: number;
  readonly data: Float32Array;
  readonly settings: Partial<MapSettings>;
}

export type MapAnswer = { readonly map: PointMap } | { readonly failed: string };

process.on('message', ({ width, data, settings }: MapTask) => {
  let answer: MapAnswer;
  try {
    answer = { map: mapPoints({ width, data }, settings) };
  } catch (error) {
    answer = { failed: messageOf(error) };
  }
  process.send?.(answer);
});
// The terminal sends Ctrl-C to all processes; the parent decides what becomes of it.
process.on('SIGINT', () => undefined);
process.on('disconnect', () => process.exit());
