// Scan: runs a body once per leading index, carrying state from one step to the next.
import { MienError } from '../../base/errors.js';
import { apply, createGraph, formatShape, input, type Dim, type Graph, type Value } from '../builder.js';
import { operator, type LoweredGraph } from '../operator.js';

export type Named = Readonly<Record<string, Value>>;

interface ScanAttributes {
  readonly body: LoweredGraph;
  readonly carried: number;
  readonly steps: Dim;
}
const Scan = operator<ScanAttributes>({
  name: 'Scan',
  infer: (inputs, { body, carried, steps }) =>
    body.outputs.map((output, i) =>
      i < carried
        ? { dtype: inputs[i]!.dtype, shape: inputs[i]!.shape }
        : { dtype: output.dtype, shape: [steps, ...output.shape] },
    ),
  lower: (inputs, { body, carried }) => ({
    type: 'Scan',
    inputs,
    attributes: { body: { graph: body }, num_scan_inputs: inputs.length - carried },
  }),
});

export interface ScanBody {
  /** The body's graph, for constants and scopes. */
  readonly graph: Graph;
  /** State as the step before left it. */
  readonly carried: Named;
  /** This step's part of each scanned tensor. */
  readonly scanned: Named;
}

/**
 * Runs `body` for every index of the leading axis of `scanned`. It returns the state for the next step under the
 * same names and shapes, and `outputs`, which come back stacked along a leading axis. Values from around the scan
 * may be used inside. Differentiate inside the body: a Scan itself has no gradient.
 * @throws MienError `shape` when the carried state changes names, dtypes or shapes, or when what is scanned has no
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
  const carriedNames = Object.keys(carried);
  const scannedNames = Object.keys(scanned);
  const enter = (names: readonly string[], values: Named, prefix: string, skip: number) =>
    Object.fromEntries(
      names.map((name) => [
        name,
        input(inner, `${prefix}${name}`, values[name]!.dtype, values[name]!.shape.slice(skip)),
      ]),
    );
  const result = body({
    graph: inner,
    carried: enter(carriedNames, carried, 'carried ', 0),
    scanned: enter(scannedNames, scanned, 'scanned ', 1),
  });
  const typeOf = (value: Value | undefined): string =>
    value ? `${value.dtype} ${formatShape(value.shape)}` : 'nothing';
  for (const name of new Set([...carriedNames, ...Object.keys(result.carried)])) {
    const [before, after] = [typeOf(carried[name]), typeOf(result.carried[name])];
    if (before !== after) return refuse(`the state ${name} enters as ${before} and leaves as ${after}`);
  }
  const outputNames = Object.keys(result.outputs);
  const values = apply(
    Scan,
    [...carriedNames.map((name) => carried[name]!), ...scannedNames.map((name) => scanned[name]!)],
    {
      body: {
        graph: inner,
        outputs: [
          ...carriedNames.map((name) => result.carried[name]!),
          ...outputNames.map((name) => result.outputs[name]!),
        ],
      },
      carried: carriedNames.length,
      steps,
    },
  );
  const named = (names: readonly string[], offset: number) =>
    Object.fromEntries(names.map((name, i) => [name, values[offset + i]!]));
  return { carried: named(carriedNames, 0), outputs: named(outputNames, carriedNames.length) };
}
