// The examples for Node do what they say: run as their comments say, over a bundle whose answers are known.
import { spawn, type ChildProcessWithoutNullStreams } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { emotionRoute } from '../../examples/hono.js';
import { loadRecognizer, type Recognizer } from 'mien';
import { builtOf } from '../support/build.js';
import { writeLegible } from '../support/bundle.js';

const root = join(import.meta.dirname, '../..');
const PHOTOGRAPH = join(root, 'test/fixtures/astronaut.png');

let bundle: string;
beforeAll(async () => {
  bundle = await mkdtemp(join(tmpdir(), 'mien-examples-'));
  await writeLegible(bundle);
});
afterAll(() => rm(bundle, { recursive: true }));

const start = (name: string, args: readonly string[] = [], env = {}): ChildProcessWithoutNullStreams =>
  spawn(process.execPath, [join(builtOf('mien'), 'examples', name.replace(/ts$/, 'js')), ...args], {
    cwd: root,
    env: { ...process.env, MIEN_BUNDLE: bundle, ...env },
  });

async function run(name: string, args: readonly string[]) {
  const child = start(name, args);
  child.stdin.end();
  const [stdout, stderr, [code]] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    once(child, 'close'),
  ]);
  return { lines: stdout.trimEnd().split('\n'), stderr, code: code as unknown };
}

describe('node.ts', () => {
  test('says what a sentence and a photograph say, together and each alone', async () => {
    const { lines, stderr, code } = await run('node.ts', ['I felt joy', PHOTOGRAPH]);
    expect(stderr).toBe('');
    expect(code).toBe(0);
    expect(lines[0]).toMatch(/^joy \(\d+ %\), from both$/);
    expect(lines[1]).toBe('the text alone: joy');
    expect(lines[2]).toMatch(/^the face alone: \w+$/);
  });

  test('takes a sentence alone', async () => {
    const { lines, code } = await run('node.ts', ['I felt shame and joy and joy']);
    expect(code).toBe(0);
    expect(lines[0]).toMatch(/^joy \(\d+ %\), from text$/);
    expect(lines[1]).toBe('the text alone: joy');
  });

  test('takes a photograph alone, and says what is wrong with one', async () => {
    const [photograph, missing] = await Promise.all([
      run('node.ts', ['', PHOTOGRAPH]),
      run('node.ts', ['', 'missing.jpg']),
    ]);
    expect(photograph.code).toBe(0);
    expect(photograph.lines[0]).toMatch(/^\w+ \(\d+ %\), from face$/);
    expect(photograph.lines.join()).not.toMatch(/the text alone|note/);
    expect(missing.code).toBe(1);
    expect(missing.stderr).toMatch(/missing\.jpg/);
  });
});

describe('stream.ts', () => {
  test('answers line by line, in order, before the input ends', async () => {
    const child = start('stream.ts');
    const answers = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
    child.stdin.write('joy\n');
    expect(await answers.next()).toEqual({ value: 'joy', done: false });
    child.stdin.end('fear\n\nnothing of anger\n');
    const rest: string[] = [];
    for await (const line of { [Symbol.asyncIterator]: () => answers }) rest.push(line);
    expect(rest).toEqual(['fear', '(empty-text)', 'anger']);
  });
});

describe('hono.ts', () => {
  let recognizer: Recognizer;
  beforeAll(async () => {
    recognizer = await loadRecognizer({ bundle, threads: 1 });
  });
  afterAll(() => recognizer.dispose());

  const post = async (fields: Readonly<Record<string, string | Blob>>) => {
    const body = new FormData();
    for (const [name, value] of Object.entries(fields)) body.set(name, value);
    const response = await emotionRoute(recognizer).request('/emotion', { method: 'POST', body });
    return { status: response.status, body: await response.text() };
  };
  const picture = async (): Promise<Blob> => new Blob([await readFile(PHOTOGRAPH)], { type: 'image/png' });

  test('answers a sentence, a picture, and both', async () => {
    const words = await post({ text: 'I felt joy' });
    expect(words.status).toBe(200);
    expect(JSON.parse(words.body)).toMatchObject({ label: 'joy', from: 'text', warnings: [] });
    expect(JSON.parse((await post({ image: await picture() })).body)).toMatchObject({ from: 'face' });
    const both = await post({ text: 'I felt joy', image: await picture() });
    expect(JSON.parse(both.body)).toMatchObject({ label: 'joy', from: 'both' });
  });

  test('says what is wrong, and reads no file of the server’s', async () => {
    const cases = [
      [{}, 'no-input'],
      [{ text: '', image: new Blob([]) }, 'empty-text'],
      [{ image: new Blob(['no picture']) }, 'undecodable-image'],
      [{ image: PHOTOGRAPH }, 'no-input'],
    ] as const;
    for (const [fields, code] of cases) {
      const { status, body } = await post(fields);
      expect(status).toBe(422);
      expect(JSON.parse(body)).toMatchObject({ error: { code } });
    }
    expect((await post({ image: new Blob([new Uint8Array(5_000_001)]) })).status).toBe(413);
  });
});

test('serve.ts serves the route and ends when it is told to', async () => {
  const child = start('serve.ts', [], { PORT: '0' });
  const problems = text(child.stderr);
  const [address] = (await once(createInterface({ input: child.stdout }), 'line')) as [string];
  const body = new FormData();
  body.set('text', 'I felt fear');
  const response = await fetch(address, { method: 'POST', body });
  expect(await response.json()).toMatchObject({ label: 'fear', from: 'text' });
  child.kill('SIGTERM');
  expect(await once(child, 'close')).toEqual([0, null]);
  expect(await problems).toBe('');
}, 120_000);
