// A recogniser in child processes: the same results as in this process, and a killed child fails only its own calls.
import { readdirSync, readFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { loadRecognizer } from '../../src/recognizer/node/load.js';
import { tagOf } from 'mien-engine/base';
import type { Item, Recognition, Recognizer } from '../../src/recognizer/types.js';
import { faceOf, writeLegible } from '../../../../test/support/bundle.js';
import { hostileAddresses, hostileItems, hostileValues } from '../../../../test/support/hostile.js';

let root: string;
let recognizer: Recognizer;
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'mien-pool-'));
  await writeLegible(join(root, 'bundle'));
  recognizer = await loadRecognizer({ bundle: join(root, 'bundle'), processes: 2, threads: 1 });
});
afterAll(async () => {
  await recognizer.dispose();
  await rm(root, { recursive: true });
});

/** Process ids of the recogniser's children, from /proc: not every system has `ps`. */
const children = (): number[] =>
  readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .filter((pid) => {
      try {
        const parent = Number(readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]!.split(' ')[1]);
        const command = readFileSync(`/proc/${pid}/cmdline`, 'utf8');
        return parent === process.pid && command.includes('recognizer/node/child');
      } catch {
        return false; // It has just ended.
      }
    })
    .map(Number);

test('returns the same results as in this process', async () => {
  const here = await loadRecognizer({ bundle: join(root, 'bundle'), threads: 1 });
  const items = [
    { text: 'joy' },
    { image: faceOf('fear') },
    { text: 'joy', image: faceOf('anger') },
    { text: '' },
    { text: 'joy', image: new File([], '') },
    { text: 'joy', image: new File([], 'face.jpg') },
  ];
  const options = { faces: 'cropped', gate: true } as const;
  expect(await recognizer.recognize(items, options)).toEqual(await here.recognize(items, options));
  expect(recognizer.info).toEqual(here.info);
  await here.dispose();
});

test('lists and streams longer than a batch are divided among the children, in order', async () => {
  const here = await loadRecognizer({ bundle: join(root, 'bundle'), threads: 1 });
  const words = ['joy', 'fear', 'anger', '', 'sadness'];
  const items = Array.from({ length: 150 }, (_, i) => ({ id: `item ${i}`, text: words[i % words.length]! }));
  const expected = await here.recognize(items);
  await here.dispose();
  expect(await recognizer.recognize(items)).toEqual(expected);
  const streamed: unknown[] = [];
  for await (const result of recognizer.stream(items, { batchSize: 7, signal: new AbortController().signal }))
    streamed.push(result);
  expect(streamed).toEqual(expected);
});

test('an image that cannot be sent to a child is an error of its item, as in this process', async () => {
  const here = await loadRecognizer({ bundle: join(root, 'bundle'), threads: 1 });
  const items = [
    { text: 'joy' },
    ...hostileItems(),
    ...[...hostileValues(), ...hostileAddresses()].map((image) => ({ text: 'joy', image })),
    { image: faceOf('fear') },
    { image: { ...faceOf('joy'), data: Array.from(faceOf('joy').data) } },
  ] as Item[];
  const options = { faces: 'cropped' } as const;
  const results = await recognizer.recognize(items, options);
  expect(results).toEqual(await here.recognize(items, options));
  expect([0, -2, -1].map((place) => (results.at(place) as Recognition).label)).toEqual([
    'joy',
    'fear',
    'joy',
  ]);
  // An empty string, and a Blob without a name and without a byte, are no image; what is meant and empty is a warning beside the text.
  const answered = results.slice(1, -2).filter(({ error }) => !error);
  const nothing = answered.filter(({ warnings }) => warnings.every(({ code }) => code !== 'empty-image'));
  const given = [...hostileValues(), ...hostileAddresses()];
  expect(nothing.length).toBe(
    given.filter((one) => one === '' || (tagOf(one) === 'Blob' && (one as Blob).size === 0)).length,
  );
  await here.dispose();
  // Only an option can keep a call from being sent.
  await expect(recognizer.recognize({ text: 'joy' }, { gate: (() => true) as never })).rejects.toMatchObject({
    code: 'usage',
  });
});

test('children return ids, and open no files if these are not allowed', async () => {
  const closed = await loadRecognizer({
    bundle: join(root, 'bundle'),
    processes: 1,
    threads: 1,
    files: false,
  });
  const path = join(import.meta.dirname, '../../../../test/fixtures/astronaut.png');
  const results = await closed.recognize([
    { id: 'path', image: path },
    { id: 'bytes', image: readFileSync(path) },
    { id: 3, text: 'joy' },
  ]);
  expect(results.map(({ id, error }) => [id, error?.code])).toEqual([
    ['path', 'undecodable-image'],
    ['bytes', undefined],
    [3, undefined],
  ]);
  await closed.dispose();
});

test('explanations and their errors are the same as in this process', async () => {
  const here = await loadRecognizer({ bundle: join(root, 'bundle'), threads: 1 });
  const item = { text: 'joy', image: faceOf('anger') };
  const options = { faces: 'cropped', label: 'joy' } as const;
  expect(await recognizer.explain(item, options)).toEqual(await here.explain(item, options));
  expect(await recognizer.explain({ text: '' })).toEqual(await here.recognize({ text: '' }));
  await expect(recognizer.explain(item, { ...options, label: 'no' })).rejects.toMatchObject({
    code: 'usage',
  });
  await here.dispose();
});

test('a killed child is restarted', async () => {
  const before = children();
  expect(before).toHaveLength(2);
  const calls = Array.from({ length: 12 }, () =>
    recognizer.recognize({ text: 'joy' }).then(
      (result) => (result as Recognition).label,
      (error: unknown) => (error as { code: string }).code,
    ),
  );
  for (const pid of before) process.kill(pid, 'SIGKILL');
  const outcomes = new Set(await Promise.all(calls));
  for (const outcome of outcomes) expect(['joy', 'crashed']).toContain(outcome);
  expect(await recognizer.recognize({ text: 'fear' })).toMatchObject({ label: 'fear' });
  for (const pid of children()) expect(before).not.toContain(pid);
});

test('a stream goes on if a child is killed', async () => {
  const items = Array.from({ length: 400 }, (_, i) => ({ id: i, text: i % 2 ? 'joy' : 'fear' }));
  const results: unknown[] = [];
  for await (const result of recognizer.stream(items, { batchSize: 8 })) {
    if (results.push(result) === 8) process.kill(children()[0]!, 'SIGKILL');
  }
  expect(results).toMatchObject(items.map(({ id }) => ({ id, label: id % 2 ? 'joy' : 'fear' })));
});

test('invalid options and bundles have the same errors as in this process', async () => {
  await expect(recognizer.recognize({ text: 'joy' }, { gait: true } as never)).rejects.toThrow(/"gate"/);
  await writeFile(join(root, 'bundle', 'foreign.txt'), 'x');
  const broken = loadRecognizer({ bundle: join(root, 'bundle'), processes: 1 });
  await expect(broken).rejects.toMatchObject({ code: 'bundle' });
  await rm(join(root, 'bundle', 'foreign.txt'));
  await expect(loadRecognizer({ bundle: join(root, 'bundle'), processes: -1 })).rejects.toThrow(
    /processes cannot be -1/,
  );
});
