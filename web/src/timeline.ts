// The camera's answers of the last half minute as a chart.
import type { Probabilities } from 'mien/browser';
import { drawRun, type Sample, startDrawing, topThree } from './chart.js';
import { rgbOfLabel, type Rgb } from './labels.js';
import { element } from './page.js';

/** Milliseconds. */
const SPAN = 30_000;
/** Milliseconds without a sample that interrupt the bands. */
const GAP = 4000;
/** Milliseconds between updates of the description for screen readers. */
const DESCRIPTION_INTERVAL = 5000;
/** Height in pixels from which a band shows its label. */
const MIN_LABELLED = 17;

const figure = element('timeline', 'figure');
const canvas = element('chart', 'canvas');
let samples: Sample[] = [];
let described = 0;

export function clearTimeline(): void {
  samples = [];
  figure.hidden = true;
}

/** Adds a sample and draws all; `labels` are those of the bands, from the bottom up. */
export function addToTimeline(probabilities: Probabilities, labels: readonly string[], time: number): void {
  figure.hidden = false;
  const sample = { time, probabilities };
  samples = [...samples.filter((one) => time - one.time < SPAN + GAP), sample];
  draw(labels, time, sample);
  if (time - described < DESCRIPTION_INTERVAL) return;
  described = time;
  canvas.ariaLabel = `Probabilities over the last half minute. Now: ${topThree(probabilities)}.`;
}

function draw(labels: readonly string[], now: number, last: Sample): void {
  const drawing = startDrawing(canvas);
  if (!drawing) return;
  const { context, width, height } = drawing;
  const x = (time: number): number => width * (1 - (now - time) / SPAN);
  for (const run of runs()) drawRun(drawing, run, labels, x);
  labelBands(context, labels, last, { width, height });
}

/** Samples without gaps between them. */
function runs(): Sample[][] {
  const result: Sample[][] = [];
  let run: Sample[] = [];
  let last = -Infinity;
  for (const sample of samples) {
    if (sample.time - last > GAP) result.push((run = []));
    run.push(sample);
    last = sample.time;
  }
  return result;
}

/** Labels are drawn in the bands, so that nobody has to match colours with a legend. */
function labelBands(
  context: CanvasRenderingContext2D,
  labels: readonly string[],
  { probabilities }: Sample,
  { width, height }: { readonly width: number; readonly height: number },
): void {
  const style = getComputedStyle(canvas);
  context.font = `600 ${style.fontSize} ${style.fontFamily}`;
  context.textAlign = 'right';
  context.textBaseline = 'middle';
  let lower = 0;
  for (const label of labels) {
    const share = probabilities[label] ?? 0;
    if (share * height >= MIN_LABELLED) {
      context.fillStyle = inkOn(rgbOfLabel(label));
      context.fillText(label, width - 8, height * (1 - lower - share / 2));
    }
    lower += share;
  }
}

/** Black or white, whichever contrasts more with a colour (WCAG relative luminance). */
function inkOn([red, green, blue]: Rgb): string {
  const linear = (value: number): number => {
    const share = value / 255;
    return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
  };
  return 0.2126 * linear(red) + 0.7152 * linear(green) + 0.0722 * linear(blue) > 0.18 ? '#000' : '#fff';
}
