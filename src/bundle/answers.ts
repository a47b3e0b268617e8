// What a bundle's parts answer over the labels of its fusion: fused, by the product of posteriors, and each alone.
import type { Tensor } from '../base/tensor.js';
import { withDoubt, type Doubted } from '../evaluate/agreement.js';
import { productOfPosteriors, type Evidence } from '../evaluate/calibration.js';
import { restrictLogits, restrictPrior, scores, softmax, type Scores } from '../evaluate/scores.js';
import type { BundleManifest } from './manifest.js';

type Part = NonNullable<BundleManifest['text'] | BundleManifest['face']>;
type Manifest = Pick<BundleManifest, 'text' | 'face' | 'fusion'>;

/** The answer to pairs from the logits of all three models, as a recogniser gives it before a face's own labels. */
export function fusedOf(
  { text, face, fusion }: Manifest,
  logits: Tensor<'float32'>,
  textLogits: Tensor<'float32'>,
  faceLogits: Tensor<'float32'>,
): Doubted {
  const { labels, prior, temperature, agreement = 1 } = fusion!;
  const alone = (part: Part, own: Tensor<'float32'>): Scores =>
    softmax(productOfPosteriors([evidenceOf(part, own, labels)], prior));
  const fused = softmax(scores(labels.length, logits.data), temperature);
  return withDoubt(
    { fused, text: alone(text!, textLogits), face: alone(face!, faceLogits) },
    prior,
    agreement,
  );
}

/** The product of both parts' calibrated posteriors over the labels of the fusion. */
export function productOf(
  { text, face, fusion }: Omit<BundleManifest, 'files'>,
  textLogits: Tensor<'float32'>,
  faceLogits: Tensor<'float32'>,
): Scores {
  const { labels, prior } = fusion!;
  return softmax(
    productOfPosteriors(
      [evidenceOf(text!, textLogits, labels), evidenceOf(face!, faceLogits, labels)],
      prior,
    ),
  );
}

/** What a part answers when the other modality is missing, given that the label is one of these. */
export function aloneOf(part: Part, logits: Tensor<'float32'>, labels: readonly string[]): Scores {
  const evidence = evidenceOf(part, logits, labels);
  return softmax(evidence.logits, evidence.temperature);
}

/** What a part says about the shared labels. */
const evidenceOf = (
  { labels: known, temperature, prior }: Part,
  { data }: Tensor<'float32'>,
  labels: readonly string[],
): Evidence => ({
  logits: restrictLogits(scores(known.length, data), known, labels),
  temperature,
  prior: restrictPrior(prior, known, labels),
});
