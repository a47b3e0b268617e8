// Pixels in any array: the same image from every type, and an error that names the type when they are ambiguous.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { bytesIn, steadyBytes } from '../../src/base/bytes.js';
import { rgbOf } from '../../src/recognizer/pixels.js';
import type { RawImage } from '../../src/recognizer/types.js';

/** Arrays of integers. */
const KINDS: Readonly<Record<string, (values: readonly number[]) => RawImage['data']>> = {
  Uint8ClampedArray: (values) => Uint8ClampedArray.from(values),
  Buffer: (values) => Buffer.from(values),
  ArrayBuffer: (values) => Uint8Array.from(values).buffer,
  DataView: (values) => new DataView(Uint8Array.from(values).buffer) as unknown as ArrayBuffer,
  SharedArrayBuffer: (values) => {
    const shared = new SharedArrayBuffer(values.length);
    new Uint8Array(shared).set(values);
    return shared;
  },
  Int16Array: (values) => Int16Array.from(values),
  Uint16Array: (values) => Uint16Array.from(values),
  Int32Array: (values) => Int32Array.from(values),
  Uint32Array: (values) => Uint32Array.from(values),
  BigInt64Array: (values) => BigInt64Array.from(values, BigInt),
  BigUint64Array: (values) => BigUint64Array.from(values, BigInt),
};
const FRACTIONS: typeof KINDS = {
  Float32Array: (values) => Float32Array.from(values),
  Float64Array: (values) => Float64Array.from(values),
  Array: (values) => values,
};

/** Images with a value above 1, in one, three or four channels. */
const pictures = fc
  .record({
    width: fc.integer({ min: 1, max: 4 }),
    height: fc.integer({ min: 1, max: 4 }),
    channels: fc.constantFrom(1, 3, 4),
  })
  .chain(({ width, height, channels }) => {
    const size = width * height * channels;
    const bytes = fc.array(fc.integer({ min: 0, max: 255 }), { minLength: size, maxLength: size });
    return bytes
      .filter((values) => Math.max(...values) > 1)
      .map((values) => ({ width, height, channels, values }));
  });

describe('integers from 0 to 255', () => {
  test('are the same image in every type of array', () => {
    fc.assert(
      fc.property(pictures, ({ width, height, channels, values }) => {
        const expected = rgbOf({ width, height, data: Uint8Array.from(values) });
        expect(expected.data).toHaveLength(3 * width * height);
        if (channels === 3) expect([...expected.data]).toEqual(values);
        for (const [kind, make] of Object.entries({ ...KINDS, ...FRACTIONS }))
          expect(rgbOf({ width, height, data: make(values) }), kind).toEqual(expected);
      }),
      { numRuns: 30 },
    );
  });

  test('are grey, RGB, or RGBA blended with white', () => {
    const read = (...data: number[]) => [...rgbOf({ width: 1, height: 1, data: Int32Array.from(data) }).data];
    expect(read(7)).toEqual([7, 7, 7]);
    expect(read(7, 8, 9)).toEqual([7, 8, 9]);
    expect(read(7, 8, 9, 255)).toEqual([7, 8, 9]);
    expect(read(7, 8, 9, 0)).toEqual([255, 255, 255]);
    expect(read(100, 100, 100, 51)).toEqual([224, 224, 224]);
  });
});

describe('rejected pixels', () => {
  const messageFor = (data: unknown, width: unknown = 1, height: unknown = 1): string => {
    try {
      rgbOf({ width, height, data });
    } catch (error) {
      expect(error).toMatchObject({ name: 'MienError', code: 'data' });
      return (error as Error).message;
    }
    return 'nothing';
  };

  test('fractions, 16 bits, negative numbers and values that are not numbers', () => {
    expect(messageFor(Float32Array.of(0, 0.5, 1))).toMatch(/a Float32Array has 0\.5 at index 1\nMultiply/);
    expect(messageFor(Uint16Array.of(0, 65_535, 1))).toMatch(/a Uint16Array has 65535 at index 1\n.*257/);
    expect(messageFor(Int8Array.of(0, 5, -1))).toMatch(/an Int8Array has -1 at index 2/);
    expect(messageFor(Float64Array.of(0, NaN, 9))).toMatch(/a Float64Array has NaN at index 1/);
    expect(messageFor(BigInt64Array.of(256n))).toMatch(/a BigInt64Array has 256 at index 0/);
    for (const [value, kind] of [
      ['7', '"7"'],
      [null, 'null'],
      [undefined, 'undefined'],
      [{}, 'an Object'],
    ] as const)
      expect(messageFor([9, value, 9])).toContain(`an Array has ${kind} at index 1`);
    // A hole is undefined, not 0.
    // eslint-disable-next-line no-sparse-arrays
    expect(messageFor([9, , 9])).toContain('has undefined at index 1');
  });

  test('only 0 and 1 where they may be fractions, but not all black', () => {
    for (const [kind, make] of Object.entries(FRACTIONS)) {
      expect(messageFor(make([0, 1, 0])), kind).toMatch(/may mean pixels from 0 to 1 or from 0 to 255/);
      expect(messageFor(make([0, 0, 0])), kind).toBe('nothing');
    }
    for (const [kind, make] of Object.entries(KINDS))
      expect(messageFor(make([0, 1, 0])), kind).toBe('nothing');
  });

  test('lengths and sizes that do not match, and data of another kind', () => {
    expect(messageFor(new Uint8Array(2))).toMatch(/2 values do not fit 1 × 1 pixels of one \(grey\), three/);
    expect(messageFor([[1, 2, 3], [4, 5, 6]], 2, 2)).toMatch(/2 values .*\nFlatten nested rows/); // prettier-ignore
    expect(messageFor('data:image/png;base64,')).toMatch(/its data is a string/);
    expect(messageFor(new Map())).toMatch(/its data is a Map/);
    for (const side of [0, -2, 1.5, NaN, '2', 2n, null, {}])
      expect(messageFor(new Uint8Array(12), side, side)).toMatch(/cannot have/);
  });

  test('buffers that were transferred', () => {
    const gone = new Uint8Array(3);
    structuredClone(gone.buffer, { transfer: [gone.buffer] });
    for (const data of [gone, gone.buffer]) expect(messageFor(data)).toMatch(/^image: 0 values/);
  });
});

test('copies only bytes that may change while they are read', () => {
  const own = Uint8Array.of(1, 2, 3);
  expect(steadyBytes(bytesIn(own)!).buffer).toBe(own.buffer);
  const shared = new Uint8Array(new SharedArrayBuffer(3));
  const resizable = new Uint8Array(Reflect.construct(ArrayBuffer, [3, { maxByteLength: 9 }]) as ArrayBuffer);
  for (const bytes of [shared, resizable]) {
    bytes.set(own);
    const steady = steadyBytes(bytesIn(bytes)!);
    expect(steady).toEqual(own);
    expect(steady.buffer).not.toBe(bytes.buffer);
  }
  // A view covers only its part of the buffer.
  expect(bytesIn(own.subarray(1, 2))).toEqual(Uint8Array.of(2));
  expect(bytesIn(new Float32Array(3))).toBeUndefined();
  expect(bytesIn({ length: 3 })).toBeUndefined();
});
