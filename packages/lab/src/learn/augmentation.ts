// Augmentation of faces: parameters are drawn for each image from named random streams and applied in the graph.
import {
  add,
  cast,
  constant,
  float32,
  gridSample,
  int32,
  less,
  matmul,
  maximum,
  minimum,
  mul,
  type RandomStream,
  reshape,
  slice,
  sub,
  transpose,
  type Value,
} from 'mien-engine';

export interface AugmentationSettings {
  /** Probability of mirroring. */
  readonly flip: number;
  /** Largest angle in degrees, to either side. */
  readonly rotation: number;
  /** Largest factor by which the crop is larger or smaller; 1 for none. */
  readonly scale: number;
  /** Largest factor of the aspect ratio. */
  readonly aspect: number;
  /** Largest shift, as a share of the side. */
  readonly shift: number;
  /** Largest change of brightness, as a share of the range of values. */
  readonly brightness: number;
  /** Largest change of contrast, as a share. */
  readonly contrast: number;
  /** Largest change of each colour channel's gain, as a share. */
  readonly colour: number;
  /** Probability of conversion to grey. */
  readonly grey: number;
  /** Probability that a rectangle is erased. */
  readonly erase: number;
  /** Largest share of the area that is erased. */
  readonly eraseArea: number;
}

export interface Normalization {
  /** By channel, of values in [0, 1]. */
  readonly mean: readonly number[];
  readonly std: readonly number[];
}

/** Numbers that describe the augmentation of one image. */
export const DRAWN = { affine: 6, colour: 12, erase: 4 } as const;
export type Drawn = Record<keyof typeof DRAWN, readonly number[]>;

/** No augmentation, only normalisation. */
export const unchanged = (normalization: Normalization): Drawn => ({
  affine: [1, 0, 0, 0, 1, 0],
  colour: colourMatrix({ gains: [1, 1, 1], grey: 0, contrast: 1, brightness: 0 }, normalization),
  erase: [0, 0, 0, 0],
});

/** Weights of red, green and blue in luma (ITU-R BT.601), by which cameras and libraries convert to grey. */
const LUMA = [0.299, 0.587, 0.114];

interface Colours {
  readonly gains: readonly number[];
  /** 0 keeps colour, 1 removes it. */
  readonly grey: number;
  readonly contrast: number;
  /** In [−1, 1]. */
  readonly brightness: number;
}

/** Gains, greying, contrast about the middle, brightness and normalisation as one affine map `[3, 4]`. */
function colourMatrix(
  { gains, grey, contrast, brightness }: Colours,
  { mean, std }: Normalization,
): number[] {
  return [0, 1, 2].flatMap((out) => {
    const scale = 1 / std[out]!;
    const weights = [0, 1, 2].map(
      (from) => ((from === out ? 1 - grey : 0) + grey * LUMA[from]!) * gains[from]! * contrast * scale,
    );
    const offset = 0.5 * (1 - contrast) + brightness - mean[out]!;
    return [...weights.map((weight) => weight / 255), offset * scale];
  });
}

/**
 * The augmentation of one image, drawn in a fixed order so that changing one setting does not change other images' draws.
 * `framing` is the side of the frame around which sizes vary, in sides of the image.
 */
export function drawAugmentation(
  draw: RandomStream,
  settings: AugmentationSettings,
  normalization: Normalization,
  framing = 1,
): Drawn {
  const signed = (most: number): number => (2 * draw.uniform() - 1) * most;
  const factor = (most: number): number => Math.exp(signed(Math.log(most)));
  const chance = (probability: number): boolean => draw.uniform() < probability;

  const mirrored = chance(settings.flip) ? -1 : 1;
  const angle = signed((settings.rotation * Math.PI) / 180);
  const scale = framing * factor(settings.scale);
  const aspect = Math.sqrt(factor(settings.aspect));
  // Sides are two units long.
  const [right, down] = [signed(2 * settings.shift), signed(2 * settings.shift)];
  const [cos, sin] = [Math.cos(angle), Math.sin(angle)];
  const [across, along] = [scale * aspect * mirrored, scale / aspect];
  const affine = [cos * across, -sin * along, right, sin * across, cos * along, down];

  const colours: Colours = {
    contrast: 1 + signed(settings.contrast),
    brightness: signed(settings.brightness),
    gains: [0, 1, 2].map(() => 1 + signed(settings.colour)),
    grey: chance(settings.grey) ? 1 : 0,
  };

  const erased = chance(settings.erase);
  const area = draw.uniform() * settings.eraseArea;
  const shape = Math.sqrt(factor(2));
  const [width, height] = [Math.sqrt(area) * shape, Math.sqrt(area) / shape].map((side) => Math.min(side, 1));
  const [left, top] = [draw.uniform() * (1 - width!), draw.uniform() * (1 - height!)];
  return {
    affine,
    colour: colourMatrix(colours, normalization),
    erase: erased ? [top, left, top + height!, left + width!] : [0, 0, 0, 0],
  };
}

/**
 * Normalised images `[n, 3, size, size]` from pixels, 8 bit `[n, 3, side, side]`, and what was drawn for each:
 * `affine` `[n, 2, 3]`, from places of the result to places of the image in units of half its side; `colour`
 * `[n, 3, 4]`, from red, green, blue and 1 to normalised values; `erase` `[n, 4]`, top, left, bottom and right as
 * shares of the side, set to the mean.
 */
export function augment(
  pixels: Value,
  { affine, colour, erase }: Readonly<Record<keyof typeof DRAWN, Value>>,
  size: number,
  { mean, std }: Normalization,
): Value {
  const { graph } = affine;
  const batch = pixels.shape[0] as number;
  const centre = (i: number): number => (2 * i + 1) / size - 1;
  const places = new Float32Array(3 * size * size).fill(1);
  for (let y = 0; y < size; y++)
    for (let x = 0; x < size; x++) {
      places[y * size + x] = centre(x);
      places[size * size + y * size + x] = centre(y);
    }
  const base = constant(graph, float32([3, size * size], places));
  const grid = reshape(transpose(matmul(affine, base)), [batch, size, size, 2]);
  const sampled = reshape(gridSample(cast(pixels, 'float32'), grid), [batch, 3, size * size]);

  const weights = slice(colour, -1, 0, 3);
  const offsets = slice(colour, -1, 3, 4);
  const byChannel = (of: (channel: number) => number): Value =>
    constant(graph, float32([3, 1], [0, 1, 2].map(of)));
  const coloured = add(matmul(weights, sampled), offsets);
  const images = minimum(
    maximum(
      coloured,
      byChannel((c) => -mean[c]! / std[c]!),
    ),
    byChannel((c) => (1 - mean[c]!) / std[c]!),
  );

  // 1 where a row (column) lies inside the rectangle; a product of both for each pixel.
  const centres = constant(
    graph,
    float32(
      [1, size],
      Array.from({ length: size }, (_, i) => (i + 0.5) / size),
    ),
  );
  const bound = (i: number): Value => slice(erase, -1, i, i + 1);
  const inside = (from: number, to: number): Value =>
    mul(cast(less(bound(from), centres), 'float32'), cast(less(centres, bound(to)), 'float32'));
  const erased = mul(reshape(inside(0, 2), [batch, 1, size, 1]), reshape(inside(1, 3), [batch, 1, 1, size]));
  return mul(reshape(images, [batch, 3, size, size]), sub(1, erased));
}

/** What was drawn for each image of a batch, as tensors with these leading sizes. */
export function drawnTensors(drawn: readonly Drawn[], leading: readonly number[]) {
  const tensor = (key: keyof typeof DRAWN, shape: readonly number[]) =>
    float32([...leading, ...shape], Float32Array.from(drawn.flatMap((one) => one[key])));
  return { affine: tensor('affine', [2, 3]), colour: tensor('colour', [3, 4]), erase: tensor('erase', [4]) };
}

/** Seeds of dropout and stochastic depth, one per step. */
export const stepSeeds = (draw: RandomStream, steps: number) =>
  int32(
    [steps],
    Int32Array.from({ length: steps }, () => draw.uint32() | 0),
  );
