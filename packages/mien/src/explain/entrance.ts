// Where a model is entered: behind what only looks up and rescales its input, which has no gradient to speak of.
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

/** Operators that turn token ids into vectors: rows of tables, and in a bundle their scales. */
const LOOKING_UP = ['Gather', 'Cast', 'Mul'];
/** Operators that turn 8-bit pixels into numbers of the network's size. */
const LOOKING = ['Transpose', 'Resize', 'Cast'];

/**
 * The name of the word vectors `[batch, tokens, width]`: what lookups make of `ids`, before anything else is added.
 * @throws MienError `bundle` when there is none, or more than one.
 */
export const wordVectorsOf = (model: Model): string => last(model, 'ids', LOOKING_UP, 'word vectors');

/**
 * The name of the image as numbers from 0 to 255, resized to the network's size.
 * @throws MienError `bundle` when there is none, or more than one.
 */
const imageOf = (model: Model): string => last(model, 'pixels', LOOKING, 'pixels');

/** The last value that is computed from `input` by these operators alone and is used by another. */
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
    throw new MienError('bundle', `has no one place where its ${what} are`, {
      file: model.file,
      hint: 'Export the bundle with this version of mien.',
    });
  return name;
}

/** Where a face model is cut in two: all that its output depends on passes here. */
export interface Cut {
  /** The name of the map. */
  readonly name: string;
  /** The axis of channels. */
  readonly channels: 1 | 3;
  /** What the network sees of a face: its image, its mirror image. */
  readonly views: readonly View[];
  /** Whether the map is computed of each view, so that columns of the mirrored one run from right to left. */
  readonly behindViews: boolean;
}

export type View = 'own' | 'mirrored';

/** What a model is given to read one view: its input `views`, where it has one. */
export const oneView = (graph: Graph, { views }: Pick<Cut, 'views'>, view: View): Record<string, Value> =>
  views.length > 1 ? { views: constant(graph, int64([1], [view === 'own' ? 0 : 1])) } : {};

/**
 * Least positions along a side of the map that is explained: deeper maps say what is seen and hardly where. Of what was
 * tried, pixels and deeper maps among it, this did best (docs/explanation.md).
 */
const LEAST_SIDE = 7;

/** The last feature map of at least `LEAST_SIDE` positions along each side; the pixels, where a model has none. */
export function cutOf(model: Model): Cut {
  const views: Cut['views'] = model.nodes.some(({ inputs }) => inputs.includes('views'))
    ? ['own', 'mirrored']
    : ['own'];
  const graph = createGraph('maps');
  const pixels = input(graph, 'pixels', 'uint8', ['batch', 'height', 'width', 3]);
  const image = imageOf(model);
  const values = rebuild(graph, model, { pixels, ...oneView(graph, { views }, 'own') }, ['embedding', image]);
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
