// `mien train` on a drawn set: the label is a word of the text and a shape in the picture together, so that only the
// fused model can know it; the bundle it leaves loads, computes, and is refused when a file is not its own.
import { copyFile, cp, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openBundle, readBundle } from 'mien/parts/bundle';
import { decodeImage } from 'mien/parts/encoders';
import { readTable } from '../../src/data/table.js';
import { readableTable } from '../../src/experiments/readable-table.js';
import type { ResultRow } from '../../src/experiments/results.js';
import { ownFolder, quick, trainOwn } from '../../../../test/support/own-table.js';

let root: string;
beforeAll(async () => {
  root = await ownFolder();
});
afterAll(() => rm(root, { recursive: true }));

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

test('the fused model learns what neither modality can, and its bundle is consistent', async () => {
  const out = join(root, 'out');
  const ended = await trainOwn(root, ['--out', out, ...columns, ...quick]);
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
  const { answer } = await bundle.decision.run({ text: texts, face: faces }, ['answer']);
  await bundle.dispose();
  expect(answer.shape).toEqual([2, 4]);
  const shapeOfFirst = (await readFile(join(root, 'own.csv'), 'utf8'))
    .split('\n')[1]!
    .split(',')[2]!
    .split(' ')[1];
  const top = [0, 1].map((row) => {
    const own = [...answer.data.subarray(4 * row, 4 * row + 4)];
    return manifest.fusion!.labels[own.indexOf(Math.max(...own))];
  });
  expect(top).toEqual([`glad ${shapeOfFirst}`, `sad ${shapeOfFirst}`]);
  const card = await readFile(join(folder, 'README.md'), 'utf8');
  expect(card).toContain('| concatenation |');

  // Run again, everything is there already: the same bundle.
  const again = await trainOwn(root, ['--out', out, ...columns, ...quick]);
  expect(JSON.parse(again.stdout)).toEqual(JSON.parse(ended.stdout));

  const broken = async (change: (folder: string) => Promise<unknown>): Promise<unknown> => {
    const copy = join(root, 'broken');
    await rm(copy, { recursive: true, force: true });
    await cp(folder, copy, { recursive: true });
    await change(copy);
    return readBundle(copy).catch((cause: unknown) => cause);
  };
  expect(await broken((copy) => rm(join(copy, 'face.onnx')))).toMatchObject({
    code: 'bundle',
    message: expect.stringContaining('face.onnx') as string,
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
    code: 'bundle',
    message: expect.stringContaining('extra.onnx') as string,
  });
}, 120_000);

test.each([
  [['--text', 'word', '--label', 'mood'], 2, 'Did you mean "words"?'],
  [['--label', 'mood'], 2, '--text COLUMN'],
])('%j is refused', async (args, code, message) => {
  const ended = await trainOwn(root, ['--out', join(root, 'refused'), ...args]);
  expect(ended).toMatchObject({ code, stdout: '' });
  expect(ended.stderr).toContain(message);
});

test('rows whose text the encoder cannot read are reported, or skipped', async () => {
  const file = join(root, 'unread.jsonl');
  const texts = ['The day was warm', '😡😡', 'the day', '오늘'];
  await writeFile(file, texts.map((text, i) => `${JSON.stringify({ text, label: `l${i % 2}` })}\n`).join(''));
  const table = await readTable(file, { text: 'text', label: 'label' });
  const spec = { id: 'made/up-text', revision: 'local', pooling: 'mean', maxTokens: 32 } as const;
  const options = { weights: join(root, 'weights') };
  await expect(readableTable(table, spec, options)).rejects.toMatchObject({
    code: 'data',
    place: { row: 2 },
  });
  const { rows, skipped } = await readableTable(table, spec, { ...options, skipInvalid: true });
  expect(rows.map(({ row }) => row)).toEqual([1, 3]);
  expect(skipped).toMatchObject([
    { row: 2, reason: expect.stringContaining('read nothing') as string },
    { row: 4 },
  ]);
});

test('invalid rows are reported, or skipped', async () => {
  const file = join(root, 'faulty.jsonl');
  const rows = [
    { words: 'fine', mood: 'a' },
    { words: 'fine too', mood: 'b' },
    { words: '', mood: 'b' },
    { words: 'no label' },
  ];
  await writeFile(file, rows.map((row) => `${JSON.stringify(row)}\n`).join(''));
  const options = { text: 'words', label: 'mood' };
  await expect(readTable(file, options)).rejects.toMatchObject({ code: 'data', place: { row: 3 } });
  const { rows: kept, skipped, labels } = await readTable(file, { ...options, skipInvalid: true });
  expect(kept.map(({ text }) => text)).toEqual(['fine', 'fine too']);
  expect(skipped.map(({ row }) => row)).toEqual([3, 4]);
  expect(labels).toEqual(['a', 'b']);
  await writeFile(file, '{"words": "cut');
  await expect(readTable(file, options)).rejects.toMatchObject({ code: 'data', place: { row: 1 } });

  // Read as every other table: marks, separators and names do not matter, cells and bytes of another kind are named.
  await writeFile(file, '\ufeff{"Words":"one\u2028line","mood":1}\r\n{"words":"two","MOOD":true}\r\n');
  expect((await readTable(file, options)).rows).toMatchObject([
    { text: 'one line', label: '1' },
    { text: 'two', label: 'true', row: 2 },
  ]);
  const table = 'Words ;MOOD\nfine;a\ncafé;a\n"nice; really";b\n1;2;3\n';
  const csv = join(root, 'faulty.csv');
  await writeFile(csv, Buffer.from(table, 'latin1'));
  await expect(readTable(csv, options)).rejects.toThrow(/row 3: bytes that are not UTF-8/);
  const latin = await readTable(csv, { ...options, skipInvalid: true });
  expect(latin.rows.map(({ text }) => text)).toEqual(['fine', 'nice; really']);
  expect(latin.skipped.map(({ row }) => row)).toEqual([3, 5]);
  await writeFile(file, '{"words":{"a":1},"mood":"a"}\n');
  await expect(readTable(file, options)).rejects.toThrow(/row 1: words is an object/);
});
