// Messages quote at most one line of their input, and name any other value, however hostile, by its kind.
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { describeType, MienError, quoted, repeated } from 'mien-engine/base';
import { fileError, readText } from 'mien-engine/node';
import { problems } from '../../src/data/reading.js';
import { describeError } from '../../src/cli/run.js';
import { createProgram } from '../../src/cli/program.js';
import { ServiceError } from '../../src/server/errors.js';

const LONG = '/9j/4AAQSkZJRg'.repeat(150_000);
const longest = (text: string): number => Math.max(...text.split('\n').map(({ length }) => length));

test('a quotation is one line, cut in the middle, without half characters', () => {
  expect(quoted('a path/of a file.jpg')).toBe('a path/of a file.jpg');
  expect(quoted('one\r\ntwo\u2028three\u001b[2J')).toBe('one two three [2J');
  expect(quoted(`start${'-'.repeat(1000)}end`, 21)).toBe('start-----…-------end');
  expect(quoted('😀'.repeat(100), 8)).toBe('😀\ufffd…\ufffd😀');
});

test('messages stay short when any part of an error has two million characters', () => {
  for (const error of [
    new MienError('data', `"${LONG}" is no label`, { file: LONG, field: LONG, hint: `Known: ${LONG}.` }),
    new ServiceError('not-found', `there is nothing at ${LONG}`),
    fileError('read', LONG, new Error(`ENAMETOOLONG: name too long, open '${LONG}'`)),
  ]) {
    expect(longest(error.message)).toBeLessThan(1000);
    expect(error.message).toContain('…');
  }
  // The text around the quotation is kept.
  const { message, place } = new MienError('usage', `"${LONG}" is no number`, { file: 'a.csv', row: 7 });
  expect(message).toMatch(/^a\.csv, row 7: "\/9j.*" is no number$/);
  expect(place).toEqual({ file: 'a.csv', row: 7 });
  const issue = { path: LONG, message: LONG };
  const { issues } = new ServiceError('invalid-request', '', { issues: [issue] });
  expect(JSON.stringify(issues).length).toBeLessThan(1000);
  const reporter = problems({ skipInvalid: true });
  reporter.report({ file: 'a.csv', row: 1, message: `names the image ${LONG}, which is not there` });
  expect(reporter.skipped[0]!.reason).toMatch(/^names the image .*…[^…]* which is not there$/);
  expect(reporter.skipped[0]!.reason.length).toBeLessThan(1000);
});

test('an overlong path is reported in one line, on the command line too, with and without the stack', async () => {
  const error: unknown = await readText(LONG).catch((cause: unknown) => cause);
  expect(error).toMatchObject({ code: 'file', message: expect.stringContaining('too long') as string });
  for (const debug of [false, true]) {
    expect(longest(describeError(error, debug))).toBeLessThan(1000);
    expect(longest(describeError(new Error(LONG), debug))).toBeLessThan(1000);
  }
  let written = '';
  const program = createProgram().configureOutput({ writeErr: (text) => void (written += text) });
  await expect(program.parseAsync([`--${LONG}`], { from: 'user' })).rejects.toThrow();
  expect(written).toContain('unknown option');
  expect(longest(written)).toBeLessThan(1000);
});

test('names the kind of any value, and never throws', () => {
  const revoked = Proxy.revocable({}, {});
  revoked.revoke();
  const hostile = new Proxy(
    {},
    {
      get: () => {
        throw new Error('no');
      },
    },
  );
  expect(
    [
      null,
      7,
      10n,
      Symbol('x'),
      [],
      Promise.resolve(),
      new Int32Array(1),
      new (class Photo {
        readonly size = 1;
      })(),
    ].map(describeType),
  ).toEqual([
    'null',
    'a number',
    'a bigint',
    'a symbol',
    'an Array',
    'a Promise',
    'an Int32Array',
    'a Photo',
  ]);
  expect([revoked.proxy, hostile, Object.create(null)].map(describeType)).toEqual(Array(3).fill('an Object'));
  expect([`a\n${LONG}`, 0.5, undefined].map((value) => repeated(value).length < 90)).toEqual(
    Array(3).fill(true),
  );
  fc.assert(
    fc.property(fc.anything({ withNullPrototype: true, withBigInt: true, withTypedArray: true }), (value) => {
      expect(describeType(value).length).toBeLessThan(60);
    }),
  );
});
