// Where a model is entered: behind what only looks up and rescales its input, which has no gradient to speak of.
import { MienError } from '../base/errors.js';
import { createGraph, input, type Value } from '../graph/builder.js';
import type { Model } from './read-model.js';
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
export const imageOf = (model: Model): string => last(model, 'pixels', LOOKING, 'pixels');

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
      ...{ file: model.file, hint: 'Export the bundle with this version of mien.' },
    });
  return name;
}

/** Places of a face model through which all passes that its output depends on. */
export interface Cut {
  /** Their names; a network that sees the face and its mirror image has one for each. */
  readonly maps: readonly { readonly name: string; readonly mirrored: boolean }[];
  /** The axis of channels. */
  readonly channels: 1 | 3;
}

/**
 * Least positions along a side of the map that is explained: deeper maps say what is seen and hardly where. Of what was
 * tried, pixels and deeper maps among it, this did best (docs/explanation.md).
 */
const LEAST_SIDE = 7;

/** The last feature map of at least `LEAST_SIDE` positions along each side; the pixels, where a model has none. */
export function cutOf(model: Model): Cut {
  const graph = createGraph('maps');
  const pixels = input(graph, 'pixels', 'uint8', ['batch', 'height', 'width', 3]);
  const values = rebuild(graph, model, { pixels }, ['embedding', imageOf(model)]);
  const isMap = ({ shape, dtype }: Value): boolean =>
    dtype === 'float32' &&
    shape.length === 4 &&
    shape[0] === 'batch' &&
    shape.slice(2).every((side) => typeof side === 'number' && side >= LEAST_SIDE);
  const mirrored = behindMirror(model);
  const image = imageOf(model);
  const channels = values.get(image)!.shape[1] === 3 ? 1 : 3;
  const all = [...values].filter(([name, value]) => channels === 1 && name !== image && isMap(value));
  const maps = [false, true].flatMap((side) => {
    const last = all.findLast(([name]) => mirrored.has(name) === side);
    return last ? [{ name: last[0], mirrored: side }] : [];
  });
  return { channels, maps: maps.length > 0 ? maps : [{ name: image, mirrored: false }] };
}

/** Names of what is computed from the mirror image: behind columns that are taken in another order. */
function behindMirror(model: Model): ReadonlySet<string> {
  const behind = new Set<string>();
  for (const { type, inputs, outputs, attributes } of model.nodes)
    if ((type === 'Gather' && attributes['axis'] === 3) || inputs.some((name) => behind.has(name)))
      for (const name of outputs) behind.add(name);
  return behind;
}
