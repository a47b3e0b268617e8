// The table of operators without a gradient: comparisons, indices, steps.
import * as elementwise from '../../src/graph/ops/elementwise.js';
import { oneHot } from '../../src/graph/ops/lookup.js';
import { argMax } from '../../src/graph/ops/reduction.js';
import { at, reduce, tabulate } from './reference.js';
import { binary, unary, type Row } from './rows.js';

/** By the names they are exported under. */
export const notDifferentiable: Readonly<Record<string, Row>> = {
  greater: binary(elementwise.greater, (a, b) => Number(a > b), 'few'),
  greaterOrEqual: binary(elementwise.greaterOrEqual, (a, b) => Number(a >= b), 'few'),
  less: binary(elementwise.less, (a, b) => Number(a < b), 'few'),
  lessOrEqual: binary(elementwise.lessOrEqual, (a, b) => Number(a <= b), 'few'),
  equal: binary(elementwise.equal, (a, b) => Number(a === b), 'few'),
  sign: unary(elementwise.sign, Math.sign, 'few'),
  floor: unary(elementwise.floor, Math.floor),
  step: unary(elementwise.step, (x) => Number(x > 0), 'few'),

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
};
