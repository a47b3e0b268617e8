// Canvases for drawing and reading pixels, in pages and in workers.
import { MienError } from 'mien-engine/base';

export type Canvas = OffscreenCanvas | HTMLCanvasElement;

export function newCanvas(width = 1, height = 1): Canvas {
  if (typeof OffscreenCanvas !== 'undefined') return new OffscreenCanvas(width, height);
  return Object.assign(document.createElement('canvas'), { width, height });
}

/** @throws MienError `data` if the browser provides no further canvas contexts. */
export function context2d(canvas: Canvas): CanvasRenderingContext2D {
  const context = canvas.getContext('2d', { willReadFrequently: true });
  if (!context)
    throw new MienError('data', 'cannot be drawn: this browser provides no canvas context', {
      field: 'image',
    });
  return context as CanvasRenderingContext2D;
}
