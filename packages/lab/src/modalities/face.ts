// Faces made worse: blurred, covered, noisy, flat.
import type { RandomStream } from 'mien-engine/base';
import type { DecodedImage } from 'mien/parts/encoders';
import type { Corruption, ModalityCorruptions } from './corruption.js';

type FaceCorruption = 'blur' | 'occlusion' | 'noise' | 'contrast lost';

type Change = (image: DecodedImage, level: number, draw: RandomStream) => Uint8Array;

/** A corruption that changes an image's pixels only. */
const ofPixels = (
  change: Change,
  rest: Omit<Corruption<DecodedImage, undefined>, 'apply'>,
): Corruption<DecodedImage, undefined> => ({
  ...rest,
  apply: (image, level, draw) => ({ ...image, data: change(image, level, draw) }),
});

export const face: ModalityCorruptions<DecodedImage, undefined, FaceCorruption> = {
  kinds: {
    // The deviation of a Gaussian, as a share of the longer side; the border repeats.
    blur: ofPixels(blurred, {
      unit: 'deviation, as a share of the side',
      worst: 0.12,
      levels: [0.03, 0.06, 0.1],
    }),
    // A grey rectangle of random place, form and shade.
    occlusion: ofPixels(occluded, {
      unit: 'share of the area that is covered',
      worst: 0.7,
      levels: [0.2, 0.4, 0.6],
    }),
    // Normal, the same in all colours.
    noise: ofPixels(noisy, {
      unit: 'deviation, as a share of the range',
      worst: 0.5,
      levels: [0.1, 0.25, 0.5],
    }),
    // Of each pixel's distance from the mean colour.
    'contrast lost': ofPixels(flattened, { unit: 'share of the contrast', worst: 0.97, levels: [0.9] }),
  },
  othersOf: () => undefined,
  note:
    'deviation of the blur as a share of the side; share of the area that is covered; ' +
    'deviation of the noise as a share of the range; share of the contrast that is lost',
};

const byte = (value: number): number => Math.min(255, Math.max(0, Math.round(value)));

function blurred({ width, height, data }: DecodedImage, level: number): Uint8Array {
  const deviation = level * Math.max(width, height);
  const radius = Math.ceil(3 * deviation);
  const weights = Float32Array.from({ length: 2 * radius + 1 }, (_, i) =>
    Math.exp(-0.5 * ((i - radius) / deviation) ** 2),
  );
  const total = weights.reduce((a, b) => a + b, 0);
  const kernel = weights.map((weight) => weight / total);
  const across = blurLines(data, { lines: height, next: 3 * width, length: width, step: 3 }, kernel);
  const down = blurLines(across, { lines: width, next: 3, length: height, step: 3 * width }, kernel);
  const out = new Uint8Array(data.length);
  for (let i = 0; i < out.length; i++) out[i] = byte(down[i]!);
  return out;
}

/** Rows or columns of an image: how many, how far apart they start, how long they are, how far apart their pixels. */
interface Lines {
  readonly lines: number;
  readonly next: number;
  readonly length: number;
  readonly step: number;
}

function blurLines(
  from: Uint8Array | Float32Array,
  { lines, next, length, step }: Lines,
  kernel: Float32Array,
): Float32Array {
  const radius = kernel.length >> 1;
  const to = new Float32Array(from.length);
  // The line with its ends repeated, so that the inner loop has no borders.
  const padded = new Float32Array(length + 2 * radius);
  for (let line = 0; line < lines; line++)
    for (let colour = 0; colour < 3; colour++) {
      const start = line * next + colour;
      for (let i = 0; i < padded.length; i++)
        padded[i] = from[start + Math.min(Math.max(i - radius, 0), length - 1) * step]!;
      for (let i = 0; i < length; i++) {
        let sum = 0;
        for (let k = 0; k < kernel.length; k++) sum += kernel[k]! * padded[i + k]!;
        to[start + i * step] = sum;
      }
    }
  return to;
}

/** The rectangle's form is between 2 : 3 and 3 : 2 of the image's, as far as it fits. */
function occluded({ width, height, data }: DecodedImage, level: number, draw: RandomStream): Uint8Array {
  const form = Math.exp((2 * draw.uniform() - 1) * Math.log(1.5) * 0.5);
  const across = Math.min(1, Math.max(level, Math.sqrt(level) * form));
  const [w, h] = [Math.round(across * width), Math.round((level / across) * height)];
  const left = draw.integer(width - w + 1);
  const top = draw.integer(height - h + 1);
  const shade = draw.integer(256);
  const out = data.slice();
  for (let y = top; y < top + h; y++) out.fill(shade, 3 * (y * width + left), 3 * (y * width + left + w));
  return out;
}

function noisy({ data }: DecodedImage, level: number, draw: RandomStream): Uint8Array {
  const out = new Uint8Array(data.length);
  for (let i = 0; i < data.length; i += 3) {
    const noise = 255 * level * draw.normal();
    for (let c = i; c < i + 3; c++) out[c] = byte(data[c]! + noise);
  }
  return out;
}

function flattened({ data }: DecodedImage, level: number): Uint8Array {
  const mean = [0, 0, 0];
  for (let i = 0; i < data.length; i++) mean[i % 3]! += (3 * data[i]!) / data.length;
  const out = new Uint8Array(data.length);
  for (let i = 0; i < out.length; i++) out[i] = byte(mean[i % 3]! + (1 - level) * (data[i]! - mean[i % 3]!));
  return out;
}
