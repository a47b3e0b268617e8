// Reverse-mode differentiation: walks the graph backwards and adds the nodes that compute gradients.
import { messageOf, MienError } from '../base/errors.js';
import { formatShape, scalar, scoped, type Graph, type Node, type Value } from './builder.js';
import { add } from './ops/elementwise.js';
import { sumTo } from './ops/reduction.js';
import { sameShape } from './shapes.js';

/**
 * Gradients of a scalar with respect to some values, as new values of the same graph.
 *
 * Each node's operator turns the gradients of its outputs into gradients of its inputs; a value that is used
 * several times receives their sum. Only nodes between `wrt` and the scalar are visited; inside a Scan's body these
 * may stand around it too.
 * @throws MienError `gradient` when `loss` is no scalar, when an operator on the way has no gradient, or when the
 *   scalar does not depend on one of the values.
 */
export function gradients(loss: Value, wrt: readonly Value[]): Value[] {
  if (loss.shape.length > 0)
    throw new MienError('gradient', `only a scalar can be differentiated, got ${formatShape(loss.shape)}`);
  return pullback(loss, scalar(loss.graph, 1), wrt);
}

/**
 * The vector–Jacobian product: what a gradient `dy` of `y` becomes at the values `wrt` that `y` was computed from.
 * @throws MienError `gradient` as `gradients` does, and when `dy` has not the shape of `y`.
 */
export function pullback(y: Value, dy: Value, wrt: readonly Value[]): Value[] {
  if (!sameShape(y.shape, dy.shape))
    throw new MienError(
      'gradient',
      `a gradient of ${formatShape(dy.shape)} does not fit a value of ${formatShape(y.shape)}`,
    );
  const depends = new Set(wrt);
  const nodes = nodesUpTo(y.graph);
  for (const node of nodes)
    if (node.inputs.some((value) => value && depends.has(value)))
      for (const output of node.outputs) depends.add(output);

  const found = new Map<Value, Value>([[y, dy]]);
  for (const node of nodes.reverse()) {
    const dys = node.outputs.map((output) => found.get(output));
    if (dys.every((dy) => dy === undefined) || !node.inputs.some((value) => value && depends.has(value)))
      continue;
    const place = node.scope ? `${node.operator.name} in ${node.scope}` : node.operator.name;
    const rule = node.operator.gradient;
    if (rule === undefined) throw new MienError('gradient', `${place} has no gradient`);
    const dxs = scoped(y.graph, `gradient of ${place}`, () => {
      try {
        // Rules of one output use dy alone; rules of several take what is there from dys.
        const dxs = rule(dys[0] ?? dys.find((dy) => dy !== undefined)!, node as never, dys);
        // What was broadcast is summed here, once for all rules.
        return node.inputs.map((value, i) => {
          const dx = dxs[i];
          return value && dx && depends.has(value) ? sumTo(dx, value.shape) : undefined;
        });
      } catch (cause) {
        throw new MienError('gradient', `the gradient of ${place}: ${messageOf(cause)}`, { cause });
      }
    });
    node.inputs.forEach((value, i) => {
      const dx = dxs[i];
      if (value === undefined || dx === undefined) return;
      const before = found.get(value);
      found.set(value, before === undefined ? dx : add(before, dx));
    });
  }
  return wrt.map((value) => {
    const gradient = found.get(value);
    if (gradient === undefined)
      throw new MienError('gradient', `${nameOf(value)} does not influence what is differentiated`);
    return gradient;
  });
}

const nameOf = ({ input, node, constant, shape }: Value): string =>
  input ??
  (node && `what ${node.operator.name} computes${node.scope ? ` in ${node.scope}` : ''}`) ??
  `${constant ? 'a constant' : 'a value'} ${formatShape(shape)}`;

/** The nodes of a graph and of those around it, outermost first: still a topological order. */
const nodesUpTo = (graph: Graph): Node[] => [
  ...(graph.parent ? nodesUpTo(graph.parent) : []),
  ...graph.nodes,
];
