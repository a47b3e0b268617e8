// Compares fusion heads: trained on the same pairs with the same budget, evaluated in the same situations on validation
// pairs, and once on the test pairs.
import { defined, itemsAt } from 'mien-engine/base';
import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { writeFileAtomic } from 'mien-engine/node';
import { type Progress, silentProgress } from 'mien/parts/base';
import { hitsAgainst, labelPrior } from 'mien/parts/evaluate';
import type { Config } from '../../experiments/config.js';
import { graphOptions } from '../../experiments/head-options.js';
import { fusedModel } from '../../experiments/plan.js';
import {
  evaluationItems,
  fingerprint,
  trainRun,
  validationPairs,
  type Variation,
} from '../../experiments/run.js';
import type { HeadName } from '../../heads/heads.js';
import { countParameters } from 'mien-engine';
import { headParameters, type Paired } from '../../train/head-graph.js';
import type { Posterior } from '../corrupted-pairs.js';
import { answering, type Answers } from './answers.js';
import type { ComparedFeatures } from './features.js';
import {
  askedTables,
  productLogits,
  situationsOf,
  type LabelledPairs,
  type Situation,
} from './situations.js';

export const COMPARED_HEADS = [
  'concatenation',
  'gated',
  'tensor',
  'low-rank',
  'cross-attention',
  'transformer',
] as const satisfies readonly HeadName[];

export interface CompareOptions {
  readonly features: ComparedFeatures;
  readonly variation: Variation;
  readonly posteriors: Readonly<Record<Paired, Posterior>>;
  readonly config: Config;
  readonly heads: readonly HeadName[];
  /** Learning rates tried for each head with the first seed; the best on validation is used for all seeds. */
  readonly rates: readonly number[];
  /** Folder of runs, which are resumed. */
  readonly folder: string;
  /** Hash of the features. */
  readonly key: string;
  readonly progress?: Progress;
  readonly signal?: AbortSignal | undefined;
}

/** A trained head's answers; `hits` are 1 where the label was right. */
interface HeadRun {
  readonly seed: number;
  readonly rate: number;
  /** Best macro F1 on validation pairs, which chose the epoch. */
  readonly f1: number;
  readonly epochs: number;
  /** Processor time of an epoch and its validation, on one thread. */
  readonly secondsAnEpoch: number;
  readonly answers: Readonly<Record<string, Answers>>;
  /** Its nearest additive model (EMAP) on the clean validation pairs; not of the product, which is additive. */
  readonly additive?: readonly number[];
  /** On the pairs of all test pairings, one after the other. */
  readonly test: Answers;
}

export interface ComparedHead {
  readonly head: HeadName | 'product';
  /** Number of trained values. */
  readonly parameters: number;
  /** Best validation F1 of the first seed at each rate. */
  readonly tried: readonly { readonly rate: number; readonly f1: number }[];
  /** One per seed; a single one for the product, which is not trained. */
  readonly runs: readonly Pick<
    HeadRun,
    'seed' | 'rate' | 'epochs' | 'secondsAnEpoch' | 'answers' | 'additive' | 'test'
  >[];
}

export interface Compared {
  readonly situations: readonly Pick<Situation, 'name' | 'kind' | 'of'>[];
  readonly heads: readonly ComparedHead[];
  /** What each answer depends on: a writer (or else a text) and a face. */
  readonly validation: { readonly writers: readonly string[]; readonly faces: readonly string[] };
  readonly test: { readonly writers: readonly string[]; readonly faces: readonly string[] };
}

/** Trains and evaluates every head. @throws MienError as training does. */
export async function compareHeads(options: CompareOptions): Promise<Compared> {
  const { features, variation, posteriors, config, heads, rates, progress = silentProgress } = options;
  const { data } = features;
  const asked = askedTables(features, variation);
  const chosen = {
    texts: data.texts(config.labels, 'validation'),
    faces: data.faces('both', config.labels, 'validation'),
  };
  const pairs = validationPairs(config, chosen.texts, chosen.faces);
  const situations = situationsOf(features, variation, chosen, pairs);
  const test = testItems(options);
  const compared: ComparedHead[] = [];
  progress.begin('training heads', heads.length * (rates.length + config.seeds.length - 1), 'heads');
  for (const head of heads) {
    const run = async (seed: number, rate: number): Promise<HeadRun> => {
      const done = await headRun(head, seed, rate, { ...options, asked, situations, test });
      progress.advance();
      return done;
    };
    const [first, ...others] = config.seeds;
    const tried: HeadRun[] = [];
    for (const rate of rates) tried.push(await run(first!, rate));
    const best = tried.reduce((a, b) => (b.f1 > a.f1 ? b : a));
    const runs = [best];
    for (const seed of others) runs.push(await run(seed, best.rate));
    const model = fusedModel(head, config.labels, 'both');
    compared.push({
      head,
      parameters: countParameters(headParameters(graphOptions(model, config, data))),
      tried: tried.map(({ rate, f1 }) => ({ rate, f1 })),
      runs,
    });
  }
  progress.end();

  const prior = labelPrior(data.texts(config.labels, 'train').labels, config.labels.length);
  const product = (one: Pick<Situation, 'items' | 'kind' | 'of'>): Answers => ({
    hits: [...hitsAgainst(productLogits(asked, posteriors, prior, one), one.items.labels)],
  });
  compared.push({
    head: 'product',
    parameters: 0,
    tried: [],
    runs: [
      {
        seed: 0,
        rate: 0,
        epochs: 0,
        secondsAnEpoch: 0,
        answers: Object.fromEntries(situations.map((one) => [one.name, product(one)])),
        test: product({ kind: 'clean', of: null, items: test }),
      },
    ],
  });
  return {
    situations: situations.map(({ name, kind, of }) => ({ name, kind, of })),
    heads: compared,
    validation: unitsOf(features, situations[0]!.items),
    test: unitsOf(features, test),
  };
}

/** All test pairings, one after the other. */
function testItems({ config, features: { data } }: CompareOptions): LabelledPairs {
  const { tests } = evaluationItems(config, data, fusedModel('gated', config.labels, 'both'));
  const rows = (of: Paired): Int32Array => Int32Array.from(tests.flatMap((one) => [...one[of]!]));
  const labels = Uint8Array.from(tests.flatMap((one) => [...one.labels]));
  return { text: rows('text'), face: rows('face'), labels };
}

/** Who wrote the text of each pair, where the data set says so, and whose face it has. */
function unitsOf({ data: { sets } }: ComparedFeatures, { text, face }: LabelledPairs) {
  const { texts, faces } = sets;
  const names = [...faces.fer2013.ids, ...faces.rafdb.ids];
  return {
    writers: Array.from(text, (row) =>
      texts.subject[row]! < 0 ? texts.ids[row]! : `writer ${texts.subject[row]!}`,
    ),
    faces: itemsAt(names, face),
  };
}

interface Asked {
  readonly asked: ReturnType<typeof askedTables>;
  readonly situations: readonly Situation[];
  readonly test: LabelledPairs;
}

/** One training and its answers, read from the folder if an earlier run left them there. */
async function headRun(
  head: HeadName,
  seed: number,
  rate: number,
  { asked, situations, test, ...options }: CompareOptions & Asked,
): Promise<HeadRun> {
  const { features, variation, folder, key, progress, signal } = options;
  const config = { ...options.config, optimizer: { ...options.config.optimizer, learningRate: rate } };
  const model = fusedModel(head, config.labels, 'both');
  const records = join(folder, 'asked');
  const file = join(
    records,
    `${model.key}-${fingerprint(model, config, key, variation).slice(0, 12)}-${seed}.json`,
  );
  const before = await readFile(file, 'utf8').catch(() => undefined);
  if (before !== undefined) return JSON.parse(before) as HeadRun;

  const start = process.cpuUsage();
  const { parameters, history, bestEpoch } = await trainRun(features.data, {
    model,
    seed,
    config,
    folder,
    features: key,
    variation,
    ...defined({ progress, signal }),
  });
  const { user, system } = process.cpuUsage(start);
  const answer = await answering(model, parameters, config, features.data, asked);
  try {
    const answers: Record<string, Answers> = {};
    for (const { name, items } of situations) answers[name] = await answer.ask(items);
    const clean = situations.find(({ kind }) => kind === 'clean')!;
    const run: HeadRun = {
      seed,
      rate,
      f1: history[bestEpoch - 1]!.validation,
      epochs: history.length,
      secondsAnEpoch: (user + system) / 1e6 / history.length,
      answers,
      additive: await answer.additive(clean.items, seed),
      test: await answer.ask(test),
    };
    await mkdir(records, { recursive: true });
    await writeFileAtomic(file, `${JSON.stringify(run)}\n`);
    return run;
  } finally {
    await answer.dispose();
  }
}
