// With the real encoders, a row's bytes do not depend on its batch: what a store's partial recomputation rests on.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { readFile } from 'node:fs/promises';
import { expect, test } from 'vitest';
import { silentProgress } from 'mien/parts/base';
import { decodeImage } from 'mien/parts/encoders';
import { loadFaceEncoder, loadTextEncoder } from '../../src/encoders/load.js';
import { profiles } from '../../src/encoders/profiles.js';
import { faceEmbedder, textEmbedder } from '../../src/features/embed.js';
import type { Embedder } from '../../src/features/embed.js';
import { fillStore } from '../../src/features/fill.js';
import { folderBytes, someTexts } from './fakes.js';

const weights = process.env['MIEN_WEIGHTS'];

/** Fills a store, changes one item in the middle, fills again; then fills afresh and compares all bytes. */
async function changeOne<Item extends { readonly id: string }>(
  embedder: Embedder<Item>,
  items: readonly Item[],
  changed: Item,
): Promise<void> {
  const root = await mkdtemp(join(tmpdir(), 'mien-real-'));
  const warnings: string[] = [];
  const progress = { ...silentProgress, warn: (text: string) => void warnings.push(text) };
  const fill = (folder: string, list: readonly Item[]) =>
    fillStore({ dir: join(root, folder), set: 'isear', embedder, items: list, progress });
  try {
    await fill('a', items);
    const after = [...items.slice(0, 20), changed, ...items.slice(21)];
    expect(await fill('a', after)).toMatchObject({ computed: 1, kept: items.length - 1 });
    expect(warnings).toEqual([]);
    await fill('b', after);
    expect(await folderBytes(join(root, 'a'))).toEqual(await folderBytes(join(root, 'b')));
  } finally {
    await rm(root, { recursive: true, force: true });
  }
}

test.skipIf(!weights)(
  'MiniLM: a changed text recomputes itself alone, to the bytes of a fresh run',
  async () => {
    const encoder = await loadTextEncoder(profiles.frozen.text, { weights });
    const items = someTexts(120);
    await changeOne(textEmbedder(encoder), items, {
      id: items[20]!.id,
      text: 'I was happily lost in the rain',
    });
    await encoder.dispose();
  },
);

test.skipIf(!weights)(
  'EfficientNetV2-B0: a changed face recomputes itself alone, to the bytes of a fresh run',
  async () => {
    const encoder = await loadFaceEncoder(profiles.frozen.face, { weights });
    const photo = await decodeImage(
      await readFile(fileURLToPath(new URL('../../../../test/fixtures/astronaut.png', import.meta.url))),
    );
    /** A 40×40 grey cut of the photograph. */
    const face = (id: string, x: number, y: number) => {
      const data = Uint8Array.from(
        { length: 1600 },
        (_, i) => photo.data[3 * ((y + Math.floor(i / 40)) * photo.width + x + (i % 40))]!,
      );
      return { id, image: { kind: 'pixels', width: 40, height: 40, data } as const };
    };
    const items = Array.from({ length: 44 }, (_, i) => face(`cut ${i}`, 9 * i, 5 * i));
    const embedder = faceEmbedder(encoder, { decode: (bytes) => decodeImage(bytes) });
    await changeOne(embedder, items, face('cut 20', 300, 10));
    await encoder.dispose();
  },
);
