// Augmentation: each transformation does to pixels what its name says, and draws are reproducible and within bounds.
import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  createGraph,
  createSession,
  encodeModel,
  float32,
  gridSample,
  input,
  randomStream,
  tensor,
} from 'mien-engine';
import {
  augment,
  drawAugmentation,
  drawnTensors,
  unchanged,
  type AugmentationSettings,
  type Drawn,
} from '../../src/learn/augmentation.js';
import { faceLearnSettings } from '../../src/learn/settings.js';

const normalization = { mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225] };
const none: AugmentationSettings = {
  flip: 0,
  rotation: 0,
  scale: 1,
  aspect: 1,
  shift: 0,
  brightness: 0,
  contrast: 0,
  colour: 0,
  grey: 0,
  erase: 0,
  eraseArea: 0,
};
const SIDE = 8;
const draw = randomStream(1, 'pixels');
const pixels = Uint8Array.from({ length: 3 * SIDE * SIDE }, () => draw.integer(256));
const at = (values: ArrayLike<number>, channel: number, y: number, x: number): number =>
  values[(channel * SIDE + y) * SIDE + x]!;

/** What becomes of the picture, in units of the pixels. */
async function augmented(drawn: Drawn): Promise<Float32Array> {
  const graph = createGraph('augmentation');
  const values = Object.fromEntries(
    Object.entries(drawnTensors([drawn], [1])).map(([name, { shape }]) => [
      name,
      input(graph, name, 'float32', shape),
    ]),
  ) as Parameters<typeof augment>[1];
  const images = augment(input(graph, 'pixels', 'uint8', [1, 3, SIDE, SIDE]), values, SIDE, normalization);
  const session = await createSession(encodeModel(graph, { images }), { threads: 1 });
  const out = await session.run(
    { pixels: tensor('uint8', [1, 3, SIDE, SIDE], pixels), ...drawnTensors([drawn], [1]) },
    ['images'],
  );
  await session.dispose();
  const { mean, std } = normalization;
  return (out.images.data as Float32Array).map((value, i) => {
    const c = Math.floor(i / SIDE ** 2);
    return 255 * (value * std[c]! + mean[c]!);
  });
}

function expectPicture(found: Float32Array, wanted: (channel: number, y: number, x: number) => number): void {
  for (let c = 0; c < 3; c++)
    for (let y = 0; y < SIDE; y++)
      for (let x = 0; x < SIDE; x++) expect(at(found, c, y, x)).toBeCloseTo(wanted(c, y, x), 2);
}
const own = (c: number, y: number, x: number): number => at(pixels, c, y, x);
const plain = unchanged(normalization);

test('without augmentation the image is only normalised', async () => {
  expectPicture(await augmented(plain), own);
  const drawn = drawAugmentation(randomStream(1, 'a'), none, normalization);
  expectPicture(await augmented(drawn), own);
});

test('mirroring', async () => {
  const drawn = drawAugmentation(randomStream(1, 'a'), { ...none, flip: 1 }, normalization);
  expectPicture(await augmented(drawn), (c, y, x) => own(c, y, SIDE - 1 - x));
});

test('a shift by whole pixels moves the image and repeats its border', async () => {
  // Two units are a side: 4 / SIDE is two pixels.
  const drawn = { ...plain, affine: [1, 0, 4 / SIDE, 0, 1, -2 / SIDE] };
  expectPicture(await augmented(drawn), (c, y, x) => own(c, Math.max(y - 1, 0), Math.min(x + 2, SIDE - 1)));
});

test('a quarter turn', async () => {
  const drawn = { ...plain, affine: [0, -1, 0, 1, 0, 0] };
  expectPicture(await augmented(drawn), (c, y, x) => own(c, x, SIDE - 1 - y));
});

test('grey is the weighted mean of the colours in all three channels', async () => {
  const drawn = drawAugmentation(randomStream(1, 'a'), { ...none, grey: 1 }, normalization);
  expectPicture(
    await augmented(drawn),
    (_c, y, x) => 0.299 * own(0, y, x) + 0.587 * own(1, y, x) + 0.114 * own(2, y, x),
  );
});

test('contrast and brightness stay within black and white', async () => {
  const { mean, std } = normalization;
  // Twice the contrast about the middle, and a tenth of the range brighter.
  const colour = [0, 1, 2].flatMap((c) => [
    ...[0, 1, 2].map((from) => (from === c ? 2 / (255 * std[c]!) : 0)),
    (-0.5 + 0.1 - mean[c]!) / std[c]!,
  ]);
  expectPicture(await augmented({ ...plain, colour }), (c, y, x) =>
    Math.min(Math.max(2 * (own(c, y, x) - 127.5) + 127.5 + 25.5, 0), 255),
  );
});

test('an erased rectangle has the mean colour; the rest is unchanged', async () => {
  const found = await augmented({ ...plain, erase: [0.25, 0.5, 0.75, 1] });
  expectPicture(found, (c, y, x) =>
    y >= 2 && y < 6 && x >= 4 ? 255 * normalization.mean[c]! : own(c, y, x),
  );
});

test('draws are reproducible and within their bounds', () => {
  const { augmentation } = faceLearnSettings.parse({});
  fc.assert(
    fc.property(fc.nat(1e6), (seed) => {
      const drawn = drawAugmentation(randomStream(seed, 'a'), augmentation, normalization);
      expect(drawAugmentation(randomStream(seed, 'a'), augmentation, normalization)).toEqual(drawn);
      const [a, b, right, c, d, down] = drawn.affine as [number, number, number, number, number, number];
      const area = Math.abs(a * d - b * c);
      expect(area).toBeLessThanOrEqual(augmentation.scale ** 2 + 1e-9);
      expect(area).toBeGreaterThanOrEqual(augmentation.scale ** -2 - 1e-9);
      expect(Math.max(Math.abs(right), Math.abs(down))).toBeLessThanOrEqual(2 * augmentation.shift);
      const [top, left, bottom, end] = drawn.erase as [number, number, number, number];
      expect(top >= 0 && left >= 0 && bottom <= 1 && end <= 1).toBe(true);
      expect((bottom - top) * (end - left)).toBeLessThanOrEqual(augmentation.eraseArea + 1e-9);
    }),
  );
});

test('the grid sampler is bilinear inside and repeats the border outside', async () => {
  const graph = createGraph('sample');
  const x = input(graph, 'x', 'float32', [1, 1, 3, 4]);
  const grid = input(graph, 'grid', 'float32', [1, 1, 50, 2]);
  const session = await createSession(encodeModel(graph, { y: gridSample(x, grid) }), { threads: 1 });
  const stream = randomStream(2, 'grid');
  const image = Float32Array.from({ length: 12 }, () => stream.normal());
  const places = Float32Array.from({ length: 100 }, () => 3 * stream.uniform() - 1.5);
  const { y } = await session.run({ x: float32([1, 1, 3, 4], image), grid: float32([1, 1, 50, 2], places) }, [
    'y',
  ]);
  await session.dispose();
  const clamp = (value: number, most: number): number => Math.min(Math.max(value, 0), most);
  for (let i = 0; i < 50; i++) {
    const column = clamp(((places[2 * i]! + 1) * 4 - 1) / 2, 3);
    const row = clamp(((places[2 * i + 1]! + 1) * 3 - 1) / 2, 2);
    const [left, top] = [Math.floor(column), Math.floor(row)];
    const value = (r: number, c: number): number => image[Math.min(r, 2) * 4 + Math.min(c, 3)]!;
    const mix = (a: number, b: number, share: number): number => a + share * (b - a);
    const upper = mix(value(top, left), value(top, left + 1), column - left);
    const lower = mix(value(top + 1, left), value(top + 1, left + 1), column - left);
    expect((y.data as Float32Array)[i]).toBeCloseTo(mix(upper, lower, row - top), 5);
  }
});
