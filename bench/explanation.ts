// Whether explanations point at what decides: words and parts of faces taken away, and put in, in the order of their
// attributions against orders that know nothing. Not a timing.
//     MIEN_DATA=DIR node --import tsx bench/explanation.ts [BUNDLE] [--split validation|test] [--items 200] [--seed 0]
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { silentProgress } from '../src/base/progress.js';
import { randomStream } from '../src/base/random.js';
import { readBundle } from '../src/bundle/folder.js';
import { openBundle } from '../src/bundle/open.js';
import { SHARED_LABELS } from '../src/data/labels.js';
import type { Split } from '../src/data/types.js';
import type { DecodedImage } from '../src/encoders/encoder.js';
import { bootstrapMeans, factorOf } from '../src/evaluate/bootstrap.js';
import { blankOf } from '../src/explain/blank.js';
import { openProtocol } from '../src/features/prepared.js';
import { decodeFaces } from '../src/learn/face-images.js';
import { posteriorOf, restricted } from '../src/recognizer/labels.js';
import { nodeDecoder } from '../src/recognizer/node/images.js';
import { createRecognizer } from '../src/recognizer/recognize.js';
import type { Completeness, Explanation, Item } from '../src/recognizer/types.js';

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
    part: { type: 'string', default: 'both' },
  },
});
const data = process.env['MIEN_DATA'];
if (data === undefined) throw new Error('MIEN_DATA must name the folder with isear, fer2013 and rafdb.');
const [split, most, seed] = [values.split as Split, Number(values.items), Number(values.seed)];
const folder = positionals[0] ?? join(import.meta.dirname, '../models/lite');
const read = () => readBundle(folder);
const { manifest, files } = await read();
const bundle = await openBundle(manifest, files, { spinning: false });
const recognizer = createRecognizer({
  ...{ bundle, read, decode: nodeDecoder(), session: { spinning: false } },
  faces: { find: async () => [], crop: (image) => image, dispose: async () => undefined },
});
const dir = await mkdtemp(join(tmpdir(), 'mien-explanation-'));
const { protocol } = await openProtocol({
  ...{ data, dir: process.env['MIEN_FEATURES'] ?? dir, split: 'clean', skipInvalid: false },
  progress: silentProgress,
});
await rm(dir, { recursive: true, force: true });
const draw = randomStream(seed, 'explanation');
const sample = <T>(all: readonly T[]): T[] =>
  Array.from(draw.permutation(all.length).slice(0, most), (i) => all[i]!);

interface Explained {
  readonly explanation: Explanation;
  readonly seconds: number;
}

async function explain(item: Item): Promise<Explained> {
  const start = performance.now();
  const explanation = await recognizer.explain(item, { faces: 'cropped' });
  if (explanation.error) throw new Error(explanation.error.message);
  return { explanation, seconds: (performance.now() - start) / 1000 };
}

/** Largest first. */
const descending = (scores: readonly number[]): number[] =>
  scores.map((_, i) => i).sort((a, b) => scores[b]! - scores[a]!);
const mean = (all: readonly number[]): number => all.reduce((a, b) => a + b, 0) / all.length;
const sorted = (all: ArrayLike<number>): number[] => Array.from(all).sort((a, b) => a - b);
const quantile = (all: ArrayLike<number>, share: number): number =>
  sorted(all)[Math.min(all.length - 1, Math.floor(share * all.length))]!;

/** Areas under an item's curves by order: what is left when units go, and when they alone are there. */
type Areas = Readonly<Record<string, { readonly deletion: number; readonly insertion: number }>>;

/**
 * Areas under the curves of the label's probability. `probabilities` gives it for sets of units that are there.
 */
async function areasOf(
  orders: Readonly<Record<string, readonly (readonly number[])[]>>,
  units: number,
  probabilities: (sets: readonly ReadonlySet<number>[]) => Promise<readonly number[]>,
): Promise<Areas> {
  const flat = Object.entries(orders).flatMap(([name, some]) => some.map((order) => ({ name, order })));
  const counts = LEVELS.map((level) => Math.round(level * units));
  const sets = flat.flatMap(({ order }) => [
    ...counts.map((count) => new Set(order.slice(count))),
    ...counts.map((count) => new Set(order.slice(0, count))),
  ]);
  const found = await probabilities(sets);
  const areas: Record<string, { deletion: number; insertion: number }> = {};
  flat.forEach(({ name }, i) => {
    const own = found.slice(2 * i * LEVELS.length, 2 * (i + 1) * LEVELS.length);
    const share = 1 / orders[name]!.length;
    areas[name] ??= { deletion: 0, insertion: 0 };
    areas[name].deletion += share * mean(own.slice(0, LEVELS.length));
    areas[name].insertion += share * mean(own.slice(LEVELS.length));
  });
  return areas;
}

const randomOrders = (units: number): number[][] =>
  Array.from({ length: ORDERS }, () => [...draw.permutation(units)]);

/** Prints mean areas, and how far attributions do better than each other order, with 95% bootstrap intervals over items. */
function report(title: string, items: readonly Areas[]): void {
  console.log(`\n${title}, ${split}, ${items.length} items`);
  for (const name of Object.keys(items[0]!)) {
    const of = (kind: 'deletion' | 'insertion'): number[] => items.map((areas) => areas[name]![kind]);
    console.log(
      `  ${name}: deletion ${mean(of('deletion')).toFixed(3)}, insertion ${mean(of('insertion')).toFixed(3)}`,
    );
    if (name === 'attributions') continue;
    for (const [kind, sign] of [
      ['deletion', 1],
      ['insertion', -1],
    ] as const) {
      const gains = items.map((areas) => sign * (areas[name]![kind] - areas['attributions']![kind]));
      const [means] = bootstrapMeans([gains], [factorOf(items.keys())], { seed });
      const [low, high] = [quantile(means!, 0.025), quantile(means!, 0.975)];
      console.log(
        `    attributions better by ${mean(gains).toFixed(3)} (${low.toFixed(3)} to ${high.toFixed(3)}) in ${kind}`,
      );
    }
  }
}

function reportSums(all: readonly Explained[], part: 'text' | 'face'): void {
  const parts = all.map(({ explanation }) => explanation[part] as Completeness);
  const gaps = parts.map(({ from, to, residual }) => Math.abs(residual / (to - from)));
  const off = all.map(({ explanation }, i) => Math.abs(parts[i]!.to - explanation.logOdds));
  console.log(
    `  completeness: median gap ${(100 * quantile(gaps, 0.5)).toFixed(2)} %, largest ${(100 * Math.max(...gaps)).toFixed(2)} %, ` +
      `above 1 % in ${gaps.filter((gap) => gap > 0.01).length}; log-odds from the answer's: median ${quantile(off, 0.5).toFixed(3)}, largest ${Math.max(...off).toFixed(3)}`,
  );
  console.log(
    `  seconds: median ${quantile(
      all.map(({ seconds }) => seconds),
      0.5,
    ).toFixed(2)}`,
  );
}

if (manifest.text && values.part !== 'face') {
  const known: readonly string[] = SHARED_LABELS;
  const texts = sample(protocol.texts.filter((one) => one.split === split && known.includes(one.label)));
  const areas: Areas[] = [];
  const all: Explained[] = [];
  for (const { text } of texts) {
    const explained = await explain({ text });
    const { label, text: found, result } = explained.explanation;
    const { words } = found!;
    if (words.length < 2) continue;
    all.push(explained);
    const probabilities = async (sets: readonly ReadonlySet<number>[]): Promise<number[]> => {
      const left = sets.map((set) => words.flatMap(({ word }, i) => (set.has(i) ? [word] : [])).join(' '));
      const { logits } = await bundle.texts(left);
      return left.map((_, row) => {
        const posterior = posteriorOf(manifest.text!, logits.data, row).probabilities;
        return restricted(posterior, Object.keys(result.probabilities))[label]!;
      });
    };
    const orders = {
      attributions: [descending(words.map(({ attribution }) => attribution))],
      random: randomOrders(words.length),
    };
    areas.push(await areasOf(orders, words.length, probabilities));
  }
  report('ISEAR, words', areas);
  reportSums(all, 'text');
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

for (const dataset of manifest.face && values.part !== 'text' ? (['rafdb', 'fer2013'] as const) : []) {
  const faces = sample(protocol.faces.filter((one) => one.split === split && one.item.dataset === dataset));
  if (faces.length === 0) continue;
  const images = await decodeFaces(faces.map(({ item }) => item));
  const all: Explained[] = [];
  const areas: Record<string, Areas[]> = { 'out of focus': [], 'of the mean colour': [] };
  for (const image of images) {
    const explained = await explain({ image });
    all.push(explained);
    const { label, face } = explained.explanation;
    const { rows, columns, cells } = face!;
    const middle = cells.map((_, i) => {
      const [x, y] = [(i % columns) - (columns - 1) / 2, Math.floor(i / columns) - (rows - 1) / 2];
      return -(x * x + y * y);
    });
    const orders = {
      ...{ attributions: [descending(cells)], random: randomOrders(cells.length) },
      'from the middle': [descending(middle)],
    };
    for (const [fill, other] of [
      ['out of focus', blankOf(image)],
      ['of the mean colour', plain(image)],
    ] as const) {
      const probabilities = async (sets: readonly ReadonlySet<number>[]): Promise<number[]> => {
        const { logits } = await bundle.faces(sets.map((set) => mixed(image, other, rows, columns, set)));
        return sets.map((_, row) => posteriorOf(manifest.face!, logits.data, row).probabilities[label]!);
      };
      areas[fill]!.push(await areasOf(orders, cells.length, probabilities));
    }
  }
  for (const [fill, some] of Object.entries(areas)) report(`${dataset}, cells gone ${fill}`, some);
  reportSums(all, 'face');
}
await recognizer.dispose();
