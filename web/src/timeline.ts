// Probabilities over the last half minute: one band a label, as high as it is probable.
import type { Probabilities } from 'mien/browser';
import { rgbOf, type Rgb } from './labels.js';
import { element, percent } from './page.js';

const SPAN = 30_000;
/** Milliseconds without a reading after which the bands are interrupted. */
const GAP = 4000;
/** Height in pixels from which on a band has room for its name. */
const ROOM = 17;

interface Sample {
  readonly time: number;
  readonly probabilities: Probabilities;
}

const figure = element('timeline', 'figure');
const canvas = element('chart', 'canvas');
let samples: Sample[] = [];
let described = 0;

export function clearTimeline(): void {
  samples = [];
  figure.hidden = true;
}

/** Adds a reading and draws; `order` is that of the bands, from the bottom up. */
export function addToTimeline(probabilities: Probabilities, order: readonly string[], time: number): void {
  figure.hidden = false;
  samples = [...samples.filter((sample) => time - sample.time < SPAN + GAP), { time, probabilities }];
  draw(order, time);
  if (time - described < 5000) return;
  described = time;
  canvas.ariaLabel = `Probabilities over the last half minute. Now: ${spell(probabilities)}.`;
}

const spell = (probabilities: Probabilities): string =>
  Object.entries(probabilities)
    .sort(([, a], [, b]) => b - a)
    .slice(0, 3)
    .map(([label, share]) => `${label} ${percent(share)}`)
    .join(', ');

function draw(order: readonly string[], now: number): void {
  const { clientWidth: width, clientHeight: height } = canvas;
  const scale = window.devicePixelRatio;
  const context = canvas.getContext('2d');
  if (!context || width === 0) return;
  const [w, h] = [Math.round(width * scale), Math.round(height * scale)];
  if (canvas.width !== w || canvas.height !== h) Object.assign(canvas, { width: w, height: h });
  context.setTransform(scale, 0, 0, scale, 0, 0);
  context.clearRect(0, 0, width, height);
  const x = (time: number): number => width * (1 - (now - time) / SPAN);
  const colours = order.map((label) => `rgb(${rgbOf(label).join()})`);
  for (const run of runs()) {
    let below = run.map(() => 0);
    order.forEach((label, i) => {
      const above = run.map(({ probabilities }, j) => below[j]! + (probabilities[label] ?? 0));
      context.beginPath();
      run.forEach(({ time }, j) => context.lineTo(x(time), height * (1 - above[j]!)));
      for (let j = run.length - 1; j >= 0; j--) context.lineTo(x(run[j]!.time), height * (1 - below[j]!));
      context.closePath();
      context.fillStyle = colours[i]!;
      context.fill();
      below = above;
    });
  }
  nameBands(context, order, width, height);
}

/** Samples without gaps between them. */
function runs(): Sample[][] {
  const found: Sample[][] = [];
  let last = -Infinity;
  for (const sample of samples) {
    if (sample.time - last > GAP) found.push([]);
    found.at(-1)!.push(sample);
    last = sample.time;
  }
  return found;
}

/** Names stand in the bands, so that nobody has to match colours with a legend. */
function nameBands(
  context: CanvasRenderingContext2D,
  order: readonly string[],
  width: number,
  height: number,
): void {
  const { probabilities } = samples.at(-1)!;
  const style = getComputedStyle(canvas);
  context.font = `600 ${style.fontSize} ${style.fontFamily}`;
  context.textAlign = 'right';
  context.textBaseline = 'middle';
  let below = 0;
  for (const label of order) {
    const share = probabilities[label] ?? 0;
    if (share * height >= ROOM) {
      context.fillStyle = inkOn(rgbOf(label));
      context.fillText(label, width - 8, height * (1 - below - share / 2));
    }
    below += share;
  }
}

/** Black or white, whichever reads better on a colour. */
function inkOn(colour: Rgb): string {
  const [r, g, b] = colour.map((value) => {
    const share = value / 255;
    return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * r! + 0.7152 * g! + 0.0722 * b! > 0.18 ? '#000' : '#fff';
}
