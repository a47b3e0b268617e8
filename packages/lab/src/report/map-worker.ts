// A process that lays out maps: t-SNE takes seconds of one core, and there are several maps.
import { serveTasks } from 'mien-engine/node';
import { type MapSettings, mapPoints, type PointMap } from '../evaluate/projection.js';

export interface MapTask {
  readonly width: number;
  readonly data: Float32Array;
  readonly settings: Partial<MapSettings>;
}

serveTasks<undefined, MapTask, PointMap>(() => ({
  info: undefined,
  run: ({ settings, ...points }) => mapPoints(points, settings),
}));
