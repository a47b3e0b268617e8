// `mien predict` and `mien evaluate`: all inputs and outputs, order of rows, interrupted and repeated runs, wrong usage.
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parse } from 'csv-parse/sync';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openPredictions } from '../../src/recognizer/node/predictions.js';
import { faceOf, writeLegible } from '../../../../test/support/bundle.js';
import { runMien, startMien, type Ended } from '../../../../test/support/mien.js';

let root: string;
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'mien-predict-'));
  await writeLegible(join(root, 'bundle'));
  await mkdir(join(root, 'faces', 'more'), { recursive: true });
  for (const [name, label] of [
    ['a.png', 'joy'],
    ['more/b.png', 'fear'],
  ] as const) {
    const { width, height, data } = faceOf(label);
    await sharp(Buffer.from(data), { raw: { width, height, channels: 3 } })
      .png()
      .toFile(join(root, 'faces', name));
  }
  await writeFile(join(root, 'faces', 'broken.jpg'), 'no image');
  await writeFile(join(root, 'faces', 'notes.txt'), 'no image either');
});
afterAll(() => rm(root, { recursive: true }));

const common = () => ['--bundle', join(root, 'bundle'), '--cropped', '--threads', '1'];
const predict = (args: readonly string[], stdin = ''): Promise<Ended> =>
  runMien(['predict', ...common(), ...args], { stdin });
const lines = (text: string): Record<string, unknown>[] =>
  text
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, unknown>);

test('prints a sentence with a face for people and for programs', async () => {
  const args = ['--text', 'joy', '--image', join(root, 'faces', 'a.png')];
  const printed = await predict(args);
  expect(printed).toMatchObject({ code: 0 });
  expect(printed.stdout).toMatch(/^joy 1\.00 \(from text and face; the face’s share in the fusion is \.12;/);
  expect(printed.stdout).toMatch(/label +answer +text alone +face alone/);
  const { stdout } = await predict([...args, '--json']);
  expect(lines(stdout)).toMatchObject([{ label: 'joy', from: 'both', face: { place: null } }]);
});

test('reads a folder of images, with errors of broken ones in order', async () => {
  const { stdout, code } = await predict(['--image', join(root, 'faces'), '--format', 'csv']);
  expect(code).toBe(0);
  const rows = parse(stdout, { columns: true }) as Record<string, string>[];
  expect(rows.map(({ label, error }) => label || error)).toEqual(['joy', 'undecodable-image', 'fear']);
  expect(Number(rows[0]!['p_joy'])).toBeGreaterThan(0.9);
});

test('says how to raise the limit for an image with too many pixels', async () => {
  const args = ['--image', join(root, 'faces', 'a.png'), '--json', '--max-pixels'];
  const [rejected, read] = await Promise.all([predict([...args, '0.002']), predict([...args, '0.003'])]);
  expect(lines(rejected.stdout)).toMatchObject([{ error: { code: 'undecodable-image' } }]);
  expect(rejected.stdout).toMatch(/has 48 × 48 pixels .*limit of 0\.002 megapixels.*--max-pixels 1\)/);
  expect(lines(read.stdout)).toMatchObject([{ label: 'joy' }]);
});

test('reads lines of standard input, texts or JSON', async () => {
  expect(lines((await predict(['--input', '-', '--format', 'jsonl'], 'joy\n\nfear\n')).stdout)).toMatchObject(
    [
      { id: '1', label: 'joy' },
      { id: '3', label: 'fear' },
    ],
  );
  const json = [
    { id: 'x', text: 'anger' },
    { text: 'joy', image: 'file://host/x.png' },
    { text: 'joy', image: 'file:///pictures/100%.jpg' },
    { text: 'joy', image: '/9j/4AAQ'.repeat(10_000) },
    { text: 'joy', image: join(root, 'faces', 'a.png') },
  ];
  const { stdout, stderr } = await predict(
    ['--input', '-', '--json'],
    json.map((item) => `${JSON.stringify(item)}\n`).join(''),
  );
  expect(lines(stdout)).toMatchObject([
    { id: 'x', label: 'anger', from: 'text' },
    // Invalid items are reported in their own line, and do not end the run.
    ...['2', '3', '4'].map((id) => ({ id, error: { code: 'undecodable-image' } })),
    { id: '5', label: 'joy', from: 'both' },
  ]);
  expect(stdout.length).toBeLessThan(10_000);
  expect(stderr).not.toContain('bug');
});

describe('a table', () => {
  const table = (rows: number): string =>
    `name,says,picture\n${Array.from({ length: rows }, (_, i) => `"r ""${i}""\n",${i % 2 ? 'joy' : 'fear😱'},${i === 3 ? 'faces/a.png' : ''}\n`).join('')}`;
  const columns = ['--text-column', 'says', '--image-column', 'picture', '--id-column', 'name'];

  test('gives one row per row, from the selected columns', async () => {
    await writeFile(join(root, 'in.csv'), table(70));
    const out = join(root, 'out.csv');
    const { code, stderr } = await predict(['--input', join(root, 'in.csv'), ...columns, '--out', out]);
    expect(stderr).toContain('70 rows');
    expect(code).toBe(0);
    const rows = parse(await readFile(out, 'utf8'), { columns: true }) as Record<string, string>[];
    expect(rows.map(({ id }) => id)).toEqual(Array.from({ length: 70 }, (_, i) => `r "${i}"\n`));
    expect(rows.map(({ label }) => label)).toEqual(
      Array.from({ length: 70 }, (_, i) => (i % 2 ? 'joy' : 'fear')),
    );
    expect(rows[3]!['from']).toBe('both');
    expect(rows.slice(0, 2).map(({ read }) => Number(read))).toEqual([0.8, 1]);
    // An existing file is not overwritten unless requested.
    const again = await predict(['--input', join(root, 'in.csv'), ...columns, '--out', out]);
    expect(again).toMatchObject({ code: 1, stderr: expect.stringContaining('--overwrite') as string });
    expect(
      (await predict(['--input', join(root, 'in.csv'), ...columns, '--out', out, '--overwrite'])).code,
    ).toBe(0);
  });

  test('gives the same bytes when an interrupted run of several processes is resumed by one', async () => {
    await writeFile(join(root, 'in2.csv'), table(400));
    const [whole, part] = [join(root, 'whole.jsonl'), join(root, 'resumed.jsonl')];
    const args = ['--input', join(root, 'in2.csv'), ...columns];
    await predict([...args, '--out', whole]);
    const { child, ended } = startMien(['predict', ...common(), ...args, '--processes', '2', '--out', part]);
    // Killed as soon as some rows are committed.
    for (;;) {
      const note = await readFile(`${part}.part.json`, 'utf8').catch(() => '{"rows":0}');
      if ((JSON.parse(note) as { rows: number }).rows > 0 || child.exitCode !== null) break;
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    child.kill('SIGKILL');
    await ended;
    expect((await predict([...args, '--out', part])).code).toBe(0);
    expect(await readFile(part, 'utf8')).toBe(await readFile(whole, 'utf8'));
  });
});

describe('--explain', () => {
  const face = (name: string) => ['--image', join(root, 'faces', name)];

  test('prints a table of words and modalities', async () => {
    const { stdout, code } = await predict([
      '--text',
      'sadness, the day',
      ...face('more/b.png'),
      '--explain',
    ]);
    expect(code).toBe(0);
    expect(stdout).toMatch(/why fear +log-odds/);
    expect(stdout).toMatch(/text \(\.\d+ of the effect\) +−\d/);
    expect(stdout).toMatch(/face \(\.\d+ of the effect\) +\+\d/);
    expect(stdout).toMatch(/\nsadness +−\d+\.\d+\n/);
    expect(stdout).toMatch(/\nday +[+−]\.00\n/);
    const weighted = await predict(['--text', 'the day', '--explain', '--prior', 'joy=9']);
    // The words are no evidence, and the prior alone makes it joy: 9 against the four other shared labels.
    expect(weighted.stdout).toMatch(/\njoy +\.69/);
    expect(weighted.stdout).toMatch(/\nday +[+−]\.00\n/);
    const many = await predict(['--input', '-', '--explain'], 'the joy\n…\nfear\n😡\n');
    expect(many.stdout).toMatch(/main reasons/);
    expect(many.stdout).toMatch(/\n1 +joy .*“joy” \+\d/);
    expect(many.stdout).toMatch(/\n2 +– +– +– +– +the text has no words/);
    expect(many.stdout).toMatch(/\n4 +– +– +– +– +the text cannot be read: the model does not know\s+😡/);
  });

  test('adds a field to JSONL and writes a heat map per face to a folder', async () => {
    const maps = join(root, 'maps');
    const out = join(root, 'explained.jsonl');
    const args = ['--image', join(root, 'faces'), '--out', out, '--explain', maps];
    expect(await predict(args)).toMatchObject({ code: 0 });
    const [joy, broken, fear] = lines(await readFile(out, 'utf8'));
    expect(joy).toMatchObject({
      label: 'joy',
      from: 'face',
      explanation: { label: 'joy', face: { rows: expect.any(Number) as number }, heatMap: '1-a.png' },
    });
    expect(joy!['explanation']).not.toHaveProperty('result');
    expect(broken).not.toHaveProperty('explanation');
    expect(fear).toMatchObject({ explanation: { label: 'fear', heatMap: '3-b.png' } });
    const { format, width, height, hasAlpha } = await sharp(join(maps, '3-b.png')).metadata();
    expect([format, hasAlpha, width]).toEqual(['png', false, height]);
  });
});

test('reports wrong usage with a hint', async () => {
  await writeFile(join(root, 'wrong.csv'), 'txt\njoy\n');
  const cases: [string[], RegExp, number][] = [
    [[], /--text TEXT, --image FILE/, 2],
    [['--input', join(root, 'wrong.csv')], /no column "text".*\nName them; the columns are txt/s, 2],
    [['--input', join(root, 'wrong.csv'), '--text-column', 'tx'], /no column "tx"[\s\S]*"txt"/, 2],
    [['--input', join(root, 'none.csv')], /none\.csv: cannot read: no such file/, 1],
    [['--input', join(root, 'faces')], /faces: is a folder without tables\n.*--image/, 1],
    [['--image', join(root, 'none.jpg')], /^mien: .*none\.jpg: cannot read: no such file/m, 1],
    [['--text', '…'], /^mien: the text has no words$/m, 1],
    [['--text', 'joy', '--input', 'x.csv'], /--input cannot be combined/, 2],
    [['--text', 'joy', '--out', join(root, 'x.txt')], /neither in \.csv nor in \.jsonl/, 2],
    [['--text', 'joy', '--explain', '--format', 'csv'], /CSV cannot contain explanations[\s\S]*jsonl/, 2],
    [['--text', 'joy', '--max-pixels', '-1'], /-1 is not a number of megapixels above zero/, 2],
    [['--text', 'joy', '--bundle', join(root, 'nothing')], /manifest\.json/, 1],
  ];
  const ended = await Promise.all(cases.map(([args]) => predict(args)));
  ended.forEach(({ code, stdout, stderr }, i) => {
    expect(stderr).toMatch(cases[i]![1]);
    expect(stdout).toBe('');
    expect(code).toBe(cases[i]![2]);
  });
});

test('a predictions file is truncated to its last committed row, and rejects another run', async () => {
  const path = join(root, 'grown.csv');
  const options = { fingerprint: 'a', header: 'h\n' };
  const first = await openPredictions(path, options);
  await first.append('one\n', 1);
  await first.close();
  await writeFile(`${path}.part`, 'h\none\nhalf a li');
  await expect(openPredictions(path, { ...options, fingerprint: 'b' })).rejects.toMatchObject({
    code: 'checkpoint',
  });
  const second = await openPredictions(path, options);
  expect(second.done).toBe(1);
  await second.append('two\n', 1);
  await second.finish();
  expect(await readFile(path, 'utf8')).toBe('h\none\ntwo\n');
});

describe('mien evaluate', () => {
  const evaluate = (args: readonly string[]): Promise<Ended> =>
    runMien(['evaluate', '--bundle', join(root, 'bundle'), '--cropped', ...args]);

  test('evaluates answers and modalities on a table, with mapped labels and groups', async () => {
    const table = join(root, 'labelled.csv');
    const rows = [
      ['joy', 'faces/a.png', 'happy', 'x'],
      ['fear', 'faces/more/b.png', 'afraid', 'y'],
      ['joy', '', 'afraid', 'y'],
      ['', 'faces/broken.jpg', 'happy', 'x'],
      ['the', '', 'bored', 'x'],
    ];
    await writeFile(table, `text,image,mood,who\n${rows.map((row) => row.join(',')).join('\n')}\n`);
    await writeFile(join(root, 'map.yaml'), 'happy: joy\nafraid: fear\nbored: null\n');
    const args = ['--data', table, '--label', 'mood', '--group', 'who', '--mapping', join(root, 'map.yaml')];
    const { stdout, code } = await evaluate([...args, '--json']);
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({
      items: 4,
      ignored: 1,
      failures: { 'undecodable-image': 1 },
      rows: [
        { name: 'answer', n: 3, accuracy: { mean: 2 / 3 } },
        { name: 'text alone', n: 3 },
        { name: 'face alone', n: 2, accuracy: { mean: 1 } },
      ],
      groups: [
        { group: 'x', n: 1 },
        { group: 'y', n: 2, accuracy: { mean: 0.5 } },
      ],
    });
    expect((await evaluate(args)).stdout).toMatch(
      /4 items, not recognised: 1 undecodable-image, excluded: 1/,
    );
    const foreign = await evaluate(['--data', table, '--label', 'mood']);
    expect(foreign).toMatchObject({ code: 1, stderr: expect.stringContaining('mapping file') as string });
  });

  test('evaluates separately labelled texts and images in groups, agreeing and contradicting', async () => {
    const table = join(root, 'aligned.csv');
    const rows = [
      ['joy', 'faces/a.png', 'positive', 'positive'],
      ['fear', 'faces/more/b.png', 'negative', 'positive'],
      ['joy', 'faces/a.png', 'neutral', 'positive'],
      ['joy', '', 'positive', 'positive'],
    ];
    await writeFile(table, `text,image,words,picture\n${rows.map((row) => row.join(',')).join('\n')}\n`);
    await writeFile(
      join(root, 'polarity.yaml'),
      [
        'joy: positive',
        ...['anger', 'disgust', 'fear', 'guilt', 'sadness', 'shame'].map((label) => `${label}: negative`),
        ...['neutral', 'surprise'].map((label) => `${label}: null`),
      ].join('\n'),
    );
    await writeFile(join(root, 'polar.yaml'), 'neutral: null\n');
    const both = ['--data', table, '--text-label', 'words', '--image-label', 'picture'];
    const grouped = [
      ...both,
      '--mapping',
      join(root, 'polar.yaml'),
      '--collapse',
      join(root, 'polarity.yaml'),
    ];
    const [{ stdout, stderr, code }, half, mixed] = await Promise.all([
      evaluate([...grouped, '--json']),
      evaluate(['--data', table, '--text-label', 'words']),
      evaluate([...both, '--label', 'words']),
    ]);
    expect(stderr).not.toContain('error');
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({
      groups: ['negative', 'positive'],
      items: 3,
      ignored: 1,
      oneSided: 1,
      failures: {},
      agreeing: { n: 1, rows: [{ name: 'answer' }, { name: 'product' }, {}, { name: 'face alone' }] },
      contradicting: { n: 1 },
      all: { n: 2 },
    });
    expect(half).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('must be used together') as string,
    });
    expect(mixed).toMatchObject({ code: 2, stderr: expect.stringContaining('--label cannot be') as string });
  });

  test('reports the row without a label', async () => {
    const table = join(root, 'unlabelled.csv');
    await writeFile(table, 'text,label\njoy,joy\nfear,\n');
    const { code, stderr } = await evaluate(['--data', table]);
    expect(code).toBe(1);
    expect(stderr).toContain('unlabelled.csv, row 3, label: has no label');
  });
});
