// What a recording gives to watch, whichever program decodes it: upright frames at a fixed rate, and sound at 16 kHz.
import { MienError } from 'mien-engine/base';
import type { DecodedImage } from '../encoders/encoder.js';

/** A picture, and when it is on screen. */
export interface Frame {
  /** Its place in the sequence: it is what is shown at `index` · `every` seconds. */
  readonly index: number;
  /** The same object as before if the picture has not changed since. */
  readonly image: DecodedImage;
}

/** Something to know about a recording that was read all the same. */
export type MediaNote =
  /** It ends before the length that it states, or parts of it were unreadable. */
  'truncated';

/** An open recording. Its parts can be read several times, one at a time. */
export interface Media {
  /** The program that decodes it. */
  readonly decoder: string;
  /** Length in seconds as the file states it, if it does. */
  readonly seconds: number | undefined;
  /** If it has pictures: their size in pixels as they are shown, upright. */
  readonly video: { readonly width: number; readonly height: number } | undefined;
  /** Whether it has sound. */
  readonly sound: boolean;
  /** Noted while it is read. */
  readonly notes: ReadonlySet<MediaNote>;
  /** What is shown every `every` seconds, from frame `from` on; at most `MOST_SIDE` pixels wide and high. */
  frames(every: number, from: number): AsyncGenerator<Frame, void, undefined>;
  /** Its sound as one channel at 16 kHz, in parts of any length. */
  samples(): AsyncGenerator<Float32Array, void, undefined>;
}

/** Larger pictures are shrunk: the detector finds faces at 256 pixels, and reads them at 100. */
const MOST_SIDE = 1280;
/** More pixels than any camera has: 16,384 × 8,192. */
const MOST_PIXELS = 1 << 27;
/** A picture that would stay for longer, in seconds, has a damaged time. */
export const LONGEST_FRAME = 3600;
/** A recording may end this much before the length that it states, in seconds. */
export const SHORTFALL = 1;

/** How pictures are stored, which a player undoes. */
export interface Stored {
  readonly width: number;
  readonly height: number;
  /** Width of a pixel, in its heights. */
  readonly aspect: number;
  /** Degrees by which to turn it clockwise: 0, 90, 180 or 270. */
  readonly turn: number;
}

export interface Shown {
  /** Size in pixels to shrink the stored picture to. */
  readonly scaled: { readonly width: number; readonly height: number };
  /** Size in pixels as it is shown, upright, before shrinking. */
  readonly full: { readonly width: number; readonly height: number };
}

/** @throws MienError `data` if there can be no such picture. */
export function shownSize({ width, height, aspect, turn }: Stored): Shown {
  if (!(width > 0 && height > 0 && width * height <= MOST_PIXELS))
    throw new MienError('data', `a video of ${width} × ${height} pixels cannot be read`);
  const [wide, high] = [Math.max(1, Math.round(width * (aspect > 0 ? aspect : 1))), height];
  const scale = Math.min(1, MOST_SIDE / Math.max(wide, high));
  const size = (side: number): number => Math.max(1, Math.round(side * scale));
  return {
    scaled: { width: size(wide), height: size(high) },
    full: turn % 180 === 0 ? { width: wide, height: high } : { width: high, height: wide },
  };
}

/** Clockwise degrees, a multiple of 90, of the display matrix in MP4 and others: nine numbers of 16.16 bits. */
export function turnOf(matrix: Uint8Array | null): number {
  if (!matrix || matrix.length < 36) return 0;
  const view = new DataView(matrix.buffer, matrix.byteOffset, matrix.byteLength);
  const degrees = (Math.atan2(view.getInt32(4, true), view.getInt32(0, true)) * 180) / Math.PI;
  return (((Math.round(degrees / 90) * 90) % 360) + 360) % 360;
}

/** The picture turned clockwise by a multiple of 90 degrees. */
export function turned(image: DecodedImage, turn: number): DecodedImage {
  if (turn === 0) return image;
  const { width, height, data } = image;
  const [wide, high] = turn % 180 === 0 ? [width, height] : [height, width];
  const out = new Uint8Array(data.length);
  for (let y = 0; y < high; y++)
    for (let x = 0; x < wide; x++) {
      const [column, row] =
        turn === 90
          ? [y, height - 1 - x]
          : turn === 180
            ? [width - 1 - x, height - 1 - y]
            : [width - 1 - y, x];
      const [to, from] = [3 * (y * wide + x), 3 * (row * width + column)];
      out[to] = data[from]!;
      out[to + 1] = data[from + 1]!;
      out[to + 2] = data[from + 2]!;
    }
  return { width: wide, height: high, data: out };
}

/** @throws MienError `data`: the file is no recording that can be read. */
export function unreadable(file: string, reason: string, cause?: unknown): never {
  throw new MienError('data', `cannot be read as a video or as sound (${reason})`, {
    file,
    cause,
    hint: 'A recording that was cut off before its end may lack its index: save it again, or convert it.',
  });
}
