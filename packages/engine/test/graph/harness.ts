// Shared by the graph's tests: runs graphs, draws inputs and random cases.
import fc from 'fast-check';
import { randomStream } from '../../src/base/random.js';
import { float32, int32, int64, sizeOf, type Tensor, type Tensors } from '../../src/base/tensor.js';
import type { Graph, Value } from '../../src/graph/graph.js';
import { encodeModel } from '../../src/graph/onnx.js';
import { createSession } from '../../src/runtime/session.js';
import type { NdArray } from './reference.js';

/** The outputs of a graph for these inputs. */
export async function compute(
  graph: Graph,
  outputs: Readonly<Record<string, Value>>,
  feeds: Tensors = {},
): Promise<Record<string, Tensor>> {
  const session = await createSession(encodeModel(graph, outputs), { threads: 1 });
  try {
    return await session.run(feeds);
  } finally {
    await session.dispose();
  }
}

export const numbers = (tensor: Tensor | undefined): number[] =>
  Array.from(tensor!.data as Iterable<number>, Number);

/** The range of an input's elements; floats are multiples of 1/64, which are exact even in float16. */
export type Kind =
  /** In ±2. */
  | 'any'
  /** In [0.5, 2.5]. */
  | 'positive'
  /** In ±2, at least 0.25 from 0. */
  | 'nonzero'
  /** At least 0.125 from 0 and from every other element of the sample's inputs. */
  | 'apart'
  /** One of five values, so that equal ones occur. */
  | 'few'
  | 'bool'
  /** Indices in [0, below). */
  | { readonly below: number; readonly dtype?: 'int64' | 'int32' };

export interface InputSpec {
  readonly shape: readonly number[];
  readonly kind: Kind;
}

export const isFloat = ({ kind }: InputSpec): boolean => typeof kind === 'string' && kind !== 'bool';

/** Random elements for inputs of these kinds, as arrays and as tensors. */
export function drawInputs(
  specs: readonly InputSpec[],
  seed: number,
): { arrays: NdArray[]; tensors: Tensor[] } {
  const draw = randomStream(seed, 'inputs');
  const count = specs.reduce((sum, { shape }) => sum + sizeOf(shape), 0);
  const places = [...draw.permutation(2 * count)];
  const step = (low: number, high: number) => (draw.integer((high - low) * 64 + 1) + low * 64) / 64;
  const element = (kind: Kind): number => {
    if (typeof kind === 'object') return draw.integer(kind.below);
    if (kind === 'bool') return draw.integer(2);
    if (kind === 'few') return draw.integer(5) / 2 - 1;
    if (kind === 'positive') return step(0.5, 2.5);
    if (kind === 'nonzero') return step(0.25, 2) * (draw.integer(2) * 2 - 1);
    if (kind === 'apart') return (places.pop()! - count + 0.5) / 4;
    return step(-2, 2);
  };
  const arrays = specs.map(({ shape, kind }) => ({
    shape,
    data: Float64Array.from({ length: sizeOf(shape) }, () => element(kind)),
  }));
  return { arrays, tensors: arrays.map((array, i) => tensorOf(array, specs[i]!.kind)) };
}

function tensorOf({ shape, data }: NdArray, kind: Kind): Tensor {
  if (typeof kind === 'object')
    return kind.dtype === 'int32' ? int32(shape, Int32Array.from(data)) : int64(shape, data);
  if (kind === 'bool') return { dtype: 'bool', shape, data: Uint8Array.from(data) };
  return float32(shape, data);
}

/** Random choices of one test case, by fast-check's generator so that it can replay and shrink them. */
export interface Draw {
  integer(min: number, max: number): number;
  boolean(): boolean;
  /** One of several. */
  pick<T>(choices: readonly T[]): T;
  shape(minRank: number, maxRank: number): number[];
  /** A shape that broadcasts to this one. */
  part(shape: readonly number[]): number[];
  permutation(n: number): number[];
}

/** Checks a property of random choices, with a fixed seed. */
export async function forAll(runs: number, property: (draw: Draw) => Promise<void>): Promise<void> {
  await fc.assert(
    fc.asyncProperty(fc.gen(), async (gen) => {
      const integer = (min: number, max: number): number => gen(fc.integer, { min, max });
      const boolean = (): boolean => gen(fc.boolean);
      const shape = (minRank: number, maxRank: number): number[] =>
        Array.from({ length: integer(minRank, maxRank) }, () => integer(1, 3));
      const part = (whole: readonly number[]): number[] =>
        whole.slice(boolean() ? 0 : integer(0, whole.length)).map((dim) => (integer(0, 3) === 0 ? 1 : dim));
      const permutation = (n: number): number[] => {
        const rest = Array.from({ length: n }, (_, i) => i);
        return Array.from({ length: n }, () => rest.splice(integer(0, rest.length - 1), 1)[0]!);
      };
      const pick = <T>(choices: readonly T[]): T => choices[integer(0, choices.length - 1)]!;
      await property({ integer, boolean, shape, part, permutation, pick });
    }),
    { numRuns: runs, seed: 20260702 },
  );
}
