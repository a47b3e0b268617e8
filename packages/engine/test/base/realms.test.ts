// Values of other realms and runtimes, for which `instanceof` and some of Node's methods fail.
import type { ChildProcess } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { runInNewContext } from 'node:vm';
import { expect, test } from 'vitest';
import { ref, unref } from '../../src/base/process-pool.js';
import { messageOf } from '../../src/base/errors.js';
import { writeFileAtomic } from '../../src/base/files.js';
import { arrayIn } from '../../src/base/tensor.js';

test('messageOf returns the message of errors of any realm, and describes other thrown values', () => {
  expect(messageOf(runInNewContext("new TypeError('no such thing')"))).toBe('no such thing');
  expect([new Error('known'), 'text', 7, undefined, null, { message: 7 }].map(messageOf)).toEqual([
    'known',
    'text',
    '7',
    'undefined',
    'null',
    'an Object',
  ]);
  const revoked = Proxy.revocable({}, {});
  revoked.revoke();
  const hostile = {
    get message() {
      throw new Error('no');
    },
  };
  expect([revoked.proxy, hostile, Object.create(null), Symbol('x')].map(messageOf)).toEqual([
    'an Object',
    'an Object',
    'an Object',
    'Symbol(x)',
  ]);
});

test('writeFileAtomic writes byte arrays of another realm', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'mien-realms-'));
  await writeFileAtomic(join(folder, 'file'), runInNewContext('Uint8Array.of(1, 2, 3)') as Uint8Array);
  expect([...(await readFile(join(folder, 'file')))]).toEqual([1, 2, 3]);
  await rm(folder, { recursive: true });
});

test('arrayIn converts arrays of another realm without a copy and returns others unchanged', () => {
  const foreign = runInNewContext('Float32Array.of(0, 1, 2).subarray(1)') as Float32Array;
  const here = arrayIn(globalThis, 'float32', foreign);
  expect(here).toBeInstanceOf(Float32Array);
  here[0] = 5;
  expect([...foreign]).toEqual([5, 2]);
  expect(arrayIn(globalThis, 'float32', here)).toBe(here);
});

test.each<[string, unknown]>([
  ['without ref and unref, as in Bun', {}],
  ['that is closed', null],
])('ref and unref accept a child with a channel %s', (_, channel) => {
  const calls: string[] = [];
  const child = { channel, ref: () => calls.push('ref'), unref: () => calls.push('unref') };
  ref(child as unknown as ChildProcess);
  unref(child as unknown as ChildProcess);
  expect(calls).toEqual(['ref', 'unref']);
});
