// Made-up data sets on disk, in the forms the real ones have.
import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import sharp from 'sharp';
import { randomStream } from 'mien-engine/base';
import { TEXT_LABELS } from 'mien/parts/data';

const TEXTS_A_LABEL = 12;
const FACES_A_LABEL = 4;
const folders = ['angry', 'disgust', 'fear', 'happy', 'neutral', 'sad', 'surprise'];

/** A few dozen made-up texts and faces in the forms the real sets have. */
export async function writeDataSets(dir: string, facesALabel = FACES_A_LABEL): Promise<void> {
  const draw = randomStream(0, 'pictures');
  const picture = async (path: string, side: number, channels: 1 | 3): Promise<void> => {
    await mkdir(dirname(path), { recursive: true });
    // Coarse random patches, so that no two pictures look alike.
    const data = Buffer.from(Array.from({ length: 36 * channels }, () => draw.integer(256)));
    await sharp(data, { raw: { width: 6, height: 6, channels } })
      .resize(side, side)
      .jpeg()
      .toFile(path);
  };
  const rows = TEXT_LABELS.flatMap((label) =>
    Array.from({ length: TEXTS_A_LABEL }, (_, i) => `${label},I remember day ${i} of ${label} very well`),
  );
  await mkdir(join(dir, 'isear'), { recursive: true });
  await writeFile(join(dir, 'isear', 'isear.csv'), ['sentiment,content', ...rows, ''].join('\n'));
  for (const name of folders)
    for (let i = 0; i < facesALabel; i++) {
      await picture(join(dir, 'fer2013/train', name, `Training_${name}${i}.jpg`), 48, 1);
      await picture(join(dir, 'fer2013/test', name, `PrivateTest_${name}${i}.jpg`), 48, 1);
    }
  for (let label = 1; label <= 7; label++)
    for (let i = 0; i < facesALabel; i++)
      for (const split of ['train', 'test'])
        await picture(
          join(dir, 'rafdb/DATASET', split, `${label}`, `${split}_${label}${i}_aligned.jpg`),
          100,
          3,
        );
}
