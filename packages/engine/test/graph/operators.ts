// The table of differentiable operators: how to draw a case of each, how to build it, and its plain implementation.
import { defined } from 'mien-engine/base';
import { float32, sizeOf } from '../../src/base/tensor.js';
import { constant, type Value } from '../../src/graph/graph.js';
import { addScaled, channelAffine, gatedAdd, layerNorm, rowDot } from '../../src/graph/ops/fused.js';
import { channelMajorConv } from '../../src/graph/ops/channel-major.js';
import { conv2d, convTranspose2d, globalAveragePool } from '../../src/graph/ops/image.js';
import { firstRows } from '../../src/graph/ops/movement.js';
import { gemm, linearProduct, matmul } from '../../src/graph/ops/linalg.js';
import { gather, scatterAdd } from '../../src/graph/ops/lookup.js';
import * as elementwise from '../../src/graph/ops/elementwise.js';
import * as movement from '../../src/graph/ops/movement.js';
import * as reduction from '../../src/graph/ops/reduction.js';
import { drawInputs, type Draw } from './harness.js';
import {
  at,
  broadcast,
  correlation,
  erf,
  matrixProduct,
  reduce,
  spread,
  tabulate,
  total,
  transposed,
  zip,
  type NdArray,
} from './reference.js';
import { binary, normalising, reducing, unary, type Row } from './rows.js';

const logistic = (x: number): number => 1 / (1 + Math.exp(-x));

/** A kernel that is part of the graph. */
const fixed = ({ graph }: Value, { shape, data }: NdArray): Value => constant(graph, float32(shape, data));

/** An image's shape, a kernel and a way to convolve them. */
function drawConvolution(draw: Draw) {
  const [groups, inner, each] = [draw.integer(1, 2), draw.integer(1, 2), draw.integer(1, 2)];
  const { arrays } = drawInputs(
    [{ shape: [groups * each, inner, draw.integer(1, 3), draw.integer(1, 3)], kind: 'any' }],
    draw.integer(0, 1000),
  );
  const padding = [draw.integer(0, 1), draw.integer(0, 1), draw.integer(0, 1), draw.integer(0, 1)] as const;
  return {
    image: [2, groups * inner, draw.integer(3, 4), draw.integer(3, 4)],
    kernel: arrays[0]!,
    options: { stride: draw.integer(1, 2), padding, groups },
  };
}

/** Differentiable operators, by the names they are exported under. */
export const differentiable: Readonly<Record<string, Row>> = {
  add: binary(elementwise.add, (a, b) => a + b),
  sub: binary(elementwise.sub, (a, b) => a - b),
  mul: binary(elementwise.mul, (a, b) => a * b),
  div: binary(elementwise.div, (a, b) => a / b, 'any', 'nonzero'),
  pow: binary(elementwise.pow, Math.pow, 'positive', 'any'),
  maximum: binary(elementwise.maximum, Math.max, 'apart'),
  minimum: binary(elementwise.minimum, Math.min, 'apart'),
  neg: unary(elementwise.neg, (x) => -x),
  exp: unary(elementwise.exp, Math.exp),
  log: unary(elementwise.log, Math.log, 'positive'),
  sqrt: unary(elementwise.sqrt, Math.sqrt, 'positive'),
  reciprocal: unary(elementwise.reciprocal, (x) => 1 / x, 'nonzero'),
  abs: unary(elementwise.abs, Math.abs, 'nonzero'),
  sin: unary(elementwise.sin, Math.sin),
  cos: unary(elementwise.cos, Math.cos),
  tanh: unary(elementwise.tanh, Math.tanh),
  sigmoid: unary(elementwise.sigmoid, logistic),
  relu: unary(elementwise.relu, (x) => Math.max(x, 0), 'nonzero'),
  erf: unary(elementwise.erf, erf),
  softplus: unary(elementwise.softplus, (x) => Math.log1p(Math.exp(x))),
  silu: unary(elementwise.silu, (x) => x * logistic(x)),
  gelu: unary(elementwise.gelu, (x) => (x * (1 + erf(x / Math.SQRT2))) / 2),
  // Elements and their squares are exact in float16, gradients are not.
  cast: (draw) => ({
    inputs: [{ shape: draw.shape(0, 3), kind: 'few' }],
    build: (x) => {
      const half = elementwise.cast(x!, 'float16');
      return elementwise.cast(elementwise.mul(half, half), 'float32');
    },
    reference: (x) => zip((element) => element! ** 2, x!),
    tolerance: 2e-3,
  }),

  where: (draw) => {
    const full = draw.shape(0, 3);
    return {
      inputs: (['bool', 'any', 'any'] as const).map((kind) => ({ shape: draw.part(full), kind })),
      build: (condition, a, b) => elementwise.where(condition!, a!, b!),
      reference: (condition, a, b) => zip((c, left, right) => (c ? left : right)!, condition!, a!, b!),
    };
  },

  matmul: (draw) => {
    const batch = draw.shape(0, 2);
    const [n, k, m] = [draw.integer(1, 3), draw.integer(1, 3), draw.integer(1, 3)];
    return {
      inputs: [
        { shape: [...draw.part(batch), n, k], kind: 'any' },
        { shape: [...draw.part(batch), k, m], kind: 'any' },
      ],
      build: (a, b) => matmul(a!, b!),
      reference: (a, b) => matrixProduct(a!, b!),
    };
  },

  gemm: (draw) => {
    const [n, k, m] = [draw.integer(1, 3), draw.integer(1, 3), draw.integer(1, 3)];
    const [transA, transB] = [draw.boolean(), draw.boolean()];
    const [alpha, beta] = [draw.pick([1, 0.5]), draw.pick([1, 0.25])];
    const added = draw.boolean() ? [{ shape: draw.part([n, m]), kind: 'any' as const }] : [];
    return {
      inputs: [
        { shape: transA ? [k, n] : [n, k], kind: 'any' },
        { shape: transB ? [m, k] : [k, m], kind: 'any' },
        ...added,
      ],
      build: (a, b, c) => gemm(a!, b!, { transA, transB, alpha, beta, ...defined({ add: c }) }),
      reference: (a, b, c) => {
        const turned = (x: NdArray, turn: boolean) => (turn ? transposed(x, [1, 0]) : x);
        const product = matrixProduct(turned(a!, transA), turned(b!, transB));
        return c ? zip((p, q) => alpha * p + beta * q, product, c) : zip((p) => alpha * p, product);
      },
    };
  },

  linearProduct: (draw) => {
    const [inner, width] = [draw.integer(1, 3), draw.integer(1, 3)];
    const bias = draw.boolean() ? [{ shape: [width], kind: 'any' as const }] : [];
    return {
      inputs: [
        { shape: [...draw.shape(1, 2), inner], kind: 'any' },
        { shape: [width, inner], kind: 'any' },
        ...bias,
      ],
      build: (x, weight, b) => linearProduct(x!, weight!, b),
      reference: (x, weight, b) => {
        const product = matrixProduct(x!, transposed(weight!, [1, 0]));
        return b ? zip((p, q) => p + q, product, b) : product;
      },
    };
  },

  // Rows of 16 and more are added in one pass.
  addScaled: (draw) => {
    const shape = [...draw.shape(0, 2), draw.pick([3, 16, 17])];
    const asNumber = draw.boolean();
    return {
      inputs: [
        { shape, kind: 'any' },
        { shape, kind: 'any' },
        ...(asNumber ? [] : [{ shape: [], kind: 'any' as const }]),
      ],
      build: (x, y, s) => addScaled(x!, y!, s ?? 0.75),
      reference: (x, y, s) => zip((a, b) => a! + (s ? s.data[0]! : 0.75) * b!, x!, y!),
    };
  },

  gatedAdd: (draw) => {
    const shape = [draw.integer(1, 4), draw.pick([3, 16, 17])];
    const gates = { shape: shape.slice(0, 1), kind: 'any' as const };
    return {
      inputs: [{ shape, kind: 'any' }, { shape, kind: 'any' }, gates],
      build: (x, y, gate) => gatedAdd(x!, y!, gate!),
      reference: (x, y, gate) => {
        const column = { shape: [shape[0]!, 1], data: gate!.data };
        return zip((a, b, c) => a! + b! * c!, x!, y!, column);
      },
    };
  },

  rowDot: (draw) => {
    const shape = [draw.integer(1, 4), draw.pick([1, 3, 16, 37])];
    return {
      inputs: [
        { shape, kind: 'any' },
        { shape, kind: 'any' },
      ],
      build: (a, b) => rowDot(a!, b!),
      reference: (a, b) =>
        reduce(
          zip((p, q) => p! * q!, a!, b!),
          [1],
          false,
          total,
        ),
    };
  },

  gather: (draw) => {
    const shape = draw.shape(1, 3);
    const dtype = draw.pick(['int64', 'int32'] as const);
    return {
      inputs: [
        { shape, kind: 'any' },
        { shape: draw.shape(0, 2), kind: { below: shape[0]!, dtype } },
      ],
      build: (table, indices) => gather(table!, indices!),
      reference: (table, indices) =>
        tabulate([...indices!.shape, ...shape.slice(1)], (index) =>
          at(table!, [
            at(indices!, index.slice(0, indices!.shape.length)),
            ...index.slice(indices!.shape.length),
          ]),
        ),
    };
  },

  scatterAdd: (draw) => {
    const shape = draw.shape(1, 3);
    const places = draw.shape(0, 2);
    return {
      inputs: [
        { shape: [...places, ...shape.slice(1)], kind: 'any' },
        { shape: places, kind: { below: shape[0]! } },
      ],
      build: (updates, indices) => scatterAdd(updates!, indices!, shape),
      reference: (updates, indices) => {
        const width = sizeOf(shape.slice(1));
        return tabulate(shape, (index) => {
          const column = index.slice(1).reduce((position, i, axis) => position * shape[axis + 1]! + i, 0);
          return total(
            [...indices!.data].map((row, i) => (row === index[0] ? updates!.data[i * width + column]! : 0)),
          );
        });
      },
    };
  },

  channelMajorConv: (draw) => {
    const [height, width] = [draw.integer(1, 3), draw.integer(1, 3)];
    const stride = draw.integer(1, Math.min(2, height, width));
    const padding = [draw.integer(0, 1), draw.integer(0, 1), draw.integer(0, 1), draw.integer(0, 1)] as const;
    const inputs = draw.integer(1, 2);
    return {
      inputs: [
        { shape: [inputs, draw.integer(1, 2), draw.integer(3, 4), draw.integer(3, 4)], kind: 'any' },
        { shape: [draw.integer(1, 2), inputs, height, width], kind: 'any' },
      ],
      build: (x, weight) => channelMajorConv(x!, weight!, { stride, padding }),
      reference: (x, weight) =>
        transposed(correlation(transposed(x!, [1, 0, 2, 3]), weight!, { stride, padding }), [1, 0, 2, 3]),
    };
  },

  // The kernel is fixed: its gradient is the channel-major form's.
  conv2d: (draw) => {
    const { image, kernel, options } = drawConvolution(draw);
    const [outputs] = kernel.shape as [number];
    const bias = draw.boolean() ? [{ shape: [outputs], kind: 'any' as const }] : [];
    return {
      inputs: [{ shape: image, kind: 'any' }, ...bias],
      build: (x, b) => conv2d(x!, fixed(x!, kernel), { ...options, ...defined({ bias: b }) }),
      reference: (x, b) => {
        const product = correlation(x!, kernel, options);
        return b ? zip((p, q) => p! + q!, product, { shape: [outputs, 1, 1], data: b.data }) : product;
      },
    };
  },

  convTranspose2d: (draw) => {
    const { image, kernel, options } = drawConvolution(draw);
    const { shape } = correlation({ shape: image, data: new Float64Array(sizeOf(image)) }, kernel, options);
    return {
      inputs: [{ shape, kind: 'any' }],
      build: (y) => convTranspose2d(y!, fixed(y!, kernel), [image[2]!, image[3]!], options),
      reference: (y) => spread(y!, kernel, image, options),
    };
  },

  globalAveragePool: (draw) => ({
    inputs: [{ shape: [2, draw.integer(1, 3), draw.integer(1, 4), draw.integer(1, 4)], kind: 'any' }],
    build: (x) => globalAveragePool(x!),
    reference: (x) => reduce(x!, [2, 3], true, (elements) => total(elements) / elements.length),
  }),

  channelAffine: (draw) => {
    const shape = draw.shape(2, 4);
    const rows = { shape: shape.slice(0, 1), kind: 'any' as const };
    return {
      inputs: [{ shape, kind: 'any' }, rows, rows],
      build: (x, scale, shift) => channelAffine(x!, scale!, shift!),
      reference: (x, scale, shift) => {
        const column = ({ data }: NdArray) => ({ shape: [shape[0]!, ...shape.slice(1).map(() => 1)], data });
        return zip((a, b, c) => a! * b! + c!, x!, column(scale!), column(shift!));
      },
    };
  },

  firstRows: (draw) => {
    const shape = draw.shape(1, 3);
    const count = draw.integer(1, shape[0]!);
    return {
      inputs: [{ shape, kind: 'any' }],
      build: (table) => firstRows(table!, count),
      reference: (table) => tabulate(shape.with(0, count), (index) => at(table!, index)),
    };
  },

  reshape: (draw) => {
    const shape = draw.shape(0, 3);
    const to = draw.boolean() ? [...shape.toReversed(), 1] : [sizeOf(shape)];
    return {
      inputs: [{ shape, kind: 'any' }],
      build: (x) => movement.reshape(x!, to),
      reference: (x) => ({ shape: to, data: x!.data }),
    };
  },

  flattenLeading: (draw) => ({
    inputs: [{ shape: draw.shape(1, 3), kind: 'any' }],
    build: (x) => movement.flattenLeading(x!),
    reference: (x) => ({ shape: [sizeOf(x!.shape.slice(0, -1)), x!.shape.at(-1)!], data: x!.data }),
  }),

  transpose: (draw) => {
    const shape = draw.shape(2, 3);
    const order = draw.boolean() ? draw.permutation(shape.length) : undefined;
    return {
      inputs: [{ shape, kind: 'any' }],
      build: (x) => movement.transpose(x!, order),
      reference: (x) => transposed(x!, order ?? (shape.length === 2 ? [1, 0] : [0, 2, 1])),
    };
  },

  expand: (draw) => {
    const shape = draw.shape(0, 3);
    return {
      inputs: [{ shape: draw.part(shape), kind: 'any' }],
      build: (x) => movement.expand(x!, shape),
      reference: (x) => tabulate(shape, (index) => at(x!, index)),
    };
  },

  concat: (draw) => {
    const shape = draw.shape(1, 3);
    const axis = draw.integer(0, shape.length - 1);
    const sizes = Array.from({ length: draw.integer(1, 3) }, () => draw.integer(1, 3));
    return {
      inputs: sizes.map((size) => ({ shape: shape.with(axis, size), kind: 'any' })),
      build: (...parts) => movement.concat(parts, draw.boolean() ? axis : axis - shape.length),
      reference: (...parts) =>
        tabulate(shape.with(axis, total(sizes)), (index) => {
          let [part, offset] = [0, index[axis]!];
          while (offset >= sizes[part]!) offset -= sizes[part++]!;
          return at(parts[part]!, index.with(axis, offset));
        }),
    };
  },

  split: (draw) => {
    const shape = draw.shape(1, 3);
    const axis = draw.integer(0, shape.length - 1);
    const sizes = Array.from({ length: draw.integer(1, 3) }, () => draw.integer(1, 3));
    // Not all parts are used, so that the gradient has to fill in zeros for the others.
    const used = sizes.map((_, i) => i).filter((i) => i === 0 || draw.boolean());
    return {
      inputs: [{ shape: shape.with(axis, total(sizes)), kind: 'any' }],
      build: (x) => {
        const parts = movement.split(x!, sizes, axis);
        return used.map((i) => parts[i]!);
      },
      reference: (x) =>
        used.map((i) => {
          const offset = total(sizes.slice(0, i));
          return tabulate(shape.with(axis, sizes[i]!), (index) =>
            at(x!, index.with(axis, index[axis]! + offset)),
          );
        }),
    };
  },

  slice: (draw) => {
    const shape = draw.shape(0, 2);
    const axis = draw.integer(0, shape.length);
    const [start, length, after] = [draw.integer(0, 2), draw.integer(1, 5), draw.integer(0, 2)];
    const step = draw.integer(1, 3);
    return {
      inputs: [{ shape: shape.toSpliced(axis, 0, start + length + after), kind: 'any' }],
      build: (x) => movement.slice(x!, axis, start, start + length, step),
      reference: (x) =>
        tabulate(shape.toSpliced(axis, 0, Math.ceil(length / step)), (index) =>
          at(x!, index.with(axis, start + index[axis]! * step)),
        ),
    };
  },

  pad: (draw) => {
    const shape = draw.shape(1, 3);
    const axis = draw.integer(0, shape.length - 1);
    const [before, after] = [draw.integer(0, 2), draw.integer(0, 2)];
    return {
      inputs: [{ shape, kind: 'any' }],
      build: (x) => movement.pad(x!, axis, before, after),
      reference: (x) =>
        tabulate(shape.with(axis, before + shape[axis]! + after), (index) => {
          const inside = index[axis]! - before;
          return inside >= 0 && inside < shape[axis]! ? at(x!, index.with(axis, inside)) : 0;
        }),
    };
  },

  reflectPad: (draw) => {
    const shape = draw.shape(1, 3);
    const axis = draw.integer(0, shape.length - 1);
    const length = draw.integer(2, 4);
    const [before, after] = [draw.integer(0, length - 1), draw.integer(0, length - 1)];
    return {
      inputs: [{ shape: shape.with(axis, length), kind: 'any' }],
      build: (x) => movement.reflectPad(x!, axis, before, after),
      reference: (x) =>
        tabulate(shape.with(axis, before + length + after), (index) => {
          const inside = Math.abs(index[axis]! - before);
          return at(x!, index.with(axis, inside < length ? inside : 2 * (length - 1) - inside));
        }),
    };
  },

  reversed: (draw) => {
    const shape = draw.shape(1, 3);
    const axis = draw.integer(0, shape.length - 1);
    return {
      inputs: [{ shape, kind: 'any' }],
      build: (x) => movement.reversed(x!, axis),
      reference: (x) => tabulate(shape, (index) => at(x!, index.with(axis, shape[axis]! - 1 - index[axis]!))),
    };
  },

  layerNorm: (draw) => {
    const width = draw.integer(2, 4);
    const epsilon = draw.pick([0.5, 0.01]);
    return {
      inputs: [
        { shape: [...draw.shape(0, 2), width], kind: 'any' },
        { shape: [width], kind: 'any' },
        { shape: [width], kind: 'any' },
      ],
      build: (x, scale, bias) => layerNorm(x!, scale!, bias!, epsilon),
      reference: (x, scale, bias) => {
        const mean = (values: NdArray) =>
          reduce(values, [values.shape.length - 1], true, (row) => total(row) / width);
        const centred = zip((element, average) => element - average, x!, mean(x!));
        const variance = mean(zip((element) => element ** 2, centred));
        return zip(
          (c, v, s, b) => (c! / Math.sqrt(v! + epsilon)) * s! + b!,
          centred,
          variance,
          scale!,
          bias!,
        );
      },
    };
  },

  sum: reducing(reduction.sum, total),
  mean: reducing(reduction.mean, (elements) => total(elements) / elements.length),
  sumOfSquares: reducing(reduction.sumOfSquares, (elements) => total(elements.map((x) => x * x))),
  max: reducing(reduction.max, (elements) => Math.max(...elements), 'apart'),
  softmax: normalising(reduction.softmax, (share) => share),
  logSoftmax: normalising(reduction.logSoftmax, Math.log),

  sumTo: (draw) => {
    const full = draw.shape(0, 3);
    const shape = draw.part(full);
    return {
      inputs: [{ shape: broadcast(shape, full), kind: 'any' }],
      build: (x) => reduction.sumTo(x!, shape),
      reference: (x) => {
        const added = full.length - shape.length;
        const axes = full.map((_, axis) => axis).filter((axis) => axis < added || shape[axis - added] === 1);
        return { shape, data: reduce(x!, axes, true, total).data };
      },
    };
  },
};
