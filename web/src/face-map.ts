// The heat map over the face as the model saw it: cut out, level.
import type { FaceExplanation } from 'mien/browser';
import { heatMap } from 'mien/page';
import { rgbOf } from './labels.js';
import { make } from './page.js';

/** Pixels of the canvas along a side; the page shows it smaller. */
const SIDE = 448;

export function faceMap(
  face: FaceExplanation,
  photograph: ImageBitmap,
  label: string,
  parts: readonly (readonly [part: string, value: number])[],
): HTMLElement {
  const canvas = make('canvas', '');
  Object.assign(canvas, { width: SIDE, height: SIDE });
  canvas.role = 'img';
  const told = parts.map(
    ([part, value]) => `${part} ${value < 0 ? '\u2212' : '+'}${Math.abs(value).toFixed(1)}`,
  );
  canvas.ariaLabel = `Heat map over the face: what speaks for ${label}${told.length > 0 ? `: ${told.join(', ')}` : ''}`;
  const context = canvas.getContext('2d', { willReadFrequently: true });
  if (context) {
    draw(context, photograph, face.corners);
    const { data, width, height } = heatMap(face, context.getImageData(0, 0, SIDE, SIDE), rgbOf(label));
    context.putImageData(new ImageData(data, width, height), 0, 0);
  }
  return make('figure', 'face-map', canvas, make('figcaption', '', `${told.join(', ')}.`));
}

/** Draws what lies between the corners so that it fills the canvas. */
function draw(
  context: CanvasRenderingContext2D,
  photograph: ImageBitmap,
  [corner, right, , below]: FaceExplanation['corners'],
): void {
  context.fillStyle = '#888';
  context.fillRect(0, 0, SIDE, SIDE);
  const [ux, uy] = [right.x - corner.x, right.y - corner.y];
  const [vx, vy] = [below.x - corner.x, below.y - corner.y];
  const scale = SIDE / (ux * vy - uy * vx);
  context.setTransform(
    ...([scale * vy, -scale * uy, -scale * vx, scale * ux].concat([
      scale * (corner.y * vx - corner.x * vy),
      scale * (corner.x * uy - corner.y * ux),
    ]) as [number, number, number, number, number, number]),
  );
  context.imageSmoothingQuality = 'high';
  context.drawImage(photograph, 0, 0);
  context.resetTransform();
}
