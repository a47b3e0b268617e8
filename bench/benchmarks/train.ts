// A training step of an encoder, all layers, AdamW: EfficientNetV2-B0 at 72 px, and MiniLM on texts of 32 tokens.
import { join } from 'node:path';
import { readJson } from 'mien-engine/node';
import {
  adamW,
  float32,
  initialize,
  int32,
  linear,
  packed,
  randomStream,
  sizeOf,
  softCrossEntropy,
  sum,
  type Tensors,
  type Value,
} from 'mien-engine';
import {
  bertConfig,
  createStepSession,
  efficientNetConfig,
  efficientNetTraining,
  initialState,
  isClassifier,
  isStatistic,
  textLearnSettings,
  textTrainee,
  type Trainee,
  traineeParameters,
} from 'mien-lab';
import { timed, type Comparison, type Contender } from '../compare.js';
import { folderOf, type BenchOptions } from '../options.js';
import { contender, notInstalled, startPeer } from '../peer.js';

const CLASSES = 7;
const FACE = { batch: 64, size: 72, dropPath: 0.1 };
const TEXT = { batch: 32, tokens: 32, dropout: 0.1 };
/** Steps of one run of the session; both contenders do as many a round. */
const STEPS = 8;

/** The network on images that are normalised already: augmentation is not compared. */
const network = efficientNetConfig('tf_efficientnetv2_b0');
const faceStep: Trainee = {
  batch: {
    images: { dtype: 'float32', shape: [FACE.batch, 3, FACE.size, FACE.size] },
    targets: { dtype: 'float32', shape: [FACE.batch, CLASSES] },
    seed: { dtype: 'int32', shape: [] },
  },
  build: (p, batch) => {
    const { images, targets, seed } = batch as Record<string, Value>;
    const options = { dropPath: FACE.dropPath, seed: seed! };
    const { embedding, statistics } = efficientNetTraining(p, network, images!, options);
    const logits = linear(p, 'classifier', embedding, CLASSES);
    return { loss: softCrossEntropy(logits, targets!), hits: sum(logits), statistics };
  },
};

/** Batches of noise with labels in turn. */
function noise(trainee: Trainee, vocabulary: number): Tensors {
  const draw = randomStream(0, 'bench');
  return Object.fromEntries(
    Object.entries(trainee.batch).map(([name, { dtype, shape }]) => {
      const full = [STEPS, ...shape];
      const of = (value: (i: number) => number): number[] =>
        Array.from({ length: sizeOf(full) }, (_, i) => value(i));
      if (dtype === 'int32') {
        const most = name === 'ids' ? vocabulary : 2 ** 30;
        return [name, int32(full, Int32Array.from(of(() => (name === 'mask' ? 1 : draw.integer(most)))))];
      }
      if (name === 'targets')
        return [
          name,
          float32(
            full,
            of((i) => Number(i % CLASSES === Math.floor(i / CLASSES) % CLASSES)),
          ),
        ];
      return [
        name,
        float32(
          full,
          of(() => (name === 'weights' ? 1 : draw.normal())),
        ),
      ];
    }),
  );
}

/** Runs of several steps; the state goes on from run to run, as in training. */
async function ours(
  trainee: Trainee,
  batches: Tensors,
  threads: number,
  isTrained: (name: string) => boolean,
): Promise<Contender> {
  const { specs } = traineeParameters(trainee, () => true);
  const options = {
    weights: initialize(specs, 0),
    isTrained,
    optimizer: packed(adamW({ learningRate: 1e-4 }), () => 'all'),
    averageDecay: 0.99,
    threads,
  };
  const session = await createStepSession(trainee, options);
  let state = initialState(trainee, options);
  return {
    name: 'mien',
    round: () =>
      timed(async () => {
        ({ state } = await session.run(state, batches));
      }),
    close: () => session.dispose(),
  };
}

export async function trainComparisons({ threads }: BenchOptions): Promise<Comparison[]> {
  const folder = join(folderOf('MIEN_WEIGHTS', 'all-MiniLM-L6-v2/'), 'all-MiniLM-L6-v2');
  const config = bertConfig(await readJson(join(folder, 'config.json')));
  const textSettings = textLearnSettings.parse({ batchSize: TEXT.batch, dropout: TEXT.dropout });
  const textStep = textTrainee(
    { config, pooling: 'mean', classes: CLASSES, fine: 0, trainedRows: 0 },
    textSettings,
    TEXT.tokens,
  );
  const common = { threads, steps: STEPS, classes: CLASSES };
  const comparison = async (
    title: string,
    items: { unit: string; count: number },
    own: Contender,
    given: Readonly<Record<string, unknown>>,
  ): Promise<Comparison> => {
    const peer = await startPeer('train.py', { ...common, ...given });
    return {
      title,
      work: items,
      notes: [peer?.about ?? notInstalled('PyTorch')],
      ours: own,
      peers: peer ? [contender(peer, 'PyTorch, AdamW(fused=True)', 'steps')] : [],
    };
  };
  return [
    await comparison(
      `train-face: ${STEPS} steps of EfficientNetV2-B0 at ${FACE.size} px, batch ${FACE.batch}, all layers`,
      { unit: 'faces', count: STEPS * FACE.batch },
      await ours(faceStep, noise(faceStep, 0), threads, (name) => !isStatistic(name)),
      { kind: 'face', ...FACE },
    ),
    await comparison(
      `train-text: ${STEPS} steps of MiniLM on ${TEXT.batch} texts of ${TEXT.tokens} tokens, all layers`,
      { unit: 'texts', count: STEPS * TEXT.batch },
      await ours(
        textStep,
        noise(textStep, config.vocabulary),
        threads,
        (name) => isClassifier(name) || name.startsWith('embeddings.') || name.startsWith('encoder.'),
      ),
      { kind: 'text', config: join(folder, 'config.json'), ...TEXT },
    ),
  ];
}
