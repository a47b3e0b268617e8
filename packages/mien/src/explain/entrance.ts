// Where gradients of a model end: after the operators that only look up or rescale its input.
import {
  constant,
  createGraph,
  type Graph,
  input,
  int64,
  MienError,
  type Model,
  type Value,
} from 'mien-engine';
import { rebuild } from './rebuild.js';

/** Operators that turn token ids into word vectors: lookups, and multiplications with their scales. */
const LOOKUP_OPERATORS = ['Gather', 'Cast', 'Mul'];
/** Operators that turn 8-bit pixels into a floating-point image of the network's input size. */
const IMAGE_OPERATORS = ['Transpose', 'Resize', 'Cast'];

/**
 * The name of the word vectors `[batch, tokens, width]`: the result of looking up `ids`, before any other operator.
 * @throws MienError `bundle` if there is none, or more than one.
 */
export const wordVectorsOf = (model: Model): string => last(model, 'ids', LOOKUP_OPERATORS, 'word vectors');

/**
 * The name of the floating-point image, 0 to 255, resized to the network's input size.
 * @throws MienError `bundle` if there is none, or more than one.
 */
const imageOf = (model: Model): string => last(model, 'pixels', IMAGE_OPERATORS, 'pixels');

/** The last value that is computed from `input` by these operators alone, and used by another operator. */
function last(model: Model, input: string, operators: readonly string[], what: string): string {
  const inside = new Set([input]);
  const ends = new Set<string>();
  for (const { type, inputs, outputs } of model.nodes) {
    const used = inputs.filter((name) => inside.has(name));
    const others = inputs.filter((name) => name && !inside.has(name));
    if (used.length === 0) continue;
    if (operators.includes(type) && others.every((name) => model.constants.has(name)))
      inside.add(outputs[0]!);
    else if (type !== 'Shape') for (const name of used) ends.add(name);
  }
  const [name] = ends;
  if (name === undefined || ends.size > 1 || name === input)
    throw new MienError('bundle', `has no unique value for its ${what}`, {
      file: model.file,
      hint: 'Export the bundle with this version of mien.',
    });
  return name;
}

/** Where a face model is split in two: its output depends on the input only through this feature map. */
export interface Cut {
  /** The name of the map. */
  readonly name: string;
  /** The axis of channels. */
  readonly channels: 1 | 3;
  /** The views that the network reads: the image, and its mirror image. */
  readonly views: readonly View[];
  /** Whether the map is computed per view, so that columns of the mirrored one are in reverse order. */
  readonly behindViews: boolean;
}

export type View = 'original' | 'mirrored';

/** The input `views` that makes a model read one view, if it has this input. */
export const oneView = (graph: Graph, { views }: Pick<Cut, 'views'>, view: View): Record<string, Value> =>
  views.length > 1 ? { views: constant(graph, int64([1], [view === 'original' ? 0 : 1])) } : {};

/**
 * Minimum side of the explained feature map in positions: deeper maps represent what is seen rather than where. Better than
 * pixels and deeper maps in a comparison (docs/explanation.md).
 */
const LEAST_SIDE = 7;

/** The last feature map of at least `LEAST_SIDE` positions along each side; the pixels if there is none. */
export function cutOf(model: Model): Cut {
  const views: Cut['views'] = model.nodes.some(({ inputs }) => inputs.includes('views'))
    ? ['original', 'mirrored']
    : ['original'];
  const graph = createGraph('maps');
  const pixels = input(graph, 'pixels', 'uint8', ['batch', 'height', 'width', 3]);
  const image = imageOf(model);
  const values = rebuild(graph, model, { pixels, ...oneView(graph, { views }, 'original') }, [
    'embedding',
    image,
  ]);
  const isMap = ({ shape, dtype }: Value): boolean =>
    dtype === 'float32' &&
    shape.length === 4 &&
    shape[0] === 'batch' &&
    shape.slice(2).every((side) => typeof side === 'number' && side >= LEAST_SIDE);
  const channels = values.get(image)!.shape[1] === 3 ? 1 : 3;
  const name =
    channels === 1 ? [...values].findLast(([name, value]) => name !== image && isMap(value))?.[0] : undefined;
  return { name: name ?? image, channels, views, behindViews: name !== undefined };
}
