// `explain`: the result of one item, and the contributions of its words, of the parts of its face and of each modality.
import { defined, MienError, suggestion } from 'mien-engine/base';
import {
  type DecisionOutput,
  jointName,
  type LabelPrior,
  type Sides,
  subsetsOf,
} from '../bundle/decision.js';
import { answerLabels, type Modality, modalitiesOf, sharedLabels } from '../bundle/manifest.js';
import type { OpenBundle } from '../bundle/open.js';
import type { Explainer } from '../explain/explainer.js';
import { tokenizedWords } from '../explain/words.js';
import { cornersOf, type Crop } from '../modalities/face/read.js';
import type { Encoded, ReadingTools } from '../modalities/modality.js';
import type { ReadText } from '../modalities/text/read.js';
import { answerItems, rowsOf } from './answer.js';
import { throwIfAborted } from './facade.js';
import { probabilitiesOf, restricted } from './labels.js';
import { prepareItem } from './prepare.js';
import type { ReadItem } from './read-item.js';
import { logOddsOf, sharesOf } from './shares.js';
import type {
  Completeness,
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
  readonly tools: ReadingTools;
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
  { bundle, tools, explainer }: ExplainParts,
): Promise<Explanation | Failure> {
  const prepared = await prepareItem(item, bundle, { tools, options });
  throwIfAborted(options.signal);
  const encoded: { [M in Modality]?: Encoded } = {};
  const sides: { [M in Modality]?: Encoded } = {};
  for (const modality of modalitiesOf(bundle.manifest)) {
    const units = prepared.units[modality];
    if (!units) continue;
    encoded[modality] = await bundle.encode(modality, units);
    sides[modality] = rowsOf(encoded[modality], [0]);
  }
  const present = Object.keys(sides) as Modality[];
  const rows = Object.fromEntries(present.map((modality) => [modality, 0]));
  const { prior } = options;
  const [result] = await answerItems(bundle, [{ prepared, rows }], encoded, { prior });
  if (result!.error) return result!;
  const question = { ...questionAbout(result!, options.label), prior };
  const others = (modality: Modality): Sides => ({ ...sides, [modality]: undefined });
  const [readText] = (prepared.units.text ?? []) as readonly ReadText[];
  const [crop] = (prepared.units.face ?? []) as readonly Crop[];
  throwIfAborted(options.signal);
  const text =
    readText &&
    (await explainText(item.text!, readText.ids, question, bundle, explainer, {
      others: others('text'),
      signal: options.signal,
    }));
  throwIfAborted(options.signal);
  const face =
    crop &&
    (await explainFace(crop, question, explainer, { others: others('face'), signal: options.signal }));
  return {
    label: question.label,
    logOdds: logOddsOf(question.probabilities, question.label),
    ...defined({ text, face }),
    ...(present.length > 1 ? { shares: await shares(bundle, present, sides, question) } : {}),
    result: result!,
    warnings: result!.warnings,
  };
}

/** The contribution of each modality: the decision's answers by every set of them. */
async function shares(
  { manifest, decision }: OpenBundle,
  present: readonly Modality[],
  sides: Sides,
  { label, prior }: Question,
): Promise<NonNullable<Explanation['shares']>> {
  const all = modalitiesOf(manifest);
  const labels = sharedLabels(manifest, present);
  const outputOf = (some: readonly Modality[]): DecisionOutput => {
    const [only] = some;
    if (only === undefined) return jointName(all, present, 'prior');
    return some.length === 1
      ? jointName(all, present, `${only} shared posterior`)
      : jointName(all, some, 'answer');
  };
  const sets = subsetsOf(present, 0);
  const outputs: Readonly<Record<string, { readonly data: Float32Array } | undefined>> = await decision.run(
    sides,
    sets.map(outputOf),
    prior,
  );
  const answerOf = (some: readonly Modality[]): Probabilities => {
    // Some of the modalities may have more labels in common than all.
    const own = some.length > 1 ? answerLabels(manifest, some) : labels;
    return restricted(probabilitiesOf(own, outputs[outputOf(some)]!.data), labels);
  };
  return sharesOf(present, answerOf, label);
}

/** The label and its alternatives: those of the result, or of the only modality for a label that only this has. */
function questionAbout(result: Recognition, label = result.label): Omit<Question, 'prior'> {
  const { probabilities, from } = result;
  const only = from === 'both' || from === 'all' ? undefined : result[from];
  const candidates = [probabilities, ...(only ? [only.probabilities] : [])];
  const found = candidates.find((one) => Object.hasOwn(one, label));
  if (found) return { label, among: Object.keys(found), probabilities: found };
  const all = [...new Set(candidates.flatMap((one) => Object.keys(one)))];
  throw new MienError('usage', `the result has no label "${label}"`, {
    field: 'label',
    hint: suggestion(label, all),
  });
}

interface ExplainContext {
  /** The other modalities, encoded. */
  readonly others: Sides;
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
  { others, signal }: ExplainContext,
): Promise<TextExplanation> {
  const { idOf, margins } = tokenizer!;
  const blank = BLANKS.map(idOf).find((id) => id !== undefined) ?? 0;
  // Special tokens are kept, since every text has them.
  const baseline = ids.map((id, i) => (i < margins.before || i >= ids.length - margins.after ? id : blank));
  const { attributions, ...integral } = await (
    await explainer.text()
  ).attribute({ ids, baseline, label, among, prior, others }, { signal });
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
  { others, signal }: ExplainContext,
): Promise<FaceExplanation> {
  const { rows, columns, cells, ...integral } = await (
    await explainer.face()
  ).attribute({ image, label, among, prior, others }, { signal });
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
