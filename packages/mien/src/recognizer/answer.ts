// From what the encoders say of items to their results: the decision is run on items with the same modalities together;
// its outputs become an answer with its warnings.
import { defined, indicesBy, takeRows } from 'mien-engine/base';
import { type DecisionOutput, outputsFor, type Sides } from '../bundle/decision.js';
import {
  answerLabels,
  type BundleManifest,
  MODALITIES,
  type Modality,
  sharedLabels,
} from '../bundle/manifest.js';
import type { Encoded, OpenBundle } from '../bundle/open.js';
import { certaintyOf } from './certainty.js';
import { byLabel, probabilitiesOf, topOf } from './labels.js';
import type { Prepared } from './prepare.js';
import type {
  FacePosterior,
  Gate,
  ModalityPosterior,
  Probabilities,
  Recognition,
  RecognizeOptions,
  Result,
  TextPosterior,
  Warning,
} from './types.js';

/** What the encoders gave, by modality: rows of all items. */
export type AllEncoded = { readonly [M in Modality]?: Encoded | undefined };

/** An item, and its rows in what the encoders gave; of a face the first, the item's others follow. */
export interface Placed {
  readonly prepared: Prepared;
  readonly rows: { readonly [M in Modality]?: number | undefined };
}

/** What the decision says of one item. */
interface Decided {
  readonly present: readonly Modality[];
  /** An output's row of this item, and the row of a modality's logits. */
  values(output: DecisionOutput): Float32Array;
  logits(modality: Modality): Float32Array;
  has(output: DecisionOutput): boolean;
}

type DecideOptions = Pick<RecognizeOptions, 'prior' | 'fine' | 'gate'>;

/** Results in the order of the items: an item's failure where there is one, else its answer. */
export async function answerItems(
  bundle: Pick<OpenBundle, 'manifest' | 'decision'>,
  items: readonly Placed[],
  encoded: AllEncoded,
  options: RecognizeOptions = {},
): Promise<Result[]> {
  const open = items.flatMap(({ prepared, rows }, item) => {
    if (prepared.error) return [];
    const others = prepared.crops.slice(1).map((_, i) => ({ item, rows: { face: rows.face! + 1 + i } }));
    return [{ item, rows }, ...others];
  });
  const decided = await decide(
    bundle,
    open.map(({ rows }) => rows),
    encoded,
    options,
  );
  const ofItem = indicesBy(open, ({ item }) => item);
  return items.map(({ prepared }, item) => {
    const { error, warnings } = prepared;
    if (error) return { error, warnings };
    const [first, ...others] = ofItem.get(item)!.map((i) => decided[i]!);
    return resultOf(prepared, bundle.manifest, options, first!, others);
  });
}

/** Runs the decision once for each set of modalities that there is. */
async function decide(
  { decision }: Pick<OpenBundle, 'decision'>,
  items: readonly Placed['rows'][],
  encoded: AllEncoded,
  { prior, fine = false, gate = false }: DecideOptions,
): Promise<Decided[]> {
  const decided = new Array<Decided>(items.length);
  const presentIn = (rows: Placed['rows']): Modality[] =>
    MODALITIES.filter((modality) => rows[modality] !== undefined);
  for (const group of indicesBy(items, (rows) => presentIn(rows).join()).values()) {
    const present = presentIn(items[group[0]!]!);
    const sides = Object.fromEntries(
      present.map((modality) => [
        modality,
        rowsOf(
          encoded[modality]!,
          group.map((i) => items[i]![modality]!),
        ),
      ]),
    ) as Sides;
    const wanted = outputsFor(present, decision.outputs, { prior, fine, gate });
    const outputs = await decision.run(sides, wanted, prior);
    group.forEach((i, row) => {
      const rowIn = ({ data }: { readonly data: Float32Array }): Float32Array => {
        const width = data.length / group.length;
        return data.subarray(row * width, (row + 1) * width);
      };
      decided[i] = {
        present,
        has: (output) => output in outputs,
        values: (output) => rowIn(outputs[output]),
        // Under the training prior the encoder's own.
        logits: (modality) => rowIn(outputs[`${modality} moved logits`] ?? sides[modality]!.logits),
      };
    });
  }
  return decided;
}

/** These rows of all that an encoder gave; as they are if they are all rows. */
function rowsOf(encoded: Encoded, rows: readonly number[]): Encoded {
  const { embedding, logits, fine } = encoded;
  if (rows.length === logits.shape[0] && rows.every((row, i) => row === i)) return encoded;
  return {
    embedding: takeRows(embedding, rows),
    logits: takeRows(logits, rows),
    ...defined({ fine: fine && takeRows(fine, rows) }),
  };
}

function resultOf(
  { crops, warnings, text: read }: Prepared,
  manifest: BundleManifest,
  options: RecognizeOptions,
  decided: Decided,
  others: readonly Decided[],
): Recognition {
  const { present } = decided;
  const text = present.includes('text') ? textPosterior(manifest, decided, read!.read) : undefined;
  const faces = crops.map(({ place }, i): FacePosterior => ({
    ...posteriorOf(manifest, 'face', i === 0 ? decided : others[i - 1]!),
    place,
  }));
  const [face, ...further] = faces;
  const answer = answerOf(manifest, decided);
  const label = topOf(answer.probabilities);
  const [disagreement] = decided.has('disagreement') ? decided.values('disagreement') : [];
  return {
    label,
    ...answer,
    ...certaintyOf(manifest, { label, ...answer }, options),
    ...defined({ text, face }),
    ...(options.allFaces ? { others: further } : {}),
    ...(decided.has('mean gate') ? { gate: gateOf(decided) } : {}),
    ...defined({ disagreement }),
    warnings: [
      ...warnings,
      ...otherEmotion(text, sharedLabels(manifest)),
      ...contradiction(manifest, decided, { text, face, disagreement }),
    ],
  };
}

/** What one modality says by itself. */
function posteriorOf(manifest: BundleManifest, modality: Modality, decided: Decided): ModalityPosterior {
  const { labels } = manifest[modality]!;
  const probabilities = probabilitiesOf(labels, decided.values(`${modality} posterior`));
  return {
    label: topOf(probabilities),
    probabilities,
    logits: byLabel(labels, decided.logits(modality)),
  };
}

function textPosterior(manifest: BundleManifest, decided: Decided, read: number): TextPosterior {
  const posterior = { ...posteriorOf(manifest, 'text', decided), read };
  if (!decided.has('text fine posterior')) return posterior;
  return {
    ...posterior,
    fine: probabilitiesOf(manifest.text!.fine!, decided.values('text fine posterior')),
  };
}

function answerOf(
  manifest: BundleManifest,
  decided: Decided,
): Pick<Recognition, 'probabilities' | 'logits' | 'from' | 'agreement'> {
  const { present } = decided;
  const labels = answerLabels(manifest, present);
  const [only] = present;
  if (present.length === 1)
    return {
      probabilities: probabilitiesOf(labels, decided.values(`${only!} answer`)),
      logits: byLabel(manifest[only!]!.labels, decided.logits(only!)),
      from: only!,
    };
  return {
    probabilities: probabilitiesOf(labels, decided.values('answer')),
    logits: byLabel(labels, decided.values('logits')),
    ...(decided.has('agreement') ? { agreement: decided.values('agreement')[0]! } : {}),
    from: 'both',
  };
}

function gateOf(decided: Decided): Gate {
  const [mean] = decided.values('mean gate');
  return decided.has('gate') ? { mean: mean!, values: [...decided.values('gate')] } : { mean: mean! };
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
  manifest: BundleManifest,
  decided: Decided,
  {
    text,
    face,
    disagreement,
  }: {
    readonly text: ModalityPosterior | undefined;
    readonly face: ModalityPosterior | undefined;
    readonly disagreement: number | undefined;
  },
): Warning[] {
  const shared = sharedLabels(manifest);
  if (!text || !face || disagreement! <= CONTRADICTION || !shared.includes(face.label)) return [];
  const ofShared: Probabilities = byLabel(shared, decided.values('text shared posterior'));
  const said = topOf(ofShared);
  if ([text.label, said, face.label].includes(NEUTRAL)) return [];
  const message = `the text tells of ${said}, the face shows ${face.label}; the answer can be right about one of both only`;
  return [{ code: 'modalities-disagree', message }];
}
