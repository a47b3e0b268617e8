// One item's answer from what the models said: which of them decides, over which labels, and what to warn of.
import { defined, takeRows, type Tensor } from 'mien-engine/base';
import { fusedOf, logProductOf } from '../bundle/answers.js';
import { sharedLabels, type BundleManifest } from '../bundle/manifest.js';
import { softmax } from '../evaluate/scores.js';
import { certaintyOf } from './certainty.js';
import { byLabel, divergence, posteriorOf, restricted, topOf } from './labels.js';
import type { Prepared } from './prepare.js';
import { priorsOf } from './prior.js';
import type {
  FacePosterior,
  Gate,
  ModalityPosterior,
  Probabilities,
  RecognizeOptions,
  Result,
  TextPosterior,
  Warning,
} from './types.js';

/** A row of a model's output. */
interface Row {
  /** `[n, labels]` */
  readonly logits: Tensor<'float32'>;
  readonly row: number;
}

export interface Computed {
  readonly text: (Row & { readonly read: number; readonly fine?: Tensor<'float32'> }) | undefined;
  /** The row of the item's first face; its others follow. */
  readonly face: Row | undefined;
  readonly fused: (Row & { readonly gate?: Tensor<'float32'> }) | undefined;
}

/** @returns the item's failure where there is one, else its answer. */
export function assemble(
  { crops, warnings, error }: Prepared,
  manifest: BundleManifest,
  options: RecognizeOptions,
  computed: Computed,
): Result {
  if (error) return { error, warnings };
  const text = computed.text && textPosterior(manifest.text!, computed.text, options);
  const [face, ...others] = crops.map(({ place }, i): FacePosterior => ({
    ...posteriorOf(manifest.face!, computed.face!.logits.data, computed.face!.row + i),
    place,
  }));
  const shared = sharedLabels(manifest);
  const answer = answerOf(manifest, shared, text, face, computed);
  const label = topOf(answer.probabilities);
  const disagreement =
    text &&
    face &&
    divergence(restricted(text.probabilities, shared), restricted(face.probabilities, shared));
  return {
    label,
    ...answer,
    ...certaintyOf(manifest, { label, ...answer }, options),
    ...defined({ text, face }),
    ...(options.allFaces ? { others } : {}),
    ...(computed.fused?.gate ? { gate: gateOf(computed.fused.gate, computed.fused.row, options) } : {}),
    ...defined({ disagreement }),
    warnings: [
      ...warnings,
      ...otherEmotion(text, shared),
      ...contradiction(text, face, shared, disagreement),
    ],
  };
}

/** What the text says, over the finer labels too where they are asked for. */
function textPosterior(
  part: NonNullable<BundleManifest['text']>,
  { logits, fine, row, read }: NonNullable<Computed['text']>,
  options: RecognizeOptions,
): TextPosterior {
  const posterior = { ...posteriorOf(part, logits.data, row), read };
  if (!options.fine || !part.fine || !fine) return posterior;
  const finer = posteriorOf({ labels: part.fine, temperature: 1 }, fine.data, row);
  return { ...posterior, fine: finer.probabilities };
}

function answerOf(
  manifest: BundleManifest,
  shared: readonly string[],
  text: ModalityPosterior | undefined,
  face: ModalityPosterior | undefined,
  computed: Computed,
): {
  probabilities: Probabilities;
  logits: Probabilities;
  from: 'text' | 'face' | 'both';
  agreement?: number;
} {
  if (text && face) return { ...together(manifest, shared, computed), from: 'both' };
  if (!text) return { probabilities: face!.probabilities, logits: face!.logits, from: 'face' };
  return { probabilities: restricted(text.probabilities, shared), logits: text.logits, from: 'text' };
}

/** What the fusion says, and where it counts on contradictions, how likely there is none; else the product of posteriors. */
function together(
  manifest: BundleManifest,
  shared: readonly string[],
  computed: Computed,
): Pick<ModalityPosterior, 'probabilities' | 'logits'> & { agreement?: number } {
  const own = ({ logits, row }: Row): Tensor<'float32'> => takeRows(logits, [row]);
  const [ofText, ofFace] = [own(computed.text!), own(computed.face!)];
  if (!computed.fused) {
    const log = logProductOf(manifest, ofText, ofFace, shared, priorsOf(manifest).both!);
    return { logits: byLabel(shared, log.data), probabilities: byLabel(shared, softmax(log).data) };
  }
  const fused = own(computed.fused);
  const { posteriors, agreement } = fusedOf(manifest, fused, ofText, ofFace);
  return {
    probabilities: byLabel(shared, posteriors.data),
    logits: byLabel(shared, fused.data),
    ...(manifest.fusion!.agreement === undefined ? {} : { agreement: agreement[0]! }),
  };
}

function gateOf({ shape, data }: Tensor<'float32'>, row: number, { gate }: RecognizeOptions): Gate {
  const width = shape[1]!;
  // A static gate has one row for all items.
  const start = shape[0] === 1 ? 0 : row * width;
  const values = [...data.subarray(start, start + width)];
  const mean = values.reduce((sum, value) => sum + value, 0) / width;
  return gate ? { mean, values } : { mean };
}

function otherEmotion(text: ModalityPosterior | undefined, shared: readonly string[]): Warning[] {
  if (!text || shared.includes(text.label)) return [];
  const message = `the text by itself tells of ${text.label}, which is not among ${shared.join(', ')}`;
  return [{ code: 'other-emotion', message }];
}

/**
 * From this disagreement on text and face contradict each other. Chosen on validation pairs of the bundled model
 * (`bench/contradiction.ts`): 7 % of the pairs of one label are warned of, and 46 % of those of two.
 */
const CONTRADICTION = 0.7;

/** The label of words and faces that show no emotion. A calm face beside emotional words is common. */
const NEUTRAL = 'neutral';

/** Warns where both sides show an emotion, the face one that texts can tell of too, and these differ widely. */
function contradiction(
  text: ModalityPosterior | undefined,
  face: ModalityPosterior | undefined,
  shared: readonly string[],
  disagreement: number | undefined,
): Warning[] {
  if (!text || !face || disagreement! <= CONTRADICTION || !shared.includes(face.label)) return [];
  const said = topOf(restricted(text.probabilities, shared));
  if ([text.label, said, face.label].includes(NEUTRAL)) return [];
  const message = `the text tells of ${said}, the face shows ${face.label}; the answer can be right about one of both only`;
  return [{ code: 'modalities-disagree', message }];
}
