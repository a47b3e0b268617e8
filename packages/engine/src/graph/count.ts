// Counts the work of a graph: multiply-adds of its matrix products and convolutions.
import { sizeOf } from '../base/tensor.js';
import { staticShape, type Graph, type Node } from './builder.js';

const dims = (node: Node, input: number): number[] => staticShape(node.inputs[input]!.shape);

/** Multiply-adds of one node by operator; element-wise work is not counted, as is usual. */
const rules: Readonly<Record<string, (node: Node) => number>> = {
  MatMul: (node) => sizeOf(staticShape(node.outputs[0]!.shape)) * dims(node, 0).at(-1)!,
  Gemm: (node) => {
    const { transA } = node.attributes as { transA: boolean };
    return sizeOf(staticShape(node.outputs[0]!.shape)) * dims(node, 0)[transA ? 0 : 1]!;
  },
  Conv: (node) => sizeOf(staticShape(node.outputs[0]!.shape)) * sizeOf(dims(node, 1).slice(1)),
};

/** @throws Error when a size is known only at run time. */
export const multiplyAdds = (graph: Graph): number =>
  graph.nodes.reduce((total, node) => total + (rules[node.operator.name]?.(node) ?? 0), 0);
