// Heads that read tokens and regions, trained: they find what pooling hides, and what is absent does not count.
import { expect, test } from 'vitest';
import { float32ToFloat16, int64, randomStream, tensor, type Tensor } from 'mien-engine/base';
import type { StateTable } from '../../src/features/store.js';
import { createPredictionSession, type Items } from '../../src/train/head-graph.js';
import { trainHead, type HeadTask } from '../../src/train/head-task.js';

const [N, WIDTH, MOST] = [160, 6, 4];

/** Items of 2 to 4 states; the first dimension says in which of them (the marked one) the second is to be read. */
function marked(name: string): { table: StateTable; bits: number[] } {
  const draw = randomStream(7, name);
  const places = new BigInt64Array(N * MOST).fill(-1n);
  const values: number[] = [];
  const bits = Array.from({ length: N }, (_, i) => {
    const count = 2 + draw.integer(MOST - 1);
    const own = draw.integer(count);
    const bit = draw.integer(2);
    for (let k = 0; k < count; k++) {
      places[i * MOST + k] = BigInt(values.length / WIDTH);
      const sign = k === own ? 2 * bit - 1 : 2 * draw.integer(2) - 1;
      values.push(k === own ? 2 : -2, sign, ...Array.from({ length: WIDTH - 2 }, () => 0.1 * draw.normal()));
    }
    return bit;
  });
  const states = tensor(
    'float16',
    [values.length / WIDTH, WIDTH],
    float32ToFloat16(Float32Array.from(values)),
  );
  return { table: { states, places: tensor('int64', [N, MOST], places) }, bits };
}

const [text, face] = [marked('text'), marked('face')];
const labels = text.bits.map((bit, i) => bit ^ face.bits[i]!);
const rows = (order: ArrayLike<number>): Items => {
  const index = Int32Array.from(order);
  return { text: index, face: index, labels: Array.from(index, (i) => labels[i]!) };
};
const accuracy = ({ data }: Tensor<'float32'>, truth: ArrayLike<number>): number =>
  Array.from(truth).filter((label, i) => Number(data[2 * i + 1]! > data[2 * i]!) === label).length /
  truth.length;

const task = (head: 'cross-attention' | 'transformer'): HeadTask => ({
  head,
  sizes: { width: 8, hidden: 16, labels: 2, attention: { width: 16, heads: 2, layers: 2 } },
  widths: { text: WIDTH, face: WIDTH },
  most: { text: MOST, face: MOST },
  batchSize: 16,
  features: { text: text.table, face: face.table },
  draw: (epoch) => rows(randomStream(0, 'shuffle', epoch).permutation(N)),
  validation: rows([...labels.keys()]),
  select: accuracy,
});

test.each(['cross-attention', 'transformer'] as const)('%s', async (head) => {
  const { parameters, history } = await trainHead(task(head), {
    seed: 1,
    threads: 1,
    epochs: { max: 25, patience: 25 },
    optimizer: {
      name: 'adam',
      learningRate: 0.01,
      momentum: 0,
      beta1: 0.9,
      beta2: 0.999,
      epsilon: 1e-8,
      weightDecay: 0,
      clipNorm: 1,
      schedule: { name: 'constant', warmup: 0 },
    },
  });
  expect(Math.max(...history.map(({ validation }) => validation))).toBeGreaterThan(0.9);

  // More places that nobody has, and other states behind them, change nothing.
  const padded = ({ states, places }: StateTable): StateTable => {
    const wide = Array.from({ length: N }, (_, i) =>
      Array.from({ length: MOST + 2 }, (_, k) => (k < MOST ? Number(places.data[i * MOST + k]) : -1)),
    );
    const more = new Uint16Array(states.data.length + WIDTH).fill(float32ToFloat16(Float32Array.of(9))[0]!);
    more.set(states.data);
    return {
      states: tensor('float16', [states.shape[0]! + 1, WIDTH], more),
      places: int64([N, MOST + 2], wide.flat()),
    };
  };
  const predict = async (features: { text: StateTable; face: StateTable }): Promise<Tensor<'float32'>> => {
    const most = { text: features.text.places.shape[1]!, face: MOST };
    const session = await createPredictionSession({ ...task(head), most }, 1);
    const { logits } = await session.run(parameters, features, rows([0, 1, 2, 3]));
    await session.dispose();
    return logits;
  };
  const plain = await predict({ text: text.table, face: face.table });
  const further = await predict({ text: padded(text.table), face: face.table });
  plain.data.forEach((value, i) => expect(further.data[i]).toBeCloseTo(value, 4));
});
