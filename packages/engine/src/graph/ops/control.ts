// Scan: runs a body once per leading index, carrying state from one step to the next.
import { MienError } from '../../base/errors.js';
import {
  apply,
  createGraph,
  formatShape,
  input,
  operator,
  type Dim,
  type Graph,
  type Subgraph,
  type Value,
} from '../graph.js';

export type Named = Readonly<Record<string, Value>>;

interface ScanAttributes {
  readonly body: Subgraph;
  /** Types of the carried state, which are the first inputs and outputs. */
  readonly carried: readonly Value[];
  readonly steps: Dim;
}
const Scan = operator<readonly Value[], ScanAttributes, Value[]>({
  name: 'Scan',
  infer: (_inputs, { body, carried, steps }) => [
    ...carried.map(({ dtype, shape }) => ({ dtype, shape })),
    ...body.outputs.slice(carried.length).map(({ dtype, shape }) => ({ dtype, shape: [steps, ...shape] })),
  ],
  lower: (inputs, { body, carried }) => ({
    type: 'Scan',
    inputs,
    attributes: { body: { graph: body }, num_scan_inputs: inputs.length - carried.length },
  }),
});

export interface ScanBody {
  /** The body's graph, for constants and scopes. */
  readonly graph: Graph;
  /** State as the previous step left it. */
  readonly carried: Named;
  /** This step's part of each scanned tensor. */
  readonly scanned: Named;
}

/**
 * Runs `body` for every index of the leading axis of `scanned`. It returns the state for the next step with the same
 * names and shapes, and `outputs`, which are stacked along a new leading axis. The body may use values of the enclosing
 * graph. Differentiate inside the body: a Scan itself has no gradient.
 * @throws MienError `shape` if the carried state changes names, dtypes or shapes, or if the scanned tensors have no
 *   common leading size.
 */
export function scan(
  graph: Graph,
  carried: Named,
  scanned: Named,
  body: (step: ScanBody) => { carried: Named; outputs: Named },
): { carried: Record<string, Value>; outputs: Record<string, Value> } {
  const refuse = (reason: string): never => {
    const place = graph.scopes.join('.') || graph.name;
    throw new MienError('shape', `Scan in ${place}: ${reason}`);
  };
  const steps = Object.values(scanned)[0]?.shape[0];
  if (steps === undefined) return refuse('needs something to scan, of rank 1 or more');
  for (const [name, { shape }] of Object.entries(scanned))
    if (shape[0] !== steps) return refuse(`${name} ${formatShape(shape)} does not have ${steps} steps`);

  const inner = createGraph(`${graph.name} step`, graph);
  const bodyInputs = (values: Named, prefix: string, skip: number): Record<string, Value> =>
    Object.fromEntries(
      Object.entries(values).map(([name, { dtype, shape }]) => [
        name,
        input(inner, `${prefix}${name}`, dtype, shape.slice(skip)),
      ]),
    );
  const result = body({
    graph: inner,
    carried: bodyInputs(carried, 'carried ', 0),
    scanned: bodyInputs(scanned, 'scanned ', 1),
  });
  const typeOf = (value: Value | undefined): string =>
    value ? `${value.dtype} ${formatShape(value.shape)}` : 'nothing';
  const state = [...new Set([...Object.keys(carried), ...Object.keys(result.carried)])].map((name) => {
    const [before, after] = [carried[name], result.carried[name]];
    if (before === undefined || after === undefined || typeOf(before) !== typeOf(after))
      return refuse(`the state ${name} enters as ${typeOf(before)} and leaves as ${typeOf(after)}`);
    return { name, before, after };
  });
  const outputs = Object.entries(result.outputs);
  const values = apply(Scan, [...Object.values(carried), ...Object.values(scanned)], {
    body: { graph: inner, outputs: [...state.map(({ after }) => after), ...outputs.map(([, y]) => y)] },
    carried: state.map(({ before }) => before),
    steps,
  });
  const named = (names: readonly string[], from: number): Record<string, Value> =>
    Object.fromEntries(names.map((name, i) => [name, values[from + i]!]));
  return {
    carried: named(Object.keys(carried), 0),
    outputs: named(Object.keys(result.outputs), state.length),
  };
}
