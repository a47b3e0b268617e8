// Operators without a gradient: choices, indices, steps, and the fused ones that only inference uses.
import { conv2d, globalAveragePool } from '../../src/graph/ops/convolution.js';
import * as elementwise from '../../src/graph/ops/elementwise.js';
import { biasGelu, multiHeadAttention, skipLayerNorm } from '../../src/graph/ops/fused.js';
import { oneHot } from '../../src/graph/ops/lookup.js';
import { argMax } from '../../src/graph/ops/reduction.js';
import {
  at,
  correlation,
  erf,
  matrixProduct,
  reduce,
  tabulate,
  total,
  transposed,
  zip,
  type NdArray,
} from './reference.js';
import { binary, unary, type Row } from './rows.js';

/** Operators whose results are indices, choices or steps: computed, but never differentiated. */
export const notDifferentiable: Readonly<Record<string, Row>> = {
  greater: binary(elementwise.greater, (a, b) => Number(a > b), 'few'),
  greaterOrEqual: binary(elementwise.greaterOrEqual, (a, b) => Number(a >= b), 'few'),
  less: binary(elementwise.less, (a, b) => Number(a < b), 'few'),
  lessOrEqual: binary(elementwise.lessOrEqual, (a, b) => Number(a <= b), 'few'),
  equal: binary(elementwise.equal, (a, b) => Number(a === b), 'few'),
  sign: unary(elementwise.sign, Math.sign, 'few'),
  floor: unary(elementwise.floor, Math.floor),

  argMax: (draw) => {
    const shape = draw.shape(1, 3);
    const axis = draw.integer(0, shape.length - 1);
    return {
      inputs: [{ shape, kind: 'apart' }],
      build: (x) => argMax(x!, axis),
      reference: (x) => reduce(x!, [axis], false, (elements) => elements.indexOf(Math.max(...elements))),
    };
  },

  oneHot: (draw) => {
    const depth = draw.integer(1, 4);
    return {
      inputs: [
        { shape: draw.shape(1, 2), kind: { below: depth, dtype: draw.pick(['int64', 'int32'] as const) } },
      ],
      build: (indices) => oneHot(indices!, depth),
      reference: (indices) =>
        tabulate([...indices!.shape, depth], (index) =>
          Number(at(indices!, index.slice(0, -1)) === index.at(-1)),
        ),
    };
  },

  conv2d: (draw) => {
    const [groups, inner, each] = [draw.integer(1, 2), draw.integer(1, 2), draw.integer(1, 2)];
    const [height, width] = [draw.integer(1, 3), draw.integer(1, 3)];
    const stride = draw.integer(1, 2);
    const padding = [draw.integer(0, 1), draw.integer(0, 1), draw.integer(0, 1), draw.integer(0, 1)] as const;
    const bias = draw.boolean() ? [{ shape: [groups * each], kind: 'any' as const }] : [];
    return {
      inputs: [
        { shape: [2, groups * inner, draw.integer(3, 5), draw.integer(3, 5)], kind: 'any' },
        { shape: [groups * each, inner, height, width], kind: 'any' },
        ...bias,
      ],
      build: (x, weight, b) => conv2d(x!, weight!, { stride, padding, groups, ...(b ? { bias: b } : {}) }),
      reference: (x, weight, b) => {
        const product = correlation(x!, weight!, { stride, padding, groups });
        return b ? zip((p, q) => p! + q!, product, { shape: [b.shape[0]!, 1, 1], data: b.data }) : product;
      },
    };
  },

  globalAveragePool: (draw) => ({
    inputs: [{ shape: [2, draw.integer(1, 3), draw.integer(1, 4), draw.integer(1, 4)], kind: 'any' }],
    build: (x) => globalAveragePool(x!),
    reference: (x) => reduce(x!, [2, 3], true, (elements) => total(elements) / elements.length),
  }),

  biasGelu: (draw) => {
    const width = draw.integer(1, 8);
    return {
      inputs: [
        { shape: [...draw.shape(1, 2), width], kind: 'any' },
        { shape: [width], kind: 'any' },
      ],
      build: (x, bias) => biasGelu(x!, bias!),
      reference: (x, bias) => zip((a, b) => ((a! + b!) * (1 + erf((a! + b!) / Math.SQRT2))) / 2, x!, bias!),
    };
  },

  skipLayerNorm: (draw) => {
    const width = draw.integer(2, 8);
    const shape = [...draw.shape(2, 2), width];
    const vector = { shape: [width], kind: 'any' as const };
    const xBias = draw.boolean() ? [vector] : [];
    return {
      inputs: [{ shape, kind: 'any' }, { shape, kind: 'any' }, vector, vector, ...xBias],
      build: (x, skip, scale, bias, added) => skipLayerNorm(x!, skip!, scale!, bias!, 0.01, added),
      reference: (x, skip, scale, bias, added) => {
        const zero: NdArray = { shape: [], data: Float64Array.of(0) };
        const mean = (values: NdArray) => reduce(values, [2], true, (row) => total(row) / width);
        const all = zip((a, b, c) => a! + b! + c!, x!, skip!, added ?? zero);
        const centred = zip((element, average) => element! - average!, all, mean(all));
        const variance = mean(zip((element) => element! ** 2, centred));
        return zip((c, v, s, b) => (c! / Math.sqrt(v! + 0.01)) * s! + b!, centred, variance, scale!, bias!);
      },
    };
  },

  multiHeadAttention: (draw) => {
    const [heads, size, tokens] = [draw.integer(1, 2), draw.pick([4, 8]), draw.integer(1, 4)];
    const width = heads * size;
    const shape = [draw.integer(1, 2), tokens, width];
    return {
      inputs: [
        ...[0, 1, 2].map(() => ({ shape, kind: 'any' as const })),
        { shape: [3 * width], kind: 'any' },
      ],
      build: (query, key, value, bias) => multiHeadAttention(query!, key!, value!, { heads, bias: bias! }),
      reference: (query, key, value, bias) => {
        // [batch, tokens, width] plus its part of the bias, as [batch, heads, tokens, size].
        const divided = (x: NdArray, part: number): NdArray => {
          const added = { shape: [width], data: bias!.data.slice(part * width, (part + 1) * width) };
          const { data } = zip((a, b) => a! + b!, x, added);
          return transposed({ shape: [shape[0]!, tokens, heads, size], data }, [0, 2, 1, 3]);
        };
        const products = matrixProduct(divided(query!, 0), transposed(divided(key!, 1), [0, 1, 3, 2]));
        const weights = zip((product) => Math.exp(product! / Math.sqrt(size)), products);
        const shares = zip((weight, sum) => weight! / sum!, weights, reduce(weights, [3], true, total));
        const joined = transposed(matrixProduct(shares, divided(value!, 2)), [0, 2, 1, 3]);
        return { shape, data: joined.data };
      },
    };
  },
};
