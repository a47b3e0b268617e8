// What a bundle's parts answer over the labels of its fusion: fused, by the product of posteriors, and each alone.
import type { Tensor } from 'mien-engine/base';
import { withDoubt, type Doubted } from '../evaluate/agreement.js';
import { productOfPosteriors, type Evidence } from '../evaluate/calibration.js';
import { restrictLogits, restrictPrior, scores, softmax, type Scores } from '../evaluate/scores.js';
import type { BundleManifest } from './manifest.js';

type Part = NonNullable<BundleManifest['text'] | BundleManifest['face']>;
/** What one modality's logits are read with. */
export type Calibrated = Pick<Part, 'labels' | 'temperature' | 'prior'>;
type Manifest = Pick<BundleManifest, 'text' | 'face' | 'fusion'>;
type Logits = Pick<Tensor<'float32'>, 'data'>;

/** The answer to pairs from the logits of all three models, over the labels of the fusion. */
export function fusedOf(
  { text, face, fusion }: Manifest,
  logits: Logits,
  ofText: Logits,
  ofFace: Logits,
): Doubted {
  const { labels, prior, temperature, agreement = 1, faceWeight = 1 } = fusion!;
  const said = {
    fused: softmax(scores(labels.length, logits.data), temperature),
    text: posteriorUnder(text!, ofText, labels, prior),
    face: posteriorUnder(face!, ofFace, labels, prior),
  };
  return withDoubt(said, prior, agreement, faceWeight);
}

/** What the fusion head alone makes of pairs, each label as likely as in `target`. */
export const headOf = ({ fusion }: Manifest, logits: Logits, target: readonly number[]): Scores =>
  posteriorUnder(fusion!, logits, fusion!.labels, target);

/** What one modality says, given that the label is one of `labels`, each as likely as in `target`. */
export const posteriorUnder = (
  part: Calibrated,
  logits: Logits,
  labels: readonly string[],
  target: readonly number[],
): Scores => softmax(productOfPosteriors([evidenceOf(part, logits, labels)], target));

/** The product of both parts' calibrated posteriors over the labels of the fusion. */
export const productOf = (manifest: Manifest, ofText: Logits, ofFace: Logits): Scores =>
  softmax(logProductOf(manifest, ofText, ofFace, manifest.fusion!.labels, manifest.fusion!.prior));

/** Logarithms of the product of both parts' posteriors over `labels`, each as likely as in `target`. */
export const logProductOf = (
  { text, face }: Manifest,
  ofText: Logits,
  ofFace: Logits,
  labels: readonly string[],
  target: readonly number[],
): Scores =>
  productOfPosteriors([evidenceOf(text!, ofText, labels), evidenceOf(face!, ofFace, labels)], target);

/** What a part answers when the other modality is missing, given that the label is one of these. */
export function aloneOf(part: Calibrated, logits: Logits, labels: readonly string[]): Scores {
  const evidence = evidenceOf(part, logits, labels);
  return softmax(evidence.logits, evidence.temperature);
}

/** What a part says about the shared labels. */
const evidenceOf = (
  { labels: known, temperature, prior }: Calibrated,
  { data }: Logits,
  labels: readonly string[],
): Evidence => ({
  logits: restrictLogits(scores(known.length, data), known, labels),
  temperature,
  prior: restrictPrior(prior, known, labels),
});
