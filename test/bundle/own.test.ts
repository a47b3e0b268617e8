// `mien train` on a drawn set: the label is a word of the text and a shape in the picture together, so that only the
// fused model can know it; the bundle it leaves loads, computes, and is refused when a file is not its own.
import { copyFile, cp, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { randomStream } from '../../src/base/random.js';
import { readBundle } from '../../src/bundle/folder.js';
import { openBundle } from '../../src/bundle/open.js';
import { decodeImage } from '../../src/encoders/images.js';
import type { ResultRow } from '../../src/experiment/results.js';
import type { LearnedRecord } from '../../src/learn/record.js';
import { startMien, type Ended } from '../support/mien.js';
import {
  bertFiles,
  bertTinyConfig,
  efficientNetB3Config,
  efficientNetFiles,
  writeFiles,
} from '../support/pretrained.js';

const ROWS = 240;
const WORDS = { glad: ['bright', 'sunny', 'warm'], sad: ['dark', 'rainy', 'cold'] } as const;
const profile = {
  text: { id: 'made/up-text', pooling: 'mean', maxTokens: 32 },
  face: { id: 'made/up-face', imageSize: 48 },
};

let root: string;
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'mien-own-'));
  const words = ['the', 'day', 'was', 'very', 'and', ...Object.values(WORDS).flat()];
  await writeFiles(join(root, 'weights', 'up-text'), bertFiles(bertTinyConfig, words));
  const config = { ...efficientNetB3Config, architecture: 'tf_efficientnetv2_b0' };
  await writeFiles(join(root, 'weights', 'up-face'), efficientNetFiles(config));
  await writeFile(join(root, 'profile.json'), JSON.stringify(profile));
  await writeTable();
});
afterAll(() => rm(root, { recursive: true }));

async function writeTable(): Promise<void> {
  const draw = randomStream(0, 'own');
  await mkdir(join(root, 'pictures'));
  const lines = ['words,picture,mood,person'];
  for (let i = 0; i < ROWS; i++) {
    const tone = draw.integer(2) === 0 ? 'glad' : 'sad';
    const shape = draw.integer(2) === 0 ? 'wide' : 'tall';
    const [x, y] = [22 + draw.integer(5), 22 + draw.integer(5)];
    const [rx, ry] = shape === 'wide' ? [20, 8] : [8, 20];
    const eyes = `<circle cx="${x - 4}" cy="${y - 3}" r="1"/><circle cx="${x + 4}" cy="${y - 3}" r="1"/>`;
    const face = `<ellipse cx="${x}" cy="${y}" rx="${rx}" ry="${ry}" fill="white"/>${eyes}`;
    const svg = `<svg xmlns="http://www.w3.org/2000/svg" width="48" height="48"><rect width="48" height="48"/>${face}</svg>`;
    await sharp(Buffer.from(svg))
      .png()
      .toFile(join(root, 'pictures', `${i}.png`));
    const words = Array.from({ length: 4 }, () => WORDS[tone][draw.integer(3)]!);
    const text = `The day was very ${words.join(' and ')}`;
    lines.push(`"${text}",pictures/${i}.png,${tone} ${shape},p${i % 60}`);
  }
  await writeFile(join(root, 'own.csv'), `${lines.join('\n')}\n`);
}

const mienTrain = (args: readonly string[]): Promise<Ended> => {
  const common = ['--profile', join(root, 'profile.json'), '--weights', join(root, 'weights'), '--json'];
  return startMien(['train', ...common, ...args]).ended;
};

const quick = [
  ...['seeds=2', 'batchSize=8', 'head.width=64', 'head.lstm=32'],
  ...['optimizer.learningRate=1e-3', 'epochs.max=30', 'epochs.patience=30'],
];
const columns = [
  '--head',
  'concatenation',
  '--text',
  'words',
  '--image',
  'picture',
  '--label',
  'mood',
  '--group',
  'person',
];

test('the fused model knows what neither modality can, and its bundle holds together', async () => {
  const out = join(root, 'out');
  const ended = await mienTrain([
    ...['--data', join(root, 'own.csv'), '--out', out, ...columns],
    ...quick.flatMap((one) => ['--set', one]),
  ]);
  expect(ended).toMatchObject({ code: 0 });
  const { rows } = JSON.parse(ended.stdout) as { rows: ResultRow[] };
  const accuracy = (model: string): number => rows.find((row) => row.model === model)!.accuracy.mean;
  // Half of what there is to know is in the other modality.
  expect(accuracy('text')).toBeLessThan(0.75);
  expect(accuracy('face')).toBeLessThan(0.75);
  for (const model of ['concatenation', 'product']) expect(accuracy(model), model).toBeGreaterThan(0.9);
  expect(accuracy('gated')).toBeGreaterThan(Math.max(accuracy('text'), accuracy('face')) + 0.1);

  const folder = join(out, 'bundle');
  const { manifest, files } = await readBundle(folder);
  expect(manifest.fusion!.labels).toEqual(['glad tall', 'glad wide', 'sad tall', 'sad wide']);
  const bundle = await openBundle(manifest, files, { threads: 1 });
  const texts = await bundle.texts([
    'The day was very sunny and warm and warm and bright',
    'The day was very dark and cold and cold and rainy',
  ]);
  const image = await decodeImage(join(root, 'pictures', '0.png'));
  const faces = await bundle.faces([image, image]);
  const { logits } = await bundle.fuse(texts.embedding, faces.embedding);
  await bundle.dispose();
  expect(logits.shape).toEqual([2, 4]);
  const shapeOfFirst = (await readFile(join(root, 'own.csv'), 'utf8'))
    .split('\n')[1]!
    .split(',')[2]!
    .split(' ')[1];
  const top = [0, 1].map((row) => {
    const own = [...logits.data.subarray(4 * row, 4 * row + 4)];
    return manifest.fusion!.labels[own.indexOf(Math.max(...own))];
  });
  expect(top).toEqual([`glad ${shapeOfFirst}`, `sad ${shapeOfFirst}`]);
  const card = await readFile(join(folder, 'README.md'), 'utf8');
  expect(card).toContain('| concatenation |');

  // Run again, everything is there already: the same bundle.
  const again = await mienTrain([
    ...['--data', join(root, 'own.csv'), '--out', out, ...columns],
    ...quick.flatMap((one) => ['--set', one]),
  ]);
  expect(JSON.parse(again.stdout)).toEqual(JSON.parse(ended.stdout));

  const broken = async (change: (folder: string) => Promise<unknown>): Promise<unknown> => {
    const copy = join(root, 'broken');
    await rm(copy, { recursive: true, force: true });
    await cp(folder, copy, { recursive: true });
    await change(copy);
    return readBundle(copy).catch((cause: unknown) => cause);
  };
  expect(await broken((copy) => rm(join(copy, 'face.onnx')))).toMatchObject({
    ...{ code: 'bundle', message: expect.stringContaining('face.onnx') as string },
  });
  expect(
    await broken(async (copy) => {
      const path = join(copy, 'text.onnx');
      const bytes = await readFile(path);
      bytes[bytes.length >> 1]! ^= 1;
      await writeFile(path, bytes);
    }),
  ).toMatchObject({ code: 'bundle', message: expect.stringContaining('text.onnx') as string });
  expect(await broken((copy) => copyFile(join(copy, 'face.onnx'), join(copy, 'extra.onnx')))).toMatchObject({
    ...{ code: 'bundle', message: expect.stringContaining('extra.onnx') as string },
  });
}, 120_000);

test('with --learn the bundle holds encoders that were trained on the table', async () => {
  const out = join(root, 'learned');
  const config = join(root, 'text-learn.json');
  await writeFile(config, JSON.stringify({ epochs: 3, batchSize: 16, maxTokens: 32, averageDecay: 0 }));
  const ended = await mienTrain([
    ...['--data', join(root, 'own.csv'), '--out', out, '--text', 'words', '--label', 'mood'],
    ...['--learn', '--text-config', config, ...quick.flatMap((one) => ['--set', one])],
  ]);
  expect(ended).toMatchObject({ code: 0 });
  const { manifest, files } = await readBundle(join(out, 'bundle'));
  expect(manifest).not.toHaveProperty('face');
  expect(manifest.text!.maxTokens).toBe(32);
  const record = JSON.parse(
    await readFile(join(out, 'work', 'text-encoder', 'learned.json'), 'utf8'),
  ) as LearnedRecord;
  expect(record).toMatchObject({ kind: 'text', pooling: 'mean', labels: manifest.text!.labels });
  expect(record.epochs).toHaveLength(3);
  // The words say the first half of a label, which is all that texts can know.
  const bundle = await openBundle(manifest, files, { threads: 1 });
  const { logits } = await bundle.texts([
    'The day was very sunny and warm',
    'The day was very dark and cold',
  ]);
  await bundle.dispose();
  const tones = [0, 1].map((row) => {
    const own = [...logits.data.subarray(4 * row, 4 * row + 4)];
    return manifest.text!.labels[own.indexOf(Math.max(...own))]!.split(' ')[0];
  });
  expect(tones).toEqual(['glad', 'sad']);
}, 120_000);

test.each([
  [['--text', 'word', '--label', 'mood'], 2, 'Did you mean "words"?'],
  [['--label', 'mood'], 2, '--text COLUMN'],
])('%j is refused', async (args, code, message) => {
  const ended = await mienTrain(['--data', join(root, 'own.csv'), '--out', join(root, 'refused'), ...args]);
  expect(ended).toMatchObject({ code, stdout: '' });
  expect(ended.stderr).toContain(message);
});

test('rows that cannot be used are named, or passed over', async () => {
  const file = join(root, 'faulty.jsonl');
  const rows = [
    { words: 'fine', mood: 'a' },
    { words: 'fine too', mood: 'b' },
    { words: '', mood: 'b' },
    { words: 'no label' },
  ];
  await writeFile(file, rows.map((row) => `${JSON.stringify(row)}\n`).join(''));
  const { readTable } = await import('../../src/data/table.js');
  const options = { text: 'words', label: 'mood' };
  await expect(readTable(file, options)).rejects.toMatchObject({ code: 'data', place: { row: 3 } });
  const { rows: kept, skipped, labels } = await readTable(file, { ...options, skipInvalid: true });
  expect(kept.map(({ text }) => text)).toEqual(['fine', 'fine too']);
  expect(skipped.map(({ row }) => row)).toEqual([3, 4]);
  expect(labels).toEqual(['a', 'b']);
  await writeFile(file, '{"words": "cut');
  await expect(readTable(file, options)).rejects.toMatchObject({ code: 'data', place: { row: 1 } });
});
