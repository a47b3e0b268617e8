// `explain`: the result of one item, and the contributions of its words, of the parts of its face and of each modality.
import { defined, MienError, suggestion } from 'mien-engine/base';
import type { LabelPrior, Side } from '../bundle/decision.js';
import { sharedLabels } from '../bundle/manifest.js';
import type { OpenBundle } from '../bundle/open.js';
import type { Explainer } from '../explain/explainer.js';
import { tokenizedWords } from '../explain/words.js';
import { answerItems } from './answer.js';
import { throwIfAborted } from './facade.js';
import { probabilitiesOf } from './labels.js';
import { contextOf, cornersOf, prepareItem, type Crop, type FaceFinder } from './prepare.js';
import type { ReadItem } from './read-item.js';
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

/** The label to explain, and its alternatives. */
interface Question {
  readonly label: string;
  /** Labels that it is compared with, itself included. */
  readonly among: readonly string[];
  /** The result over these. */
  readonly probabilities: Probabilities;
  readonly prior: LabelPrior | undefined;
}

/** @throws MienError `usage` for a label that the result does not have; `interrupted` if the signal is aborted. */
export async function explainItem(
  item: ReadItem,
  options: ExplainOptions,
  { bundle, faces, decode, explainer }: ExplainParts,
): Promise<Explanation | Failure> {
  const prepared = await prepareItem(item, contextOf(bundle, { faces, decode, options }));
  const [crop] = prepared.crops;
  throwIfAborted(options.signal);
  const text = prepared.text && (await bundle.tokens([prepared.text.ids]));
  const face = crop && (await bundle.faces([crop.image]));
  const rows = { text: text && 0, face: face && 0 };
  const { prior } = options;
  const [result] = await answerItems(bundle, [{ prepared, rows }], { text, face }, { prior });
  if (result!.error) return result!;
  const question = { ...questionAbout(result!, options.label), prior };
  throwIfAborted(options.signal);
  const ofText =
    text &&
    (await explainText(item.text!, prepared.text!.ids, question, bundle, explainer, {
      other: face,
      signal: options.signal,
    }));
  throwIfAborted(options.signal);
  const ofFace =
    crop && (await explainFace(crop, question, explainer, { other: text, signal: options.signal }));
  return {
    label: question.label,
    logOdds: logOddsOf(question.probabilities, question.label),
    ...defined({ text: ofText, face: ofFace }),
    ...(text && face ? { shares: await shares(bundle, { text, face }, question) } : {}),
    result: result!,
    warnings: result!.warnings,
  };
}

async function shares(
  { manifest, decision }: OpenBundle,
  sides: Readonly<Record<'text' | 'face', Side>>,
  { label, prior }: Question,
): Promise<NonNullable<Explanation['shares']>> {
  const wanted = ['answer', 'text shared posterior', 'face shared posterior', 'prior'] as const;
  const outputs = await decision.run(sides, wanted, prior);
  const [both, text, face, none] = wanted.map((name) =>
    probabilitiesOf(sharedLabels(manifest), outputs[name].data),
  );
  return sharesOf({ both: both!, text: text!, face: face!, prior: none! }, label);
}

/** The label and its alternatives: those of the result, or of the text for a label that only the text has. */
function questionAbout(
  { label: mostProbable, probabilities, text, from }: Recognition,
  label = mostProbable,
): Omit<Question, 'prior'> {
  const candidates = [probabilities, ...(from === 'text' ? [text!.probabilities] : [])];
  const found = candidates.find((one) => Object.hasOwn(one, label));
  if (found) return { label, among: Object.keys(found), probabilities: found };
  const all = [...new Set(candidates.flatMap((one) => Object.keys(one)))];
  throw new MienError('usage', `the result has no label "${label}"`, {
    field: 'label',
    hint: suggestion(label, all),
  });
}

interface ExplainContext {
  /** The encoded other modality. */
  readonly other: Side | undefined;
  readonly signal: AbortSignal | undefined;
}

/** Tokens that can replace words in the baseline, the most suitable first. */
const BLANKS = ['[MASK]', '[PAD]', '[UNK]'];

async function explainText(
  given: string,
  ids: Int32Array,
  { label, among, prior }: Question,
  { tokenizer }: OpenBundle,
  explainer: Explainer,
  { other, signal }: ExplainContext,
): Promise<TextExplanation> {
  const { idOf, margins } = tokenizer!;
  const blank = BLANKS.map(idOf).find((id) => id !== undefined) ?? 0;
  // Special tokens are kept, since every text has them.
  const baseline = ids.map((id, i) => (i < margins.before || i >= ids.length - margins.after ? id : blank));
  const { attributions, ...integral } = await (
    await explainer.text()
  ).attribute({ ids, baseline, label, among, prior, other }, { signal });
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
  { label, among, prior }: Question,
  explainer: Explainer,
  { other, signal }: ExplainContext,
): Promise<FaceExplanation> {
  const { rows, columns, cells, ...integral } = await (
    await explainer.face()
  ).attribute({ image, label, among, prior, other }, { signal });
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
