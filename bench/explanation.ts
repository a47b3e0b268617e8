// Whether explanations point at what decides: words and parts of faces taken away, and put in, in the order of their
// attributions against orders that know nothing. Not a timing. `--out` keeps the numbers for `mien report`.
//     MIEN_DATA=DIR node --import tsx bench/explanation.ts [BUNDLE] [--split validation|test] [--set isear|rafdb|fer2013]
//         [--items 200] [--seed 0] [--out FILE]
// A set's numbers do not depend on which others are measured: sets may be measured one after the other, or side by
// side, into one file.
import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { isDeepStrictEqual, parseArgs } from 'node:util';
import { writeFileAtomic } from 'mien-engine/node';
import { silentProgress } from 'mien/parts/base';
import { answerLabels, type Modality, openBundle, readBundle, type Side } from 'mien/parts/bundle';
import { SHARED_LABELS, type Split } from 'mien/parts/data';
import type { DecodedImage } from 'mien/parts/encoders';
import { bootstrapMeans, factorOf, quantile } from 'mien/parts/evaluate';
import { blankOf, explainedDifference } from 'mien/parts/explain';
import {
  type Completeness,
  createRecognizer,
  type Explanation,
  type Item,
  nodeDecoder,
} from 'mien/parts/recognizer';
import { randomStream, type RandomStream } from 'mien-engine/base';
import { decodeFaces, type ExplanationFile, openProtocol, parseExplanation, readExplanation } from 'mien-lab';

/** Shares of an item that are taken away, or put in; with none and all of it the ends of every curve. */
const LEVELS = [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9];
/** Random orders of one item, whose curves are averaged. */
const ORDERS = 2;

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    split: { type: 'string', default: 'test' },
    items: { type: 'string', default: '200' },
    seed: { type: 'string', default: '0' },
    set: { type: 'string' },
    out: { type: 'string' },
  },
});
const data = process.env['MIEN_DATA'];
if (data === undefined) throw new Error('MIEN_DATA must name the folder with isear, fer2013 and rafdb.');
const [split, most, seed] = [values.split as Split, Number(values.items), Number(values.seed)];
const root = join(import.meta.dirname, '..');
const folder = positionals[0] ?? join(root, 'models/lite');
const read = () => readBundle(folder);
const { manifest, files } = await read();
const bundle = await openBundle(manifest, files, { spinning: false });
const recognizer = createRecognizer({
  bundle,
  read,
  decode: nodeDecoder(),
  session: { spinning: false },
  faces: { find: async () => [], crop: (image) => image, dispose: async () => undefined },
});
const dir = await mkdtemp(join(tmpdir(), 'mien-explanation-'));
const { protocol } = await openProtocol({
  data,
  dir: process.env['MIEN_FEATURES'] ?? dir,
  split: 'clean',
  skipInvalid: false,
  progress: silentProgress,
});
await rm(dir, { recursive: true, force: true });
/** A set's own draws, so that another set's being measured or not does not change them. */
const drawOf = (on: string): RandomStream => randomStream(seed, `explanation of ${on}`);
const sample = <T>(all: readonly T[], draw: RandomStream): T[] =>
  Array.from(draw.permutation(all.length).slice(0, most), (i) => all[i]!);

async function explain(item: Item): Promise<Explanation> {
  const explanation = await recognizer.explain(item, { faces: 'cropped' });
  if (explanation.error) throw new Error(explanation.error.message);
  return explanation;
}

/** Largest first. */
const descending = (scores: readonly number[]): number[] =>
  scores.map((_, i) => i).sort((a, b) => scores[b]! - scores[a]!);
const mean = (all: readonly number[]): number => all.reduce((a, b) => a + b, 0) / all.length;
const means = (lists: readonly (readonly number[])[]): number[] =>
  lists[0]!.map((_, i) => mean(lists.map((list) => list[i]!)));

/** An item's curves by order, a probability a level: what is left when units go, and when they alone are there. */
type Curves = Readonly<Record<string, { readonly deletion: number[]; readonly insertion: number[] }>>;
type Orders = Readonly<Record<string, readonly (readonly number[])[]>>;
const KINDS = ['deletion', 'insertion'] as const;

/** The curves of the label's probability. `probabilities` gives it for sets of units that are there. */
async function curvesOf(
  orders: Orders,
  units: number,
  probabilities: (sets: readonly ReadonlySet<number>[]) => Promise<readonly number[]>,
): Promise<Curves> {
  const flat = Object.entries(orders).flatMap(([name, some]) => some.map((order) => ({ name, order })));
  const counts = LEVELS.map((level) => Math.round(level * units));
  const sets = flat.flatMap(({ order }) => [
    ...counts.map((count) => new Set(order.slice(count))),
    ...counts.map((count) => new Set(order.slice(0, count))),
  ]);
  const found = await probabilities(sets);
  const at = (i: number) => found.slice(i * LEVELS.length, (i + 1) * LEVELS.length);
  return Object.fromEntries(
    Object.keys(orders).map((name) => {
      const places = flat.flatMap((one, i) => (one.name === name ? [i] : []));
      return [
        name,
        {
          deletion: means(places.map((i) => at(2 * i))),
          insertion: means(places.map((i) => at(2 * i + 1))),
        },
      ];
    }),
  );
}

const randomOrders = (units: number, draw: RandomStream): number[][] =>
  Array.from({ length: ORDERS }, () => [...draw.permutation(units)]);

type Measured = ExplanationFile['curves'][number];

/**
 * Means over items, and how much less (deletion) or more (insertion) the area is in the order of attributions than in
 * every other, with 95% bootstrap intervals over items.
 */
function measured(of: 'text' | 'face', on: string, gone: string, items: readonly Curves[]): Measured {
  const names = Object.keys(items[0]!);
  const orders = names.map((order) => ({
    order,
    deletion: means(items.map((curves) => curves[order]!.deletion)),
    insertion: means(items.map((curves) => curves[order]!.insertion)),
  }));
  const gain = (over: string, kind: (typeof KINDS)[number]) => {
    const all = items.map((curves) => {
      const better = mean(curves['attributions']![kind]) - mean(curves[over]![kind]);
      return kind === 'deletion' ? -better : better;
    });
    const [spread] = bootstrapMeans([all], [factorOf(items.keys())], { seed });
    return { mean: mean(all), low: quantile(spread!, 0.025), high: quantile(spread!, 0.975) };
  };
  const gains = names
    .filter((name) => name !== 'attributions')
    .map((over) => ({ over, deletion: gain(over, 'deletion'), insertion: gain(over, 'insertion') }));
  console.log(`\n${on}, ${gone}, ${split}, ${items.length} items`);
  for (const { order, deletion, insertion } of orders)
    console.log(`  ${order}: deletion ${mean(deletion).toFixed(3)}, insertion ${mean(insertion).toFixed(3)}`);
  for (const one of gains)
    for (const kind of KINDS) {
      const [by, low, high] = [one[kind].mean, one[kind].low, one[kind].high].map((v) => v.toFixed(3));
      console.log(`  attributions better than ${one.over} by ${by} (${low} to ${high}) in ${kind}`);
    }
  return { of, on, gone, items: items.length, orders, gains };
}

function completenessOf(
  of: 'text' | 'face',
  on: string,
  all: readonly Explanation[],
): ExplanationFile['completeness'][number] {
  const parts = all.map((explanation) => explanation[of] as Completeness);
  const gaps = parts.map((part) => Math.abs(part.residual) / explainedDifference(part));
  const off = all.map(({ logOdds }, i) => Math.abs(parts[i]!.to - logOdds));
  const [median, largest, above] = [
    quantile(gaps, 0.5),
    Math.max(...gaps),
    gaps.filter((gap) => gap > 0.01).length,
  ];
  console.log(
    `  completeness: median gap ${(100 * median).toFixed(2)} %, largest ${(100 * largest).toFixed(2)} %, above 1 % in ${above}; ` +
      `log-odds from the answer's: median ${quantile(off, 0.5).toFixed(3)}, largest ${Math.max(...off).toFixed(3)}`,
  );
  return { of, on, items: all.length, median, largest, above };
}

const curves: Measured[] = [];
const completeness: ExplanationFile['completeness'] = [];

const wanted = (set: string): boolean => values.set === undefined || values.set === set;

if (manifest.text && wanted('isear')) {
  const known: readonly string[] = SHARED_LABELS;
  const draw = drawOf('isear');
  const texts = sample(
    protocol.texts.filter((one) => one.split === split && known.includes(one.label)),
    draw,
  );
  const items: Curves[] = [];
  const all: Explanation[] = [];
  for (const { text } of texts) {
    const explanation = await explain({ text });
    const { label, text: found } = explanation;
    const { words } = found!;
    if (words.length < 2) continue;
    all.push(explanation);
    const probabilities = async (sets: readonly ReadonlySet<number>[]): Promise<number[]> => {
      const left = sets.map((set) => words.flatMap(({ word }, i) => (set.has(i) ? [word] : [])).join(' '));
      return answered('text', label, await bundle.texts(left));
    };
    const orders = {
      attributions: [descending(words.map(({ attribution }) => attribution))],
      random: randomOrders(words.length, draw),
    };
    items.push(await curvesOf(orders, words.length, probabilities));
  }
  curves.push(measured('text', 'ISEAR', 'words left out', items));
  completeness.push(completenessOf('text', 'ISEAR', all));
}

/** The label's probability in the answers to items of one modality. */
async function answered(modality: Modality, label: string, side: Side): Promise<number[]> {
  const output = `${modality} answer` as const;
  const { [output]: posteriors } = await bundle.decision.run({ [modality]: side }, [output]);
  const labels = answerLabels(manifest, [modality]);
  const column = labels.indexOf(label);
  return Array.from({ length: posteriors.shape[0]! }, (_, i) => posteriors.data[i * labels.length + column]!);
}

/** Each pixel from the image where its cell is there, else from the other. */
function mixed(
  image: DecodedImage,
  other: DecodedImage,
  rows: number,
  columns: number,
  there: ReadonlySet<number>,
) {
  const { width, height } = image;
  const pixels = other.data.slice();
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++) {
      const cell = Math.floor((y * rows) / height) * columns + Math.floor((x * columns) / width);
      const at = 3 * (y * width + x);
      if (there.has(cell)) pixels.set(image.data.subarray(at, at + 3), at);
    }
  return { width, height, data: pixels };
}

/** Every pixel the mean colour. */
function plain({ width, height, data: pixels }: DecodedImage): DecodedImage {
  const sums = [0, 0, 0];
  pixels.forEach((value, i) => (sums[i % 3]! += value));
  return { width, height, data: pixels.map((_, i) => Math.round((3 * sums[i % 3]!) / pixels.length)) };
}

const FACES = [
  ['rafdb', 'RAF-DB'],
  ['fer2013', 'FER2013'],
] as const;
for (const [dataset, on] of manifest.face ? FACES.filter(([set]) => wanted(set)) : []) {
  const draw = drawOf(dataset);
  const faces = sample(
    protocol.faces.filter((one) => one.split === split && one.item.dataset === dataset),
    draw,
  );
  if (faces.length === 0) continue;
  const images = await decodeFaces(faces.map(({ item }) => item));
  const all: Explanation[] = [];
  const items: Record<string, Curves[]> = { 'cells out of focus': [], 'cells of the mean colour': [] };
  for (const image of images) {
    const explanation = await explain({ image });
    all.push(explanation);
    const { label, face } = explanation;
    const { rows, columns, cells } = face!;
    const middle = cells.map((_, i) => {
      const [x, y] = [(i % columns) - (columns - 1) / 2, Math.floor(i / columns) - (rows - 1) / 2];
      return -(x * x + y * y);
    });
    const orders = {
      attributions: [descending(cells)],
      random: randomOrders(cells.length, draw),
      'from the middle': [descending(middle)],
    };
    for (const [gone, other] of [
      ['cells out of focus', blankOf(image)],
      ['cells of the mean colour', plain(image)],
    ] as const) {
      const probabilities = async (sets: readonly ReadonlySet<number>[]): Promise<number[]> => {
        const changed = sets.map((set) => mixed(image, other, rows, columns, set));
        return answered('face', label, await bundle.faces(changed));
      };
      items[gone]!.push(await curvesOf(orders, cells.length, probabilities));
    }
  }
  for (const [gone, some] of Object.entries(items)) curves.push(measured('face', on, gone, some));
  completeness.push(completenessOf('face', on, all));
}
await recognizer.dispose();

if (values.out !== undefined) {
  const own = relative(root, folder);
  const head = {
    ...({ format: 'mien-explanation', version: 1 } as const),
    command: `MIEN_DATA=DIR node --import tsx bench/explanation.ts ${own.startsWith('..') ? 'BUNDLE' : own} --split ${split} --items ${most} --seed ${seed} --out FILE`,
    bundle: {
      name: manifest.name,
      models: Object.fromEntries(
        Object.entries(manifest.files).flatMap(([name, { sha256 }]) =>
          name.endsWith('.onnx') ? [[name, sha256]] : [],
        ),
      ),
    },
    split,
    seed,
    levels: LEVELS,
  };
  // What the same command has measured of other sets stays.
  const before = existsSync(values.out) ? await readExplanation(values.out) : undefined;
  const { curves: oldCurves = [], completeness: oldSums = [], ...oldHead } = before ?? {};
  const same = isDeepStrictEqual(oldHead, head);
  const others = <T extends { readonly on: string }>(all: readonly T[]): T[] =>
    same ? all.filter(({ on }) => !completeness.some((one) => one.on === on)) : [];
  const inOrder = <T extends { readonly on: string }>(all: readonly T[]): T[] =>
    ['ISEAR', 'RAF-DB', 'FER2013'].flatMap((set) => all.filter(({ on }) => on === set));
  const file = parseExplanation({
    ...head,
    curves: inOrder([...others(oldCurves), ...curves]),
    completeness: inOrder([...others(oldSums), ...completeness]),
  });
  const short = (_key: string, value: unknown): unknown =>
    typeof value === 'number' ? Number(value.toPrecision(6)) : value;
  await writeFileAtomic(values.out, `${JSON.stringify(file, short, 2)}\n`);
}
