// From the encoders' outputs to results: the decision is run on items with the same modalities together, and its
// outputs become answers with warnings.
import { defined, indicesBy, itemsAt, takeRows } from 'mien-engine/base';
import {
  type DecisionOutput,
  jointName,
  type JointOutput,
  outputsFor,
  pairsOf,
  type Sides,
} from '../bundle/decision.js';
import {
  answerLabels,
  type BundleManifest,
  modalitiesOf,
  type Modality,
  partOf,
  sharedLabels,
} from '../bundle/manifest.js';
import type { Encoded, OpenBundle } from '../bundle/open.js';
import { modalities as listed } from '../modalities/list.js';
import type { Modalities } from '../modalities/modality.js';
import { certaintyOf } from './certainty.js';
import { byLabel, probabilitiesOf, topOf } from './labels.js';
import type { PreparedItem } from './prepare.js';
import type {
  FacePosterior,
  Gate,
  ModalityPosterior,
  Recognition,
  RecognizeOptions,
  Result,
  Warning,
} from './types.js';

/** Outputs of the encoders by modality: rows of all items. */
export type AllEncoded = { readonly [M in Modality]?: Encoded | undefined };

/** An item, and its rows in the encoders' outputs; of several units the first, which the others follow. */
export interface Placed {
  readonly prepared: PreparedItem;
  readonly rows: { readonly [M in Modality]?: number | undefined };
}

/** The decision's outputs for one item. */
interface Decided {
  readonly present: readonly Modality[];
  /** An output's row of this item; undefined if the bundle does not have it. */
  values(output: DecisionOutput): Float32Array | undefined;
  /** The same of several modalities, by default of all that the item has. */
  joint(output: JointOutput, some?: readonly Modality[]): Float32Array | undefined;
  /** The row of a modality's logits. */
  logits(modality: Modality): Float32Array;
}

type DecideOptions = Pick<RecognizeOptions, 'prior' | 'fine' | 'gate'>;

/** What answering needs of an open bundle. */
type Answering = Pick<OpenBundle, 'manifest' | 'decision'> & { readonly modalities?: Modalities };

/** Results in the order of the items: an item's failure if there is one, else its answer. */
export async function answerItems(
  bundle: Answering,
  items: readonly Placed[],
  encoded: AllEncoded,
  options: RecognizeOptions = {},
): Promise<Result[]> {
  const all = modalitiesOf(bundle.manifest);
  const open = items.flatMap(({ prepared, rows }, item) => {
    if (prepared.error) return [];
    const others = all.flatMap((modality) =>
      (prepared.units[modality] ?? [])
        .slice(1)
        .map((_, i) => ({ item, rows: { [modality]: rows[modality]! + 1 + i } as Placed['rows'] })),
    );
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
    const [first, ...others] = itemsAt(decided, ofItem.get(item)!);
    const further = Object.fromEntries(
      all.map((modality) => [modality, others.filter(({ present }) => present[0] === modality)]),
    );
    return resultOf(prepared, bundle, options, first!, further);
  });
}

/** Runs the decision once for each set of modalities that there is. */
async function decide(
  { decision, manifest }: Answering,
  items: readonly Placed['rows'][],
  encoded: AllEncoded,
  { prior, fine = false, gate = false }: DecideOptions,
): Promise<Decided[]> {
  const decided = new Array<Decided>(items.length);
  const modalities = modalitiesOf(manifest);
  const presentIn = (rows: Placed['rows']): Modality[] =>
    modalities.filter((modality) => rows[modality] !== undefined);
  for (const group of indicesBy(items, (rows) => presentIn(rows).join()).values()) {
    const members = itemsAt(items, group);
    const present = modalities.filter((modality) => members.every((rows) => rows[modality] !== undefined));
    const sides = Object.fromEntries(
      present.map((modality) => [
        modality,
        rowsOf(
          encoded[modality]!,
          members.map((rows) => rows[modality]!),
        ),
      ]),
    ) as Sides;
    const wanted = outputsFor(present, { modalities, outputs: decision.outputs }, { prior, fine, gate });
    const outputs = await decision.run(sides, wanted, prior);
    group.forEach((i, row) => {
      const rowIn = ({ data }: { readonly data: Float32Array }): Float32Array => {
        const width = data.length / group.length;
        return data.subarray(row * width, (row + 1) * width);
      };
      const values: Decided['values'] = (output) => (output in outputs ? rowIn(outputs[output]!) : undefined);
      decided[i] = {
        present,
        values,
        joint: (output, some = present) => values(jointName(modalities, some, output)),
        // Under the training prior, the encoder's own.
        logits: (modality) => values(`${modality} moved logits`) ?? rowIn(sides[modality]!.logits),
      };
    });
  }
  return decided;
}

/** These rows of an encoder's outputs; unchanged if they are all rows. */
export function rowsOf(encoded: Encoded, rows: readonly number[]): Encoded {
  const { embedding, logits, fine } = encoded;
  if (rows.length === logits.shape[0] && rows.every((row, i) => row === i)) return encoded;
  return {
    embedding: takeRows(embedding, rows),
    logits: takeRows(logits, rows),
    ...defined({ fine: fine && takeRows(fine, rows) }),
  };
}

/** Posteriors by modality. */
type Posteriors = { readonly [M in Modality]?: ModalityPosterior };

function resultOf(
  { units, warnings, transcript }: PreparedItem,
  { manifest, modalities = listed }: Answering,
  options: RecognizeOptions,
  decided: Decided,
  /** Of units after the first, by modality. */
  others: { readonly [M in Modality]?: readonly Decided[] },
): Recognition {
  const { present } = decided;
  const posterior = (modality: Modality, unit: number, of: Decided): ModalityPosterior => ({
    ...posteriorOf(manifest, modality, of),
    ...(modalities as Modalities)[modality]!.describe?.(units[modality]![unit]),
    ...(modality === 'text' ? finePosterior(manifest, of) : {}),
  });
  const further = (modality: Modality): ModalityPosterior[] =>
    (others[modality] ?? []).map((one, i) => posterior(modality, i + 1, one));
  const segments = further('voice');
  const posteriors: Posteriors = Object.fromEntries(
    present.map((modality) => [
      modality,
      {
        ...posterior(modality, 0, decided),
        ...(modality === 'voice' && segments.length > 0 ? { segments } : {}),
      },
    ]),
  );
  const answer = answerOf(manifest, decided);
  const label = topOf(answer.probabilities);
  const [disagreement] = decided.joint('disagreement') ?? [];
  const gate = gateOf(decided);
  return {
    label,
    ...answer,
    ...certaintyOf(manifest, { label, ...answer }, present, options),
    ...(posteriors as Pick<Recognition, Modality>),
    ...(options.allFaces
      ? { others: further('face') as readonly ModalityPosterior[] as readonly FacePosterior[] }
      : {}),
    ...defined({ transcript, gate, disagreement, disagreements: disagreementsOf(decided) }),
    warnings: [
      ...warnings,
      ...otherEmotion(posteriors.text, answerLabels(manifest, present)),
      ...contradictions(manifest, decided, posteriors, modalities),
    ],
  } as Recognition;
}

/** The posterior of one modality by itself. */
function posteriorOf(manifest: BundleManifest, modality: Modality, decided: Decided): ModalityPosterior {
  const { labels } = partOf(manifest, modality);
  const probabilities = probabilitiesOf(labels, decided.values(`${modality} posterior`)!);
  return {
    label: topOf(probabilities),
    probabilities,
    logits: byLabel(labels, decided.logits(modality)),
  };
}

function finePosterior({ text }: BundleManifest, decided: Decided) {
  const fine = decided.values('text fine posterior');
  return fine && text?.fine ? { fine: probabilitiesOf(text.fine, fine) } : {};
}

function answerOf(
  manifest: BundleManifest,
  decided: Decided,
): Pick<Recognition, 'probabilities' | 'logits' | 'from' | 'agreement'> {
  const { present } = decided;
  const labels = answerLabels(manifest, present);
  const [only] = present;
  if (only && present.length === 1)
    return {
      probabilities: probabilitiesOf(labels, decided.values(`${only} answer`)!),
      logits: byLabel(partOf(manifest, only).labels, decided.logits(only)),
      from: only,
    };
  const [agreement] = decided.joint('agreement') ?? [];
  return {
    probabilities: probabilitiesOf(labels, decided.joint('answer')!),
    logits: byLabel(labels, decided.joint('logits')!),
    ...defined({ agreement }),
    from: present.length === 2 ? 'both' : 'all',
  };
}

/** The weights of the fusion's modalities, if it has a gate. */
function gateOf(decided: Decided): Gate | undefined {
  const { present } = decided;
  const [mean] = decided.joint('mean gate') ?? [];
  if (mean !== undefined) {
    const values = decided.joint('gate');
    return { mean, ...defined({ values: values && [...values] }) };
  }
  const means = decided.joint('mean gates');
  if (!means) return undefined;
  const all = decided.joint('gates');
  const width = (all?.length ?? 0) / present.length;
  const shares: Record<string, number> = Object.fromEntries(
    present.map((modality, i) => [modality, means[i]!]),
  );
  const face = present.indexOf('face');
  return {
    mean: shares['face'] ?? 0,
    shares,
    ...(all && face >= 0 ? { values: [...all.subarray(face * width, (face + 1) * width)] } : {}),
  };
}

/** Of three or more modalities, how much each two disagree. */
function disagreementsOf(decided: Decided): Readonly<Record<string, number>> | undefined {
  if (decided.present.length < 3) return undefined;
  return Object.fromEntries(
    pairsOf(decided.present).map((pair) => [pair.join('+'), decided.joint('disagreement', pair)![0]!]),
  );
}

function otherEmotion(text: ModalityPosterior | undefined, shared: readonly string[]): Warning[] {
  if (!text || shared.includes(text.label)) return [];
  const message = `the text by itself tells of ${text.label}, which is not among ${shared.join(', ')}`;
  return [{ code: 'other-emotion', message }];
}

/**
 * From this disagreement on two modalities contradict each other. Chosen on validation pairs of text and face of the
 * bundled model (`bench/contradiction.ts`): 7 % of the pairs of one label are warned of, and 46 % of those of two.
 */
const CONTRADICTION = 0.7;

/** The label of words and faces that show no emotion. A calm face beside emotional words is common. */
const NEUTRAL = 'neutral';

/** Warns if two modalities express different emotions, the second's being among the first's labels too. */
function contradictions(
  manifest: BundleManifest,
  decided: Decided,
  posteriors: Posteriors,
  modalities: Modalities,
): Warning[] {
  const { present } = decided;
  return pairsOf(present).flatMap(([first, second]): Warning[] => {
    const [one, other] = [posteriors[first]!, posteriors[second]!];
    const [disagreement] = decided.joint('disagreement', [first, second]) ?? [];
    const shared = sharedLabels(manifest, present);
    if (disagreement! <= CONTRADICTION || !shared.includes(other.label)) return [];
    const said = topOf(byLabel(shared, decided.joint(`${first} shared posterior`)!));
    if ([one.label, said, other.label].includes(NEUTRAL)) return [];
    const says = (modality: Modality, label: string): string => {
      const { the, verb } = modalities[modality]!.drawn;
      return `${the} ${verb} ${label}`;
    };
    const message = `${says(first, said)}, ${says(second, other.label)}; the answer can be right about one of both only`;
    return [{ code: 'modalities-disagree', message }];
  });
}
