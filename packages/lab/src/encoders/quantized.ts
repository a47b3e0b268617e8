// Parameters of a BERT whose linear layers and word table are kept as whole numbers.
import {
  constant,
  constantParameters,
  type Graph,
  type Parameters,
  quantizedLinear,
  quantizedRows,
  quantizeRows,
  quantizeWeight,
  type Tensor,
  type Tensors,
} from 'mien-engine';

const WORDS = 'embeddings.word_embeddings.weight';

/**
 * As `constantParameters`, with the matrices of linear layers in seven bits and the word table in eight; layer norms,
 * biases and the small tables stay float32.
 */
export function quantizedParameters(graph: Graph, tensors: Tensors): Parameters {
  const plain = constantParameters(graph, tensors);
  const float = (name: string): Tensor<'float32'> => tensors[name] as Tensor<'float32'>;
  return {
    ...plain,
    linear: (name, x) =>
      quantizedLinear(x, quantizeWeight(float(`${name}.weight`)), constant(graph, float(`${name}.bias`))),
    rows: (name, indices) =>
      name === WORDS ? quantizedRows(graph, quantizeRows(float(name)), indices) : undefined,
  };
}
