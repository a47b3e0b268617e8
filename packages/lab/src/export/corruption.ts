// Corrupts texts and faces by degrees, to train and to measure how a fusion deals with a bad side.
import { MienError, type RandomStream } from 'mien-engine/base';
import type { DecodedImage } from 'mien/parts/encoders';

export const TEXT_CORRUPTIONS = ['words dropped', 'words replaced'] as const;
export type TextCorruption = (typeof TEXT_CORRUPTIONS)[number];

export const FACE_CORRUPTIONS = ['blur', 'occlusion', 'noise', 'contrast lost'] as const;
export type FaceCorruption = (typeof FACE_CORRUPTIONS)[number];

/**
 * A text with a share of its words (0 to 1) dropped, or replaced by words of `others`. Each word has a draw of its own,
 * so that with the same stream a higher level takes the same words and more. One word always remains.
 * @throws MienError `usage` when the level is not a share, or there is no word to replace by.
 */
export function corruptText(
  text: string,
  kind: TextCorruption,
  level: number,
  draw: RandomStream,
  others: readonly string[] = [],
): string {
  checkLevel(kind, level);
  if (level === 0) return text;
  if (kind === 'words replaced' && others.length === 0)
    throw new MienError('usage', 'words can be replaced only by others', { field: 'others' });
  const words = wordsOf(text);
  const draws = words.map(() => draw.uniform());
  const kept = draws.indexOf(Math.max(...draws));
  if (kind === 'words dropped') return words.filter((_, i) => i === kept || draws[i]! >= level).join(' ');
  const replacements = words.map(() => others[draw.integer(others.length)]!);
  return words.map((word, i) => (draws[i]! >= level ? word : replacements[i]!)).join(' ');
}

/** What stands between blanks. */
export const wordsOf = (text: string): string[] => text.split(/\s+/).filter((word) => word !== '');

/**
 * A face made worse; levels are shares from 0, which leaves it as it is, to 1:
 * - `blur`: deviation of a Gaussian, as a share of the longer side; the border repeats;
 * - `occlusion`: share of the area under a grey rectangle, of random place, form and shade;
 * - `noise`: deviation of normal noise as a share of the range, the same in all colours;
 * - `contrast lost`: share of each pixel's distance from the mean colour that is taken away.
 * @throws MienError `usage` when the level is not a share.
 */
export function corruptFace(
  image: DecodedImage,
  kind: FaceCorruption,
  level: number,
  draw: RandomStream,
): DecodedImage {
  checkLevel(kind, level);
  if (level === 0) return image;
  return { ...image, data: faceCorruptions[kind](image, level, draw) };
}

const faceCorruptions: Readonly<
  Record<FaceCorruption, (image: DecodedImage, level: number, draw: RandomStream) => Uint8Array>
> = { blur: blurred, occlusion: occluded, noise: noisy, 'contrast lost': flattened };

function checkLevel(kind: string, level: number): void {
  if (!(level >= 0 && level <= 1))
    throw new MienError('usage', `the level of "${kind}" must be from 0 to 1; got ${level}`);
}

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
