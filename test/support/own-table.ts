// A drawn set of one's own, as a table with pictures: a label is a word of the text and a shape in the picture
// together, so that only a fused model can know it.
import { mkdir, mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import { randomStream } from 'mien-engine/base';
import { runMien, type Ended } from './mien.js';
import {
  bertFiles,
  bertTinyConfig,
  efficientNetB3Config,
  efficientNetFiles,
  writeFiles,
} from './pretrained.js';

const ROWS = 240;
const WORDS = { glad: ['bright', 'sunny', 'warm'], sad: ['dark', 'rainy', 'cold'] } as const;
const profile = {
  text: { id: 'made/up-text', pooling: 'mean', maxTokens: 32 },
  face: { id: 'made/up-face', imageSize: 48 },
};

/** Settings of quick heads. */
export const quick = [
  'seeds=2',
  'batchSize=16',
  'head.width=64',
  'head.lstm=32',
  'optimizer.learningRate=4e-3',
  'epochs.max=12',
  'epochs.patience=12',
].flatMap((one) => ['--set', one]);

/** A folder with the table (`own.csv`: words, picture, mood, person), its pictures, encoders and their profile. */
export async function ownFolder(): Promise<string> {
  const root = await mkdtemp(join(tmpdir(), 'mien-own-'));
  const words = ['the', 'day', 'was', 'very', 'and', ...Object.values(WORDS).flat()];
  await writeFiles(
    join(root, 'weights', 'up-text'),
    bertFiles({ ...bertTinyConfig, vocab_size: 128 }, words),
  );
  const config = { ...efficientNetB3Config, architecture: 'tf_efficientnetv2_b0' };
  await writeFiles(join(root, 'weights', 'up-face'), efficientNetFiles(config));
  await writeFile(join(root, 'profile.json'), JSON.stringify(profile));
  await writeTable(root);
  return root;
}

async function writeTable(root: string): Promise<void> {
  const draw = randomStream(0, 'own');
  await mkdir(join(root, 'pictures'));
  const lines = ['words,picture,mood,person'];
  for (let i = 0; i < ROWS; i++) {
    const tone = draw.integer(2) === 0 ? 'glad' : 'sad';
    const shape = draw.integer(2) === 0 ? 'wide' : 'tall';
    const [x, y] = [22 + draw.integer(5), 22 + draw.integer(5)];
    const [rx, ry] = shape === 'wide' ? [20, 8] : [8, 20];
    const eyes = `<circle cx="${x - 4}" cy="${y - 3}" r="1"/><circle cx="${x + 4}" cy="${y - 3}" r="1"/>`;
    const face = `<ellipse cx="${x}" cy="${y}" rx="${rx}" ry="${ry}" fill="white"/>${eyes}`;
    const svg = `<svg xmlns="http://www.w3.org/2000/svg" width="48" height="48"><rect width="48" height="48"/>${face}</svg>`;
    await sharp(Buffer.from(svg))
      .png()
      .toFile(join(root, 'pictures', `${i}.png`));
    const words = Array.from({ length: 4 }, () => WORDS[tone][draw.integer(3)]!);
    const text = `The day was very ${words.join(' and ')}`;
    lines.push(`"${text}",pictures/${i}.png,${tone} ${shape},p${i % 60}`);
  }
  await writeFile(join(root, 'own.csv'), `${lines.join('\n')}\n`);
}

/** `mien train` on that folder's table. */
export const trainOwn = (root: string, args: readonly string[]): Promise<Ended> =>
  runMien([
    'train',
    '--data',
    join(root, 'own.csv'),
    '--profile',
    join(root, 'profile.json'),
    '--weights',
    join(root, 'weights'),
    '--json',
    ...args,
  ]);
