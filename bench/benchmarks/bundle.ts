// Using a bundle: loading it, one sentence with one face, and many of each.
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { loadIsear } from 'mien-lab';
import { jointName, laterFiles, modalitiesOf, openBundle, readBundle } from 'mien/parts/bundle';
import { decodeImage } from 'mien/parts/encoders';
import { timed, type Comparison, type Contender } from '../compare.js';
import { folderOf, type BenchOptions } from '../options.js';
import { rafdbFiles } from './face.js';

const ITEMS = { full: 256, quick: 16 };

export async function bundleComparisons({ quick }: BenchOptions): Promise<Comparison[]> {
  const folder = process.env['MIEN_BUNDLE'] ?? join(import.meta.dirname, '../../models/lite');
  const { manifest, files } = await readBundle(folder);
  const answer = jointName(modalitiesOf(manifest), ['text', 'face'], 'answer');
  const bundle = await openBundle(manifest, files, { threads: 1 });
  const count = quick ? ITEMS.quick : ITEMS.full;
  const { items } = await loadIsear(join(folderOf('MIEN_DATA', 'isear/ and rafdb/'), 'isear'));
  const texts = items.slice(0, count).map(({ text }) => text);
  const paths = await rafdbFiles(count);
  const jpegs = await Promise.all(paths.map((path) => readFile(path)));
  const images = await Promise.all(jpegs.map((bytes) => decodeImage(bytes)));

  /** From a sentence and the bytes of a JPEG to the fused posterior, one item after the other. */
  const both = async (): Promise<void> => {
    for (let i = 0; i < count; i++) {
      const text = await bundle.texts([texts[i]!]);
      const face = await bundle.faces([await decodeImage(jpegs[i]!)]);
      await bundle.decision.run({ text, face }, [answer]);
    }
  };
  const kept = () => Promise.resolve();
  const alone = (title: string, unit: string, work: () => Promise<unknown>, close = kept): Comparison => ({
    title: `bundle: ${title}, one thread`,
    work: { unit, count },
    notes: [],
    peers: [],
    ours: { name: 'mien', round: () => timed(work), close },
  });
  const loading: Contender = {
    name: 'mien',
    round: () =>
      timed(async () => {
        // As the recogniser: a voice's file is read at the first recording.
        const again = await readBundle(folder, (of, name) => !laterFiles(of).includes(name));
        await (await openBundle(again.manifest, again.files, { threads: 1 })).dispose();
      }),
    close: kept,
  };
  return [
    {
      title: 'bundle: reading, checking and opening it',
      work: { unit: 'bundles', count: 1 },
      notes: [],
      peers: [],
      ours: loading,
    },
    alone('a sentence and a JPEG of a face to the fused posterior, one by one', 'items', both),
    alone('sentences, together', 'texts', () => bundle.texts(texts)),
    alone(
      'decoded faces, together',
      'faces',
      () => bundle.faces(images),
      () => bundle.dispose(),
    ),
  ];
}
