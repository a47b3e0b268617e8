// Parameters of a model: declared by the layers that use them, bound to inputs in training and to constants afterwards.
import { MienError } from '../base/errors.js';
import { nearestName } from '../base/options.js';
import { randomStream, type RandomStream } from '../base/random.js';
import { float32, sizeOf, type Tensor, type Tensors } from '../base/tensor.js';
import { constant, createGraph, formatShape, input, type Graph, type Value } from '../graph/graph.js';
import { sameShape } from '../graph/shapes.js';

/** Initial values of a parameter. */
export type Initializer = (draw: RandomStream, shape: readonly number[]) => Float32Array;

export interface ParameterSpec {
  /** As in a published checkpoint: `encoder.layer.0.attention.self.query.weight`. */
  readonly name: string;
  readonly shape: readonly number[];
  readonly init: Initializer;
}

/** Where layers get their parameters from. */
export interface Parameters {
  readonly graph: Graph;
  /** The parameter of this name; the same value on every call. */
  get(name: string, shape: readonly number[], init?: Initializer): Value;
  /** The linear layer of this name applied to x, if it is not computed from a float32 weight. */
  readonly linear?: (name: string, x: Value) => Value | undefined;
  /** Rows of the table of this name by index, if it is not stored in float32. */
  readonly rows?: (name: string, indices: Value) => Value | undefined;
}

export const constantInit =
  (value: number): Initializer =>
  (_draw, shape) =>
    new Float32Array(sizeOf(shape)).fill(value);

/** Uniform in (−bound, bound). */
export const uniformInit =
  (bound: number): Initializer =>
  (draw, shape) =>
    Float32Array.from({ length: sizeOf(shape) }, () => (2 * draw.uniform() - 1) * bound);

export const normalInit =
  (deviation: number): Initializer =>
  (draw, shape) =>
    Float32Array.from({ length: sizeOf(shape) }, () => draw.normal() * deviation);

const unspecified: Initializer = constantInit(0);

function parameters(graph: Graph, resolve: (spec: ParameterSpec) => Value): Parameters {
  const known = new Map<string, Value>();
  const get: Parameters['get'] = (name, shape, init = unspecified) => {
    const before = known.get(name);
    if (before !== undefined) {
      if (!sameShape(before.shape, shape))
        throw new MienError('shape', `is used as ${formatShape(before.shape)} and as ${formatShape(shape)}`, {
          field: name,
        });
      return before;
    }
    const value = resolve({ name, shape, init });
    known.set(name, value);
    return value;
  };
  return { graph, get };
}

/** The parameters a model declares, in order of first use, collected by building it once on a temporary graph. */
export function collectParameters(build: (parameters: Parameters) => unknown): ParameterSpec[] {
  const specs: ParameterSpec[] = [];
  const graph = createGraph('parameters');
  build(
    parameters(graph, (spec) => {
      specs.push(spec);
      return input(graph, `parameter ${spec.name}`, 'float32', spec.shape);
    }),
  );
  return specs;
}

/** Parameters that are existing values of the graph, such as the state a Scan carries. */
export const boundParameters = (graph: Graph, values: Readonly<Record<string, Value>>): Parameters =>
  parameters(graph, ({ name, shape }) => {
    const value = values[name];
    if (value === undefined || !sameShape(value.shape, shape))
      throw new MienError('shape', `no parameter of shape ${formatShape(shape)} is bound`, { field: name });
    return value;
  });

/**
 * Parameters that are constants of the model.
 * @throws MienError `weights`, naming the tensor, if one is missing or has another shape.
 */
export const constantParameters = (graph: Graph, tensors: Tensors): Parameters =>
  parameters(graph, ({ name, shape }) => {
    const tensor: Tensor | undefined = tensors[name];
    if (tensor === undefined) {
      const nearest = nearestName(name, Object.keys(tensors));
      throw new MienError('weights', 'is missing from the weights', {
        field: name,
        hint: nearest && `The most similar name there is ${nearest}.`,
      });
    }
    if (!sameShape(tensor.shape, shape))
      throw new MienError(
        'weights',
        `has shape ${formatShape(tensor.shape)}, the model needs ${formatShape(shape)}`,
        {
          field: name,
        },
      );
    return constant(graph, tensor);
  });

/** Initial values of all parameters; each has its own random stream, so that adding one does not change the others. */
export const initialize = (
  specs: readonly ParameterSpec[],
  seed: number,
): Record<string, Tensor<'float32'>> =>
  Object.fromEntries(
    specs.map(({ name, shape, init }) => [
      name,
      float32(shape, init(randomStream(seed, `initialize ${name}`), shape)),
    ]),
  );

/** Total number of elements. */
export const countParameters = (specs: readonly Pick<ParameterSpec, 'shape'>[]): number =>
  specs.reduce((total, { shape }) => total + sizeOf(shape), 0);
