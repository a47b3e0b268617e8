// State tables: token states and regions come back from stores item by item, and tables are put one below another.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { float16ToFloat32 } from 'mien-engine/base';
import { faceEmbedder, textEmbedder } from '../../src/features/embed.js';
import { joinStates, keptStore, oneState, readStates, type StateTable } from '../../src/features/store.js';
import { rawDecode, fakeFaceEncoder, fakeTextEncoder, someFaces, someTexts } from './fakes.js';

let dir: string;
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'mien-states-'));
});
afterAll(() => rm(dir, { recursive: true }));

/** The states of an item, one array each. */
function statesOf({ states, places }: StateTable, item: number): number[][] {
  const [most, width] = [places.shape[1]!, states.shape[1]!];
  const rows = Array.from(places.data.subarray(item * most, (item + 1) * most), Number);
  const known = rows.filter((row) => row >= 0);
  expect(rows.slice(known.length)).toEqual(new Array<number>(most - known.length).fill(-1));
  return known.map((row) => [...float16ToFloat32(states.data.subarray(row * width, (row + 1) * width))]);
}
const close = (actual: number[][], expected: number[][]): void => {
  expect(actual.length).toBe(expected.length);
  actual.forEach((row, i) => row.forEach((value, k) => expect(value).toBeCloseTo(expected[i]![k]!, 2)));
};

test('a text has as many states as tokens, for any shard size', async () => {
  const encoder = fakeTextEncoder();
  const items = someTexts(9);
  const embedder = textEmbedder(encoder, { withStates: true, shardSize: 4 });
  const table = await readStates((await keptStore({ dir, set: 'texts', embedder, items })).dir);
  for (const [i, { text }] of items.entries()) {
    const { ids } = encoder.tokenize(text);
    const { data } = await encoder.encodeTokens([ids]);
    close(
      statesOf(table, i),
      Array.from(ids, (_, t) => [...data.subarray(t * encoder.width, (t + 1) * encoder.width)]),
    );
  }
});

test('the states of a face are the columns of its map, in row-major order', async () => {
  const encoder = fakeFaceEncoder();
  const items = someFaces(5);
  const embedder = faceEmbedder(encoder, { withStates: true, decode: rawDecode });
  const table = await readStates((await keptStore({ dir, set: 'faces', embedder, items })).dir);
  expect(table.places.shape).toEqual([5, 4]);
  for (const [i, { image }] of items.entries()) {
    if (image.kind !== 'pixels') throw new Error('pixels expected');
    const data = Uint8Array.from([...image.data].flatMap((grey) => [grey, grey, grey]));
    const map = await encoder.encodeMap([{ width: image.width, height: image.height, data }]);
    close(
      statesOf(table, i),
      [0, 1, 2, 3].map((region) =>
        Array.from({ length: encoder.width }, (_, channel) => map.data[channel * 4 + region]!),
      ),
    );
  }
});

test('concatenated tables keep the states of each item', () => {
  const one = oneState(Float32Array.of(1, 2));
  const three = joinStates([one, oneState(Float32Array.of(3, 4)), one]);
  const joined = joinStates([three, oneState(Float32Array.of(5, 6))]);
  expect([0, 1, 2, 3].map((item) => statesOf(joined, item))).toEqual([
    [[1, 2]],
    [[3, 4]],
    [[1, 2]],
    [[5, 6]],
  ]);
});

test('rejects a store without states', async () => {
  const embedder = textEmbedder(fakeTextEncoder());
  const store = await keptStore({ dir, set: 'plain', embedder, items: someTexts(3) });
  await expect(readStates(store.dir)).rejects.toMatchObject({ code: 'store' });
});
