// Decodes small JPEG files without sharp, for which setting up a pipeline takes many times as long as their pixels.
import { type DecodedImage, rgbFromGrey } from './encoder.js';

/**
 * The part of `@cornerstonejs/codec-libjpeg-turbo-8bit` that is used: libjpeg-turbo compiled to WebAssembly, without
 * types. An optional peer: without it sharp decodes everything.
 */
interface Codec {
  readonly default: (options: { printErr(): void }) => Promise<{ readonly JPEGDecoder: new () => Decoder }>;
}

interface Decoder {
  /** Where to write the file, in memory that is replaced as it grows. */
  getEncodedBuffer(bytes: number): Uint8Array;
  /** @throws a number, if libjpeg rejects the file or warns of it. */
  decode(): void;
  getFrameInfo(): { readonly width: number; readonly height: number; readonly componentCount: number };
  getDecodedBuffer(): Uint8ClampedArray;
}

/** Not a literal in the import: bundlers must not follow it, since the package looks for a file beside itself. */
const CODEC: string = '@cornerstonejs/codec-libjpeg-turbo-8bit/decodewasmjs';

/** Most pixels: up to some 400 × 400 sharp takes longer, but its threads leave this one free. */
const MOST_PIXELS = 256 * 256;
/** Most bytes: some ten times what so many pixels need. */
const MOST_BYTES = 1 << 20;
/** A rejected file costs the decoder 16 of its 65,536 bytes of stack: it is replaced long before they are used up. */
const MOST_REJECTED = 256;

/** Loading takes as much processor time as sharp does longer for so many files: who decodes fewer does without. */
const FIRST = 128;

let decoder: Decoder | undefined;
let loading: Promise<void> | undefined;
let seen = 0;
let rejected = 0;

/** Loads the codec, if it is installed; `decodeSmallJpeg` does so by itself. */
export const loadSmallJpegs = (): Promise<void> => (loading ??= load());

async function load(): Promise<void> {
  // A package that is missing, or a runtime without WebAssembly.
  const codec = await (import(/* @vite-ignore */ /* webpackIgnore: true */ CODEC) as Promise<Codec>)
    .then((module) => module.default({ printErr: () => undefined }))
    .catch(() => undefined);
  decoder = codec && new codec.JPEGDecoder();
  rejected = 0;
}

/**
 * The pixels of a small baseline JPEG, the same that sharp gives.
 * Undefined for every other file: larger or in any way unusual, damaged, truncated, no JPEG at all, which sharp then
 * decodes or says what is wrong with; for the first files, until the codec is loaded; and if it is not installed.
 */
export function decodeSmallJpeg(bytes: Uint8Array, maxPixels: number): DecodedImage | undefined {
  const frame = plainFrame(bytes);
  if (!frame || frame.width * frame.height > Math.min(maxPixels, MOST_PIXELS)) return undefined;
  seen += 1;
  if (!decoder) {
    if (seen > FIRST) void loadSmallJpegs();
    return undefined;
  }
  try {
    decoder.getEncodedBuffer(bytes.length).set(bytes);
    decoder.decode();
    const { width, height, componentCount } = decoder.getFrameInfo();
    const data = new Uint8Array(decoder.getDecodedBuffer());
    return componentCount === 1 ? rgbFromGrey({ width, height, data }) : { width, height, data };
  } catch (cause) {
    rejected += 1;
    // Anything but a number is an error of the decoder itself.
    if (rejected >= MOST_REJECTED || typeof cause !== 'number') decoder = loading = undefined;
    return undefined;
  }
}

const [SOI, APP0, COM, DQT, DHT, DRI, SOF0, SOF1, SOS] = [
  0xd8, 0xe0, 0xfe, 0xdb, 0xc4, 0xdd, 0xc0, 0xc1, 0xda,
];
/** Segments that say nothing of colours or orientation. */
const PLAIN: readonly (number | undefined)[] = [APP0, COM, DQT, DHT, DRI];
/** Sampling factors of brightness against 1 × 1 of colours: 4:4:4, 4:2:2 and 4:2:0. */
const SAMPLING: readonly (number | undefined)[] = [0x11, 0x21, 0x22];

/**
 * Size of a JPEG by its header, if it is grey or YCbCr in eight bits, in one scan (not progressive), without EXIF,
 * colour profile or anything else by which sharp could change its pixels. Source: ITU-T T.81, annex B.
 */
function plainFrame(bytes: Uint8Array): { readonly width: number; readonly height: number } | undefined {
  if (bytes.length > MOST_BYTES || bytes[0] !== 0xff || bytes[1] !== SOI) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let frame: { readonly width: number; readonly height: number; readonly components: number } | undefined;
  for (let at = 2; at + 4 <= bytes.length;) {
    const marker = bytes[at] === 0xff ? bytes[at + 1] : undefined;
    const length = view.getUint16(at + 2);
    const content = at + 4;
    at += 2 + length;
    if (length < 3 || at > bytes.length) return undefined;
    if (marker === SOS) return bytes[content] === frame?.components ? frame : undefined;
    if (marker === SOF0 || marker === SOF1) {
      const components = bytes[content + 5];
      if (frame || bytes[content] !== 8 || (components !== 1 && components !== 3)) return undefined;
      if (length !== 8 + 3 * components || !SAMPLING.includes(bytes[content + 7])) return undefined;
      if (components === 3 && (bytes[content + 10] !== 0x11 || bytes[content + 13] !== 0x11))
        return undefined;
      frame = { width: view.getUint16(content + 3), height: view.getUint16(content + 1), components };
    } else if (!PLAIN.includes(marker)) return undefined;
  }
  return undefined;
}
