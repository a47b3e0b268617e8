// Reverse-mode differentiation: walks the graph backwards and adds the nodes that compute gradients.
import { MienError } from '../base/errors.js';
import { formatShape, scalar, scoped, type Value } from './builder.js';
import { add } from './ops/elementwise.js';

/**
 * Gradients of a scalar with respect to some values, as new values of the same graph.
 *
 * Each node's operator turns the gradients of its outputs into gradients of its inputs; a value that is used
 * several times receives their sum. Only nodes between `wrt` and the scalar are visited.
 * @throws MienError `gradient` when `loss` is no scalar, when an operator on the way has no gradient, or when the
 *   scalar does not depend on one of the values.
 */
export function gradients(loss: Value, wrt: readonly Value[]): Value[] {
  if (loss.shape.length > 0)
    throw new MienError('gradient', `only a scalar can be differentiated, got ${formatShape(loss.shape)}`);
  const { graph } = loss;
  const depends = new Set(wrt);
  const nodes = graph.nodes.slice();
  for (const node of nodes)
    if (node.inputs.some((value) => value && depends.has(value)))
      for (const output of node.outputs) depends.add(output);

  const found = new Map<Value, Value>([[loss, scalar(graph, 1)]]);
  for (const node of nodes.reverse()) {
    const dys = node.outputs.map((output) => found.get(output));
    if (dys.every((dy) => dy === undefined) || !node.outputs.some((output) => depends.has(output))) continue;
    const place = node.scope ? `${node.operator.name} in ${node.scope}` : node.operator.name;
    const rule = node.operator.gradient;
    if (rule === undefined) throw new MienError('gradient', `${place} has no gradient`);
    const dxs = scoped(graph, `gradient of ${place}`, () =>
      // Rules of one output use dy alone; rules of several take what is there from dys.
      rule(dys[0] ?? dys.find((dy) => dy !== undefined)!, node as never, dys),
    );
    node.inputs.forEach((value, i) => {
      const dx = dxs[i];
      if (value === undefined || dx === undefined || !depends.has(value)) return;
      const before = found.get(value);
      found.set(value, before === undefined ? dx : add(before, dx));
    });
  }
  return wrt.map((value) => {
    const gradient = found.get(value);
    if (gradient === undefined)
      throw new MienError(
        'gradient',
        `${value.input ?? `value ${value.id}`} does not influence what is differentiated`,
      );
    return gradient;
  });
}
