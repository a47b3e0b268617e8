// How many processes a command starts by default.
import { availableParallelism } from 'node:os';
import { expect, test } from 'vitest';
import { isLarge, processesOf } from '../../src/cli/processes.js';

const GIB = 2 ** 30;
const large = { cores: 16, memory: 64 * GIB };

test('many items are computed by one process per core and GiB, at most eight, others in this one', () => {
  expect(processesOf({}, true, large)).toBe(8);
  expect(processesOf({}, true, { cores: 4, memory: 64 * GIB })).toBe(4);
  expect(processesOf({}, true, { cores: 4, memory: 2.5 * GIB })).toBe(2);
  // One process beside this one would compute no faster.
  expect(processesOf({}, true, { cores: 4, memory: 1.5 * GIB })).toBe(0);
  expect(processesOf({}, true, { cores: 1, memory: 64 * GIB })).toBe(0);
  expect(processesOf({}, false, large)).toBe(0);
  const here = processesOf({}, true);
  expect(here === 0 || (here >= 2 && here <= availableParallelism())).toBe(true);
});

test('a number of threads alone is meant for this process, and a fetched model is loaded once', () => {
  expect(processesOf({ threads: 4 }, true, large)).toBe(0);
  expect(processesOf({ bundle: 'https://example.org/model' }, true, large)).toBe(0);
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
