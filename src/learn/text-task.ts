// Learning from texts: batches of similar length, padded to one of a few widths, and how weights do on validation.
import { inBatches, indicesBy } from '../base/batches.js';
import { randomStream } from '../base/random.js';
import { float32, int32, type Tensors } from '../base/tensor.js';
import { MienError } from '../base/errors.js';
import { suggestion } from '../base/names.js';
import { bertPartOf, bertParts, type BertConfig } from '../encoders/bert.js';
import { confusionMatrix, scoreOf } from '../evaluate/metrics.js';
import { argmax, scores } from '../evaluate/scores.js';
import { stepSeeds } from './augmentation.js';
import { isClassifier } from './classifier.js';
import { labelWeights, targetsOf } from './draws.js';
import { plannedSteps, type LearnTask, type PlannedRun, type Validation } from './loop.js';
import { learnOptimizer, type Groups } from './optimizer.js';
import type { TextLearnSettings } from './settings.js';
import type { Teacher } from './teacher.js';
import { textLogits, textTrainee, type TextModel } from './text-model.js';

export interface TextSet {
  /** Token ids with special tokens. */
  readonly texts: readonly Int32Array[];
  readonly labels: Uint8Array;
}

export interface TextTrainingSet extends TextSet {
  /** Id of the token that stands for a hidden one. */
  readonly maskToken?: number | undefined;
  /** What a teacher says of each text, `[n, classes]`; replaces the smoothed label by its share. */
  readonly teacher?: Teacher | undefined;
}

/** Numbers of tokens that batches are padded to; each is a graph of its own. */
const WIDTHS = [16, 24, 32, 48, 64, 96, 128, 192, 256, 384, 512];

/** Some steps of one width: for each step, the texts of its batch. */
interface TextRun {
  readonly width: number;
  readonly steps: readonly (readonly number[])[];
}

/** Everything that training on texts needs, from the model's first weights to validation. */
export function textTask(
  model: TextModel,
  weights: Tensors,
  settings: TextLearnSettings,
  training: TextTrainingSet,
  validation: TextSet,
  threads?: number,
): LearnTask {
  const { batchSize, stepsPerRun, seed, epochs } = settings;
  const { classes } = model;
  const itemWeights = labelWeights(training.labels, classes, settings.balance);
  const widthOf = (text: Int32Array): number => WIDTHS.find((width) => text.length <= width)!;

  // Runs in random order, each of texts of one width; the last batch of a width may be short.
  let drawn: { epoch: number; runs: readonly TextRun[] } | undefined;
  const runsOf = (epoch: number): readonly TextRun[] => {
    if (drawn?.epoch === epoch) return drawn.runs;
    const draw = randomStream(seed, 'learn order', epoch);
    const order = [...draw.permutation(training.texts.length)];
    const byWidth = indicesBy(order, (i) => widthOf(training.texts[i]!));
    const runs = [...byWidth]
      .sort(([a], [b]) => a - b)
      .flatMap(([width, places]) => {
        const steps = inBatches(
          places.map((place) => order[place]!),
          batchSize,
        );
        return inBatches(steps, stepsPerRun).map((part): TextRun => ({ width, steps: part }));
      });
    drawn = { epoch, runs: [...draw.permutation(runs.length)].map((i) => runs[i]!) };
    return drawn.runs;
  };
  const plan = (epoch: number): PlannedRun[] =>
    runsOf(epoch).map(({ width, steps }) => ({ shape: String(width), steps: steps.length }));

  const targetOf = targetsOf(training.labels, classes, settings.labelSmoothing, training.teacher);

  const batches = (epoch: number, index: number): Tensors => {
    const { width, steps } = runsOf(epoch)[index]!;
    const shape = [steps.length, batchSize];
    const n = steps.length * batchSize;
    const ids = new Int32Array(n * width);
    const mask = new Int32Array(n * width);
    const targets = new Float32Array(n * classes);
    const itemWeight = new Float32Array(n);
    steps.forEach((items, step) => {
      for (let row = 0; row < batchSize; row++) {
        const at = step * batchSize + row;
        const item = items[row];
        if (item === undefined) {
          // A row without text: one token, so that its mean is a number, and no weight.
          mask[at * width] = 1;
          continue;
        }
        const draw = randomStream(seed, `learn tokens ${epoch}`, item);
        ids.set(hidden(training.texts[item]!, training.maskToken, settings.tokenDropout, draw), at * width);
        mask.fill(1, at * width, at * width + training.texts[item]!.length);
        targets.set(targetOf(item), at * classes);
        itemWeight[at] = itemWeights[training.labels[item]!]!;
      }
    });
    return {
      ids: int32([...shape, width], ids),
      mask: int32([...shape, width], mask),
      targets: float32([...shape, classes], targets),
      weights: float32(shape, itemWeight),
      seed: stepSeeds(randomStream(seed, `learn noise ${epoch}`, index), steps.length),
    };
  };

  const validate = async (now: Tensors): Promise<Validation> => {
    const logits = await textLogits(model, now, validation.texts, threads);
    const predicted = argmax(scores(classes, logits));
    const { accuracy, f1 } = scoreOf(confusionMatrix(validation.labels, predicted, classes));
    return { score: accuracy, details: { f1 } };
  };

  const groups = groupsOf(model.config);
  return {
    ...{ epochs, batchSize, weights, plan, batches, validate, averageDecay: settings.averageDecay },
    isTrained: trainedFrom(groups, settings.from),
    optimizer: learnOptimizer(settings.optimizer, groups, plannedSteps({ epochs, plan })),
    trainee: (shape) => textTrainee(model, settings, Number(shape)),
  };
}

function trainedFrom({ parts, partOf }: Groups, from: string): (name: string) => boolean {
  const first = parts.indexOf(from);
  if (first < 0)
    throw new MienError('config', `the encoder has no part "${from}" to train from`, {
      ...{ field: 'from', hint: suggestion(from, parts) },
    });
  return (name) => isClassifier(name) || parts.indexOf(partOf(name)!) >= first;
}

/** The encoder's parts; layer norms and biases do not decay. */
const groupsOf = (config: BertConfig): Groups => ({
  parts: bertParts(config),
  partOf: (name) => bertPartOf(config, name),
  decays: (name) => name.endsWith('.weight') && !/(LayerNorm|layer_norm)\.weight$/.test(name),
});

/** The text with some of its tokens hidden; the special ones at both ends stay. */
function hidden(
  text: Int32Array,
  maskToken: number | undefined,
  rate: number,
  draw: { uniform(): number },
): Int32Array {
  if (rate === 0 || maskToken === undefined) return text;
  return text.map((id, i) => (i > 0 && i < text.length - 1 && draw.uniform() < rate ? maskToken : id));
}
