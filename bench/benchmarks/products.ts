// The matrix products of MiniLM's linear layers alone: what no way of calling them can be faster than.
import {
  constant,
  createGraph,
  createSession,
  encodeModel,
  float32,
  gemm,
  input,
  mean,
  randomStream,
  sizeOf,
  type Tensor,
} from 'mien-engine';
import { timed, type Contender } from '../compare.js';

const LAYERS = 6;
const WIDTH = 384;
const INNER = 1536;
/** Of each layer: query, key, value, output, and the two of the feed-forward part; `[in, out]`. */
const PRODUCTS = [
  [WIDTH, WIDTH],
  [WIDTH, WIDTH],
  [WIDTH, WIDTH],
  [WIDTH, WIDTH],
  [WIDTH, INNER],
  [INNER, WIDTH],
] as const;
/** Tokens multiplied at once: 64 texts of 25 tokens. */
export const ROWS = 1600;

/** Operations of one run: two for each multiply-add. */
export const FLOP = ROWS * 2 * LAYERS * PRODUCTS.reduce((sum, [inner, outer]) => sum + inner * outer, 0);

/** All layers' products of `ROWS` tokens, as often as `runs` says, with constant weights. */
export async function productsAlone(runs: number, threads: number): Promise<Contender> {
  const draw = randomStream(0, 'products');
  const normal = (shape: readonly number[], deviation: number): Tensor<'float32'> =>
    float32(
      shape,
      Float32Array.from({ length: sizeOf(shape) }, () => draw.normal() * deviation),
    );
  const graph = createGraph('products');
  let x = input(graph, 'x', 'float32', [ROWS, WIDTH]);
  for (let layer = 0; layer < LAYERS; layer++)
    for (const shape of PRODUCTS) x = gemm(x, constant(graph, normal(shape, 1 / Math.sqrt(shape[0]))));
  const session = await createSession(encodeModel(graph, { y: mean(x) }), { threads });
  const feeds = { x: normal([ROWS, WIDTH], 1) };
  return {
    name: 'mien',
    round: () =>
      timed(async () => {
        for (let run = 0; run < runs; run++) await session.run(feeds);
      }),
    close: () => session.dispose(),
  };
}
