// Options: unknown names are usage errors that name the most similar known one; undefined stands for the default.
import { describe, expect, test } from 'vitest';
import { checkNames, checkOptions, flag, wholeNumber, withDefaults } from '../../src/base/options.js';
import { createSession } from '../../src/runtime/session.js';

const unknown = (field: string, hint: string) =>
  expect.objectContaining({ code: 'usage', hint, place: { field } });

interface Sizes {
  readonly batchSize?: number | undefined;
  readonly mirror?: boolean | undefined;
}
const DEFAULTS = { batchSize: 16, mirror: true };
const entries: Readonly<Record<string, (options: object) => unknown>> = {
  checkNames: (options) => checkNames(options, ['batchSize', 'mirror'], 'test'),
  checkOptions: (options) =>
    checkOptions<Sizes>(options, { batchSize: wholeNumber(1), mirror: flag }, 'test'),
  withDefaults: (options) => withDefaults(options, DEFAULTS, 'test'),
};

describe.each(Object.entries(entries))('%s', (_name, entry) => {
  test('names the most similar option, or all if none is similar', () => {
    expect(() => entry({ batchsize: 1 })).toThrow(unknown('batchsize', 'Did you mean "batchSize"?'));
    expect(() => entry({ zzz: 1 })).toThrow(unknown('zzz', 'Known: batchSize, mirror.'));
    expect(() => entry({ batchsize: undefined })).toThrow(/unknown option "batchsize" of test/);
  });

  test('knows no name that objects inherit', () => {
    for (const name of ['toString', 'constructor', '__proto__'])
      expect(() => entry(Object.fromEntries([[name, 1]]))).toThrow(/unknown option/);
  });

  test('accepts known options', () => {
    expect(() => entry({ batchSize: 4, mirror: undefined })).not.toThrow();
  });
});

test('undefined keeps a default', () => {
  expect(withDefaults({ batchSize: 4, mirror: undefined as never }, DEFAULTS, 'test')).toEqual({
    batchSize: 4,
    mirror: true,
  });
});

test('createSession rejects unknown and invalid options before it loads the model', async () => {
  const session = (options: object) => createSession(new Uint8Array(), options);
  await expect(session({ thread: 2 })).rejects.toThrow(unknown('thread', 'Did you mean "threads"?'));
  for (const options of [{ threads: -1 }, { optimization: 'most' }, { spinning: 1 }])
    await expect(session(options)).rejects.toMatchObject({ code: 'usage' });
});
