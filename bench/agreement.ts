// What pairs that nobody matched say of a bundle's answers: the likelihood of both labels by the agreement α and the face
// weight w that answers assume, under the bundle's prior and under an even one; other answers beside. Not a timing.
//     node --import tsx bench/agreement.ts BUNDLE PAIRS.csv
// PAIRS has the columns text, image, text_label and image_label, and labels of configs/polarity.yaml's groups.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import { constant, createGraph, createSession, encodeModel, float32, input, log as logOf } from 'mien-engine';
import { allowingForContradictions, partly } from 'mien-lab';
import { readBundle } from 'mien/parts/bundle';
import {
  meanAreaUnderRoc,
  movePrior,
  productOfPosteriors,
  restrictLogits,
  restrictPrior,
  scores,
  type Scores,
  toPosteriors,
} from 'mien/parts/evaluate';
import {
  answersOf,
  collapsed,
  collapseOf,
  itemsOfFile,
  loadRecognizer,
  type Probabilities,
} from 'mien/parts/recognizer';

const ALPHAS = [1, 0.95, 0.9, 0.8, 0.7, 0.6, 0.5, 0.3, 0];
const WEIGHTS = [1, 0.7, 0.5, 0.4, 0.3, 0.2, 0];
const FOLDS = 10;

const [folder, data] = process.argv.slice(2);
if (folder === undefined || data === undefined) throw new Error('BUNDLE and PAIRS are needed');
const { manifest } = await readBundle(folder);
const { text, face, fusion } = manifest;
if (!text || !face || !fusion) throw new Error('the bundle must read both and fuse them');
const { labels, prior } = fusion;
const groupOf = parse(readFileSync(join(import.meta.dirname, '../configs/polarity.yaml'), 'utf8')) as Record<
  string,
  string | null
>;
const every = [...new Set([...text.labels, ...face.labels])].sort();
const collapse = collapseOf(every, (label) => (label in groupOf ? groupOf[label]! : label));
const { groups } = collapse;

interface Pair {
  /** Positions among the groups. */
  readonly truth: { readonly text: number; readonly image: number };
  readonly fused: Scores;
  readonly text: Scores;
  readonly face: Scores;
  /** What each says by itself, over all of its labels. */
  readonly own: { readonly text: Probabilities; readonly face: Probabilities };
}

const rowOf = (own: Probabilities, names: readonly string[]): Scores =>
  scores(
    names.length,
    Float64Array.from(names, (name) => own[name]!),
  );

/** What a modality says of the fusion's labels under its prior. */
const underPrior = (part: typeof text | typeof face, logits: Probabilities): Scores => {
  const evidence = {
    logits: restrictLogits(rowOf(logits, part.labels), part.labels, labels),
    temperature: part.temperature,
    prior: restrictPrior(part.prior, part.labels, labels),
  };
  return toPosteriors(productOfPosteriors([evidence], prior));
};

const recognizer = await loadRecognizer({ bundle: folder });
const pairs: Pair[] = [];
const columns = ['text_label', 'image_label'];
const items = itemsOfFile(data, { columns: {}, further: columns, warn: () => undefined });
for await (const { item, result } of answersOf(recognizer, items, { batchSize: 32 })) {
  if (result.error || !result.text || !result.face) continue;
  const [ofText, ofImage] = columns.map((column) => groups.indexOf(item.values[column]!));
  if (ofText! < 0 || ofImage! < 0) continue;
  pairs.push({
    truth: { text: ofText!, image: ofImage! },
    fused: toPosteriors(rowOf(result.logits, labels), fusion.temperature),
    text: underPrior(text, result.text.logits),
    face: underPrior(face, result.face.logits),
    own: { text: result.text.probabilities, face: result.face.probabilities },
  });
}
await recognizer.dispose();
const agreeing = pairs.filter(({ truth }) => truth.text === truth.image);
const differing = pairs.filter(({ truth }) => truth.text !== truth.image);
const say = (line: string): void => void process.stdout.write(`${line}\n`);
say(`${pairs.length} pairs: ${agreeing.length} agree, ${differing.length} contradict`);

type Answer = (pair: Pair) => number[];
const named = ({ data: values }: Scores): Probabilities =>
  Object.fromEntries(labels.map((label, k) => [label, values[k]!]));
const grouped = (posteriors: Scores): number[] => collapsed(named(posteriors), collapse);
const log = (value: number): number => Math.log(Math.max(value, 1e-6));
const likelihood = (answer: readonly number[], { truth }: Pair): number =>
  (log(answer[truth.text]!) + log(answer[truth.image]!)) / 2;
const mean = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0) / values.length;

function line(name: string, answer: Answer): void {
  const said = agreeing.map(answer);
  const right = mean(said.map((one, i) => Number(one.indexOf(Math.max(...one)) === agreeing[i]!.truth.text)));
  const truth = agreeing.map((pair) => pair.truth.text);
  const auc = meanAreaUnderRoc(said, truth);
  const ofAll = (some: readonly Pair[]): string =>
    mean(some.map((pair) => likelihood(answer(pair), pair))).toFixed(4);
  say(
    `${name.padEnd(34)} accuracy ${right.toFixed(3)}  AUC ${auc.toFixed(3)}  log-likelihood: agreeing ${ofAll(agreeing)}, ` +
      `contradicting ${ofAll(differing)}, all ${ofAll(pairs)}`,
  );
}

const even = labels.map(() => 1 / labels.length);
const evenly = new Map(
  pairs.map((pair) => {
    const moved = (posteriors: Scores): Scores => movePrior(posteriors, prior, even);
    return [pair, { fused: moved(pair.fused), text: moved(pair.text), face: moved(pair.face) }] as const;
  }),
);
type Posteriors = Pick<Pair, 'fused' | 'text' | 'face'>;

/** The decision's rule for contradictions on all pairs at once, with other parameters than the bundle's. */
async function doubted(
  agreement: number,
  faceWeight: number,
  of: (pair: Pair) => Posteriors = (pair) => pair,
  under: readonly number[] = prior,
): Promise<Answer> {
  const graph = createGraph('contradictions');
  const names = ['fused', 'text', 'face'] as const;
  const [fused, ...alone] = names.map((name) => logOf(input(graph, name, 'float32', ['n', labels.length])));
  const opinions = {
    alone,
    together: () => partly(fused!, alone[0]!, faceWeight),
    prior: constant(graph, float32([labels.length], under.map(Math.log))),
  };
  const { answer } = allowingForContradictions(opinions, agreement);
  const session = await createSession(encodeModel(graph, { answer }));
  const feeds = names.map((name) => {
    const values = pairs.flatMap((pair) => [...of(pair)[name].data]);
    return [name, float32([pairs.length, labels.length], values)] as const;
  });
  const found = await session.run(Object.fromEntries(feeds), ['answer']);
  await session.dispose();
  const rows = new Map(
    pairs.map((pair, i) => {
      const row = found.answer.data.slice(i * labels.length, (i + 1) * labels.length) as Float32Array;
      return [pair, grouped(scores(labels.length, row))] as const;
    }),
  );
  return (pair) => rows.get(pair)!;
}
const plain: Answer = ({ own }) => {
  const [a, b] = [collapsed(own.text, collapse), collapsed(own.face, collapse)];
  const both = a.map((p, k) => p * b[k]!);
  const total = both.reduce((sum, p) => sum + p, 0);
  return both.map((p) => p / total);
};
line('text alone', ({ own }) => collapsed(own.text, collapse));
line('face alone', ({ own }) => collapsed(own.face, collapse));
line('plain product of groups', plain);
for (const weight of WEIGHTS)
  for (const alpha of ALPHAS) line(`w = ${weight}, α = ${alpha}`, await doubted(alpha, weight));
for (const weight of WEIGHTS)
  line(`even labels, w = ${weight}, α = 0.7`, await doubted(0.7, weight, (pair) => evenly.get(pair)!, even));

/** Both by the likelihood on the other folds, and what that comes to on the fold. */
const grid = Array.from({ length: 20 }, (_, i) => (i + 1) / 20).flatMap((alpha) =>
  Array.from({ length: 11 }, (_, i) => [alpha, i / 10] as const),
);
const found: number[][] = [];
for (const [alpha, weight] of grid) {
  const answer = await doubted(alpha, weight);
  found.push(pairs.map((pair) => likelihood(answer(pair), pair)));
}
const bestOf = (inside: (i: number) => boolean): readonly [number, number] => {
  const totals = found.map((values) => mean(values.filter((_, i) => inside(i))));
  return grid[totals.indexOf(Math.max(...totals))]!;
};
const shown = ([alpha, weight]: readonly [number, number]): string => `α ${alpha} w ${weight}`;
const chosen = Array.from({ length: FOLDS }, (_, fold) => bestOf((i) => i % FOLDS !== fold));
say(
  `of the highest likelihood: ${shown(bestOf(() => true))}; by ${FOLDS} folds: ${chosen.map(shown).join(', ')}`,
);
