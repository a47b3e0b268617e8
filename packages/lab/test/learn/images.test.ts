// Images kept in memory and in a file are the same bytes, and the file goes with the last of them.
import { readdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { expect, test } from 'vitest';
import { randomStream } from 'mien-engine/base';
import { keepImages } from '../../src/learn/face-images.js';

const draw = randomStream(9, 'pixels');
const faces = Array.from({ length: 5 }, (_, i) => ({
  image: {
    kind: 'pixels' as const,
    width: 10 + i,
    height: 12,
    data: Uint8Array.from({ length: (10 + i) * 12 }, () => draw.integer(256)),
  },
}));
const scratch = async (): Promise<string[]> =>
  (await readdir(tmpdir())).filter((name) => name.startsWith('mien-images-'));

test('in memory and in a file', async () => {
  const [before, memory] = [await scratch(), await keepImages(faces, 12)];
  const file = await keepImages(faces, 12, undefined, { mostInMemory: 1000 });
  expect(file.count).toBe(5);
  const bytes = 3 * 12 * 12;
  for (const index of [4, 0, 3]) {
    const [own, other] = [new Uint8Array(bytes + 7), new Uint8Array(bytes + 7)];
    memory.copy(index, own, 7);
    file.copy(index, other, 7);
    expect(other).toEqual(own);
    expect(own.some((value) => value > 0)).toBe(true);
  }
  // The third image is 12 pixels wide already: grey in three colours, as it was.
  const whole = new Uint8Array(bytes);
  memory.copy(2, whole, 0);
  expect([...whole.subarray(0, 144)]).toEqual([...faces[2]!.image.data]);
  await memory.close();
  await file.close();
  expect(await scratch()).toEqual(before);
});
