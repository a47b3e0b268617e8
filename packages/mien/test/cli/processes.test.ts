// How many processes a command starts by default.
import { availableParallelism } from 'node:os';
import { expect, test } from 'vitest';
import { isLarge, processesOf } from '../../src/cli/processes.js';

const cores = availableParallelism();

test('many items are computed by one process per core, others in this one', () => {
  expect(processesOf({}, true)).toBe(cores > 1 ? Math.min(cores, 8) : 0);
  expect(processesOf({}, false)).toBe(0);
});

test('a number of threads alone is meant for this process, and a fetched model is loaded once', () => {
  expect(processesOf({ threads: 4 }, true)).toBe(0);
  expect(processesOf({ bundle: 'https://example.org/model' }, true)).toBe(0);
});

test('a requested number holds in any case', () => {
  for (const isMany of [true, false])
    for (const processes of [0, 1, 200])
      expect(processesOf({ processes, threads: 2, bundle: 'http://example.org/model' }, isMany)).toBe(
        processes,
      );
});

test('a table of a few rows is not large', () => {
  expect(isLarge(20 * 100)).toBe(false);
  expect(isLarge(1000 * 100)).toBe(true);
});
