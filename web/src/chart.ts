// Probabilities over time as stacked bands, one per label, drawn on a canvas.
import type { Probabilities } from 'mien/browser';
import { rgbOfLabel } from './labels.js';
import { percent } from './page.js';

export interface Sample {
  /** In any unit that `Drawing.x` takes. */
  readonly time: number;
  readonly probabilities: Probabilities;
}

export interface Drawing {
  readonly context: CanvasRenderingContext2D;
  /** In CSS pixels. */
  readonly width: number;
  readonly height: number;
}

/** An empty canvas at the screen's resolution; undefined while it is not shown. */
export function startDrawing(canvas: HTMLCanvasElement): Drawing | undefined {
  const { clientWidth: width, clientHeight: height } = canvas;
  const scale = window.devicePixelRatio;
  const context = canvas.getContext('2d');
  if (!context || width === 0) return undefined;
  const [w, h] = [Math.round(width * scale), Math.round(height * scale)];
  if (canvas.width !== w || canvas.height !== h) Object.assign(canvas, { width: w, height: h });
  context.setTransform(scale, 0, 0, scale, 0, 0);
  context.clearRect(0, 0, width, height);
  return { context, width, height };
}

/** Draws the bands of samples that follow each other without a gap; `labels` are from the bottom up. */
export function drawRun(
  { context, height }: Drawing,
  run: readonly Sample[],
  labels: readonly string[],
  x: (time: number) => number,
): void {
  let lower = run.map(({ time }) => ({ time, sum: 0 }));
  for (const label of labels) {
    const upper = run.map(({ time, probabilities }, i) => ({
      time,
      sum: lower[i]!.sum + (probabilities[label] ?? 0),
    }));
    context.beginPath();
    for (const { time, sum } of [...upper, ...lower.reverse()]) context.lineTo(x(time), height * (1 - sum));
    context.closePath();
    context.fillStyle = `rgb(${rgbOfLabel(label).join()})`;
    context.fill();
    lower = upper;
  }
}

/** "joy 60 %, neutral 30 %, fear 5 %" */
export const topThree = (probabilities: Probabilities): string =>
  Object.entries(probabilities)
    .sort(([, a], [, b]) => b - a)
    .slice(0, 3)
    .map(([label, share]) => `${label} ${percent(share)}`)
    .join(', ');
