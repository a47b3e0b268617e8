// Resizing gives the pixels of the graph, which bundles contain, to the last bit.
import fc from 'fast-check';
import { createGraph, createSession, encodeModel, input, type Session } from 'mien-engine';
import { tensor } from 'mien-engine/base';
import { type DecodedImage, rgbFromGrey } from 'mien/parts/encoders';
import { afterAll, describe, expect, it } from 'vitest';
import { normalisationOf, prepareImages } from '../../src/encoders/face-encoder.js';
import { resizedPixels, writeResized } from '../../src/encoders/resize.js';

const channels = { mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225] };

const sessions = new Map<number, Session>();
afterAll(async () => {
  for (const session of sessions.values()) await session.dispose();
});

async function sessionFor(size: number): Promise<Session> {
  const known = sessions.get(size);
  if (known) return known;
  const graph = createGraph('preprocessing');
  const pixels = input(graph, 'pixels', 'uint8', ['batch', 'height', 'width', 3]);
  const model = encodeModel(graph, prepareImages(pixels, { size, ...channels }));
  const session = await createSession(model, { threads: 1 });
  sessions.set(size, session);
  return session;
}

/** How many values of both outputs for an image differ from those of the graph. */
async function differences(image: DecodedImage, size: number): Promise<number> {
  const { width, height, data } = image;
  const session = await sessionFor(size);
  const { resized, images } = await session.run({ pixels: tensor('uint8', [1, height, width, 3], data) });
  const values = new Float32Array(3 * size * size);
  writeResized(image, size, normalisationOf({ size, ...channels }), values, 0);
  return different(resizedPixels(image, size), resized!.data) + different(values, images!.data);
}

function different(actual: ArrayLike<unknown>, expected: ArrayLike<unknown>): number {
  expect(actual.length).toBe(expected.length);
  let count = 0;
  for (let i = 0; i < expected.length; i++) if (actual[i] !== expected[i]) count++;
  return count;
}

/** Extreme pixels overshoot most; a seed gives the same ones again. */
function imageOf(width: number, height: number, seed: number): DecodedImage {
  let state = seed;
  const data = Uint8Array.from({ length: width * height * 3 }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state < 0x60000000 ? 0 : state > 0xa0000000 ? 255 : state >>> 24;
  });
  return { width, height, data };
}

describe('resizing', () => {
  it.each([
    ['a face of RAF-DB', 100, 100, 96],
    ['a face of FER2013', 48, 48, 96],
    ['the size of the network', 96, 96, 96],
    ['its width', 96, 130, 96],
    ['its height', 61, 96, 96],
    ['one pixel', 1, 1, 96],
    ['one row', 333, 1, 72],
    ['one column', 1, 333, 72],
    ['a size that is no multiple of four', 80, 90, 75],
    ['a photograph of several strips', 1031, 700, 112],
  ])('of %s', async (_what, width, height, size) => {
    expect(await differences(imageOf(width, height, 1), size)).toBe(0);
  });

  it('of grey pixels', async () => {
    const grey = rgbFromGrey({ width: 48, height: 48, data: imageOf(48, 16, 2).data });
    expect(await differences(grey, 96)).toBe(0);
  });

  it('of any size to any size', async () => {
    const side = fc.oneof(fc.integer({ min: 1, max: 40 }), fc.integer({ min: 1, max: 400 }));
    const property = fc.asyncProperty(
      side,
      side,
      fc.constantFrom(5, 33, 72, 96),
      fc.nat(),
      async (width, height, size, seed) => {
        expect(await differences(imageOf(width, height, seed), size)).toBe(0);
      },
    );
    await fc.assert(property, { numRuns: 60 });
  });

  it('leaves other values of the target alone', () => {
    const size = 33;
    const out = new Float32Array(3 * size * size + 8).fill(7);
    writeResized(imageOf(50, 50, 3), size, normalisationOf({ size, ...channels }), out, 4);
    expect([...out.slice(0, 4), ...out.slice(-4)]).toEqual(Array(8).fill(7));
  });
});
