// `explain`: one item's answer, and what in its text and its face the answer is made of.
import { defined, MienError, suggestion } from 'mien-engine/base';
import type { OpenBundle } from '../bundle/open.js';
import type { Explainer } from '../explain/explainer.js';
import type { OtherSide, Priors } from '../explain/inputs.js';
import { tokenizedWords } from '../explain/words.js';
import { assemble } from './answer.js';
import { throwIfAborted } from './facade.js';
import { contextOf, cornersOf, prepareItem, type Crop, type FaceFinder } from './prepare.js';
import type { ReadItem } from './read-item.js';
import { priorsOf, underPrior } from './prior.js';
import { logOddsOf, sharesOf } from './shares.js';
import type {
  Completeness,
  DecodeImage,
  ExplainOptions,
  Explanation,
  FaceExplanation,
  Failure,
  Probabilities,
  Recognition,
  TextExplanation,
} from './types.js';

export interface ExplainParts {
  readonly bundle: OpenBundle;
  readonly faces: FaceFinder;
  readonly decode: DecodeImage;
  readonly explainer: Explainer;
}

/** What is asked of both modalities. */
interface Asked {
  readonly label: string;
  /** Labels that it is weighed against. */
  readonly among: readonly string[];
  /** The answer over these. */
  readonly probabilities: Probabilities;
  readonly priors: Priors;
}

/** @throws MienError `usage` for a label that the answer does not have; `interrupted`. */
export async function explainItem(
  item: ReadItem,
  options: ExplainOptions,
  { bundle, faces, decode, explainer }: ExplainParts,
): Promise<Explanation | Failure> {
  const { manifest, move } = underPrior(bundle.manifest, options.prior);
  const prepared = await prepareItem(item, contextOf(bundle, { faces, decode, options }));
  const [crop] = prepared.crops;
  throwIfAborted(options.signal);
  const text = prepared.text && (await bundle.tokens([prepared.text.ids]));
  const face = crop && (await bundle.faces([crop.image]));
  const fused =
    text && face && manifest.fusion ? await bundle.fuse(text.embedding, face.embedding) : undefined;
  const result = assemble(
    prepared,
    manifest,
    {},
    {
      text: text && { ...text, logits: move('text', text.logits), row: 0, read: prepared.text!.read },
      face: face && { ...face, logits: move('face', face.logits), row: 0 },
      fused: fused && { ...fused, logits: move('fusion', fused.logits), row: 0 },
    },
  );
  if (result.error) return result;
  const asked = { ...questionAbout(result, options.label), priors: priorsOf(manifest) };
  throwIfAborted(options.signal);
  const ofText =
    text &&
    (await explainText(item.text!, prepared.text!.ids, asked, bundle, explainer, {
      other: face,
      signal: options.signal,
    }));
  throwIfAborted(options.signal);
  const ofFace = crop && (await explainFace(crop, asked, explainer, { other: text, signal: options.signal }));
  return {
    label: asked.label,
    logOdds: logOddsOf(asked.probabilities, asked.label),
    ...defined({ text: ofText, face: ofFace }),
    ...(ofText && ofFace ? { shares: sharesOf(manifest, result, asked.label) } : {}),
    result,
    warnings: result.warnings,
  };
}

/** The label and those it is weighed against: the answer's, or all of the text's for one that only the text knows. */
function questionAbout(
  { label: found, probabilities, text, from }: Recognition,
  label = found,
): Omit<Asked, 'priors'> {
  const answers = [probabilities, ...(from === 'text' ? [text!.probabilities] : [])];
  const answer = answers.find((one) => Object.hasOwn(one, label));
  if (answer) return { label, among: Object.keys(answer), probabilities: answer };
  const all = [...new Set(answers.flatMap((one) => Object.keys(one)))];
  throw new MienError('usage', `the answer has no label "${label}"`, {
    field: 'label',
    hint: suggestion(label, all),
  });
}

interface Beside {
  /** What was encoded of the other modality. */
  readonly other: OtherSide | undefined;
  readonly signal: AbortSignal | undefined;
}

/** Tokens that stand for a word that is not told, the best first. */
const BLANKS = ['[MASK]', '[PAD]', '[UNK]'];

async function explainText(
  given: string,
  ids: Int32Array,
  { label, among, priors }: Asked,
  { tokenizer }: OpenBundle,
  explainer: Explainer,
  { other, signal }: Beside,
): Promise<TextExplanation> {
  const { idOf, margins } = tokenizer!;
  const blank = BLANKS.map(idOf).find((id) => id !== undefined) ?? 0;
  // Special tokens stay: they are in every text.
  const baseline = ids.map((id, i) => (i < margins.before || i >= ids.length - margins.after ? id : blank));
  const { attributions, ...integral } = await (
    await explainer.text()
  ).attribute({ ids, baseline, label, among, priors, other }, { signal });
  const words = tokenizedWords(given, tokenizer!).map(({ text: word, start, end, first, last }) => ({
    word,
    start,
    end,
    attribution: attributions.subarray(first, last).reduce((sum, value) => sum + value, 0),
  }));
  return { words, ...completeness(integral) };
}

async function explainFace(
  { image, place, corners }: Crop,
  { label, among, priors }: Asked,
  explainer: Explainer,
  { other, signal }: Beside,
): Promise<FaceExplanation> {
  const { rows, columns, cells, ...integral } = await (
    await explainer.face()
  ).attribute({ image, label, among, priors, other }, { signal });
  const box = { x: 0, y: 0, width: image.width, height: image.height };
  return {
    rows,
    columns,
    cells,
    place,
    corners: corners ?? cornersOf(box),
    ...completeness(integral),
  };
}

const completeness = ({ from, to, gap }: { from: number; to: number; gap: number }): Completeness => ({
  from,
  to,
  residual: gap,
});
