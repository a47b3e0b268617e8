// The decision of a bundle: from what its encoders give to the answer, computed by its graph `decision.onnx`. The graph is
// built by packages/lab/src/export/decision.ts, run by `recognize` and differentiated by `explain`.
import {
  createSession,
  cutModel,
  float32,
  MienError,
  outputsOf,
  type Session,
  type SessionOptions,
  type Tensor,
  type Tensors,
  zeros,
} from 'mien-engine';
import {
  type BundleManifest,
  type BundleParts,
  labelsOf,
  modalitiesOf,
  type Modality,
  partOf,
} from './manifest.js';

/** What the encoder of one modality gave, `[n, …]` each. */
export interface Side {
  /** Needed where a fusion reads it. */
  readonly embedding?: Tensor<'float32'>;
  readonly logits: Tensor<'float32'>;
  /** Logits of a text's finer labels. */
  readonly fine?: Tensor<'float32'>;
}

/** The modalities that n items have. */
export type Sides = { readonly [M in Modality]?: Side };

/**
 * How frequent labels are taken to be; weights by label are in proportion to each other, and a label without one weighs 1:
 * `{ neutral: 3 }` takes neutral for three times as frequent as each other label.
 */
export type LabelPrior = 'training' | 'even' | Readonly<Record<string, number>>;

/** Outputs for n items; columns in the order of the labels that they are over. */
export type DecisionOutput =
  /** `[n, labels]`: posterior over the modality's labels. */
  | `${Modality} posterior`
  /** `[n, labels]`: its logits as if the model had been trained under the prior. */
  | `${Modality} moved logits`
  /** `[n, answer labels]`: the answer if the other modalities are missing. */
  | `${Modality} answer`
  /** `[n, fine labels]` */
  | 'text fine posterior'
  | JointOutput
  /** Of some of the modalities: see `jointName`. */
  | `${string}+${string} ${JointOutput}`
  /** `[shared labels]`: the prior that the answer is given under. */
  | 'prior';

/** Outputs about several modalities. */
export type JointOutput =
  /** `[n, shared labels]`: a modality's posterior, given that the label is a shared one. */
  | `${Modality} shared posterior`
  /** `[n, shared labels]`: the answer by all modalities. */
  | 'answer'
  /** `[n, shared labels]`: logits of the fusion under the prior; without one, logarithms of the product of posteriors. */
  | 'logits'
  /** `[n, shared labels]`: posterior of the fusion head alone. */
  | 'head posterior'
  /** `[n, shared labels]`: product of the modalities' posteriors. */
  | 'product'
  /** `[n, 1]`: probability that all modalities express one label. */
  | 'agreement'
  /** `[n, 1]`: Jensen–Shannon divergence of the modalities' posteriors over the shared labels, from 0 to 1. */
  | 'disagreement'
  /** `[n, width]`: share of the face (of the second modality) in each dimension, and `[n, 1]`: its mean. */
  | 'gate'
  | 'mean gate'
  /** `[n, modalities, width]`: of three or more modalities the share of each, and `[n, modalities]`: its mean. */
  | 'gates'
  | 'mean gates';

/**
 * The name of an output about several modalities of a bundle: of all that it has as it is, of some after their names, such
 * as `text+face answer`.
 */
export const jointName = <Name extends JointOutput | 'prior' | 'scores'>(
  all: readonly Modality[],
  some: readonly Modality[],
  name: Name,
): Name => (some.length === all.length ? name : (`${some.join('+')} ${name}` as Name));

/** Names of the inputs that state the prior: see `priorFeeds`. */
export const PRIOR_INPUTS = { weights: 'label weights', divided: 'divided out' } as const;

export interface Decision {
  /** The bundle's modalities, in the order of its sums. */
  readonly modalities: readonly Modality[];
  /** What this bundle can compute. */
  readonly outputs: ReadonlySet<string>;
  /**
   * Computes these outputs, and no others, for n items.
   * @throws MienError `bundle` if the bundle lacks an output, or its graph needs a modality that is not given.
   */
  run<const Name extends DecisionOutput>(
    sides: Sides,
    outputs: readonly Name[],
    prior?: LabelPrior,
  ): Promise<Record<Name, Tensor<'float32'>>>;
  /** Creates the sessions for what `recognize` asks by default of items that have one or all of these modalities. */
  prepare(present: readonly Modality[]): Promise<void>;
  dispose(): Promise<void>;
}

/** What `recognize` asks of a decision about items that have these modalities. */
export function outputsFor(
  present: readonly Modality[],
  { modalities, outputs }: Pick<Decision, 'modalities' | 'outputs'>,
  options: { readonly prior?: LabelPrior | undefined; readonly fine?: boolean; readonly gate?: boolean } = {},
): DecisionOutput[] {
  const { prior = 'training', fine = false, gate = false } = options;
  const wanted: DecisionOutput[] = present.map((modality) => `${modality} posterior` as const);
  if (prior !== 'training') wanted.push(...present.map((modality) => `${modality} moved logits` as const));
  if (present.length === 1) wanted.push(`${present[0]!} answer`);
  else {
    const joint = (name: JointOutput, some = present): DecisionOutput => jointName(modalities, some, name);
    const names = ['answer', 'logits', 'agreement', 'disagreement', 'mean gate', 'mean gates'] as const;
    wanted.push(...names.map((name) => joint(name)));
    wanted.push(...present.map((modality) => joint(`${modality} shared posterior`)));
    if (gate) wanted.push(joint('gate'), joint('gates'));
    if (present.length > 2) wanted.push(...pairsOf(present).map((pair) => joint('disagreement', pair)));
  }
  if (fine && present.includes('text')) wanted.push('text fine posterior');
  return wanted.filter((name) => outputs.has(name));
}

/** All sets of `least` or more of these, in their order; those of all last. */
export const subsetsOf = <One>(all: readonly One[], least: number): One[][] =>
  Array.from({ length: 2 ** all.length }, (_, bits) => all.filter((_one, i) => (bits >> i) & 1)).filter(
    (some) => some.length >= least,
  );

/** All pairs of these, in their order. */
export const pairsOf = <One>(all: readonly One[]): [One, One][] =>
  all.flatMap((one, i) => all.slice(i + 1).map((other): [One, One] => [one, other]));

/**
 * Opens the graph. What an item lacks is not computed: for each list of outputs a session runs the part of the graph that
 * they need. It is created at first use, in some milliseconds, and now for items that have all modalities.
 * @param options.later modalities whose sessions are created at first use
 * @param options.warm whether to run the sessions of single modalities once, so that browsers compile their code
 * @throws MienError `format` if the bytes are not a model that the runtime accepts.
 */
export async function openDecision(
  manifest: Omit<BundleManifest, 'files'>,
  model: Uint8Array,
  options: SessionOptions & { readonly later?: readonly Modality[]; readonly warm?: boolean } = {},
): Promise<Decision> {
  const { later = [], warm = false, ...session } = options;
  const modalities = modalitiesOf(manifest);
  const outputs: ReadonlySet<string> = new Set(outputsOf(model));
  const sessions = new Map<string, Promise<Session>>();
  const sessionFor = (names: readonly string[]): Promise<Session> => {
    const key = names.join();
    const known = sessions.get(key);
    if (known) return known;
    const missing = names.find((name) => !outputs.has(name));
    if (missing !== undefined)
      throw new MienError('bundle', `the bundle ${manifest.name} does not compute "${missing}"`);
    const opened = createSession(cutModel(model, names), session);
    sessions.set(key, opened);
    return opened;
  };
  const prepare = async (present: readonly Modality[]): Promise<void> => {
    for (const some of present.length > 1 ? [...present.map((one) => [one]), present] : [present])
      if (some.length > 0) await sessionFor(outputsFor(some, { modalities, outputs }));
  };
  const eager = modalities.filter((one) => !later.includes(one));
  if (eager.length > 0) await sessionFor(outputsFor(eager, { modalities, outputs }));
  const training = priorFeeds(manifest, 'training');
  const run: Decision['run'] = async (sides, names, prior = 'training') => {
    const session = await sessionFor(names);
    const under = prior === 'training' ? training : priorFeeds(manifest, prior);
    const feeds: Record<string, Tensor> = {};
    for (const name of session.inputs) {
      const feed = under[name] ?? feedOf(sides, name);
      if (!feed) throw new MienError('bundle', `the decision of the bundle ${manifest.name} lacks "${name}"`);
      feeds[name] = feed;
    }
    return (await session.run(feeds)) as never;
  };
  if (warm)
    for (const one of eager) {
      const side: Side = { logits: zeros('float32', [1, partOf(manifest, one).labels.length]) };
      await run({ [one]: side }, outputsFor([one], { modalities, outputs }));
    }
  return {
    modalities,
    outputs,
    prepare,
    run,
    async dispose() {
      for (const session of sessions.values()) await (await session).dispose();
    },
  };
}

/** The tensor for an input that is named after a modality: `text logits`, `face embedding`, `text fine logits`. */
function feedOf(sides: Sides, name: string): Tensor | undefined {
  for (const [modality, side] of Object.entries(sides) as [Modality, Side][]) {
    if (name === `${modality} logits`) return side.logits;
    if (name === `${modality} embedding`) return side.embedding;
    if (name === `${modality} fine logits`) return side.fine;
  }
  return undefined;
}

/**
 * What states a prior to the graph. Posteriors p under the training prior π become, up to a constant, p · w / π^d: `label
 * weights` are log w `[labels]` over all labels of the bundle, and `divided out` is d `[]`, 0 or 1.
 */
export function priorFeeds(manifest: Partial<BundleParts>, prior: LabelPrior): Tensors {
  const labels = labelsOf(manifest);
  const weights = typeof prior === 'string' ? {} : prior;
  return {
    [PRIOR_INPUTS.weights]: float32(
      [labels.length],
      labels.map((label) => Math.log(weights[label] ?? 1)),
    ),
    [PRIOR_INPUTS.divided]: float32([], [prior === 'training' ? 0 : 1]),
  };
}
