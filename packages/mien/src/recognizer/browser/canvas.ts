// A canvas to draw on and to read from, in pages and in workers.
import { MienError } from 'mien-engine/base';

export type Canvas = OffscreenCanvas | HTMLCanvasElement;

export function newCanvas(width = 1, height = 1): Canvas {
  if (typeof OffscreenCanvas !== 'undefined') return new OffscreenCanvas(width, height);
  return Object.assign(document.createElement('canvas'), { width, height });
}

/** @throws MienError `data` where the browser gives no more of them. */
export function context2d(canvas: Canvas): CanvasRenderingContext2D {
  const context = canvas.getContext('2d', { willReadFrequently: true });
  if (!context)
    throw new MienError('data', 'cannot be drawn: this browser gives no canvas', { field: 'image' });
  return context as CanvasRenderingContext2D;
}
