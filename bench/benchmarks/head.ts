// One training epoch of the paper's gated head: ours, PyTorch with both of its Adams, TensorFlow.js.
import { adam, float32, initialize, randomStream, type Tensor } from 'mien-engine';
import { createStepSession, headBatches, headParameters, headTrainee, initialState } from 'mien-lab';
import { timed, type Comparison, type Contender } from '../compare.js';
import type { BenchOptions } from '../options.js';
import { contender, notInstalled, startPeer } from '../peer.js';

/** The paper's setting: 192 steps are 6,144 pairs. */
const SETTING = { text: 768, face: 1536, width: 512, hidden: 256, labels: 5, batch: 32, rows: 4000 };
const STEPS = { full: 192, quick: 24 };
/** TensorFlow.js runs this many steps, and its time is multiplied up to those of the others. */
const TFJS_STEPS = 4;

async function ours(steps: number, threads: number): Promise<Contender> {
  const { text, face, width, hidden, labels, batch, rows } = SETTING;
  const options = {
    head: 'gated',
    sizes: { width, hidden, labels },
    widths: { text, face },
    batchSize: batch,
  } as const;
  const trainee = headTrainee(options);
  const training = {
    weights: initialize(headParameters(options), 0),
    isTrained: () => true,
    optimizer: adam({ learningRate: 1e-4 }),
    threads,
  };
  const session = await createStepSession(trainee, training);
  const draw = randomStream(0, 'bench head');
  const table = (columns: number): Tensor<'float32'> =>
    float32(
      [rows, columns],
      Float32Array.from({ length: rows * columns }, () => Math.sqrt(12) * (draw.uniform() - 0.5)),
    );
  const tables = { 'text embeddings': table(text), 'face embeddings': table(face) };
  const drawn = (below: number) => Int32Array.from({ length: steps * batch }, () => draw.integer(below));
  const items = { text: drawn(rows), face: drawn(rows), labels: drawn(labels) };
  let state = initialState(trainee, training);
  return {
    name: 'mien',
    round: () =>
      timed(async () => {
        ({ state } = await session.run(state, { ...tables, ...headBatches(options, items) }));
      }),
    close: () => session.dispose(),
  };
}

export async function headComparisons({ quick, threads }: BenchOptions): Promise<Comparison[]> {
  const steps = quick ? STEPS.quick : STEPS.full;
  const own = await ours(steps, threads);
  const torch = await startPeer('head.py', { ...SETTING, steps, threads });
  const tfjs = await startPeer('head-tfjs.mjs', { ...SETTING, steps: TFJS_STEPS, threads });
  return [
    {
      title: `head: one epoch of the gated head, ${steps} steps of ${SETTING.batch} pairs`,
      work: { unit: 'steps', count: steps },
      ours: own,
      peers: [
        ...(torch
          ? [
              contender(torch, 'PyTorch, Adam(fused=True)', 'fused'),
              contender(torch, 'PyTorch, default Adam', 'default'),
            ]
          : []),
        ...(tfjs ? [contender(tfjs, 'TensorFlow.js, wasm', 'steps', steps / TFJS_STEPS)] : []),
      ],
      notes: [
        torch?.about ?? notInstalled('PyTorch'),
        tfjs
          ? `${tfjs.about}; ${TFJS_STEPS} steps measured, scaled to ${steps}`
          : notInstalled('TensorFlow.js'),
      ],
    },
  ];
}
