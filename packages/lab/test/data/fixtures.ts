// Small data sets in every form, written to a temporary folder, for the tests of this folder.
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import sharp from 'sharp';
import { onTestFinished } from 'vitest';
import { randomStream } from 'mien-engine/base';

/** A fresh folder with these files, removed when the test ends. */
export async function folderWith(files: Readonly<Record<string, string | Uint8Array>>): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'mien-data-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  for (const [name, content] of Object.entries(files)) {
    await mkdir(dirname(join(folder, name)), { recursive: true });
    await writeFile(join(folder, name), content);
  }
  return folder;
}

/** Smooth random grey values, different for every seed, as no two photographs are alike. */
export function pattern(seed: number, side: number): Uint8Array {
  const draw = randomStream(seed, 'pattern');
  const waves = Array.from({ length: 12 }, () => [
    draw.uniform() * 6,
    draw.uniform() * 6,
    draw.uniform() * 6.28,
  ]);
  return Uint8Array.from({ length: side * side }, (_, i) => {
    const [x, y] = [(i % side) / side, Math.floor(i / side) / side];
    const sum = waves.reduce(
      (total, [u, v, phase]) => total + Math.cos(6.28 * (u! * x + v! * y) + phase!),
      0,
    );
    return 128 + 18 * sum;
  });
}

/** A grey JPEG of `pattern`. */
export async function jpeg(seed: number, side = 48): Promise<Uint8Array> {
  return sharp(Buffer.from(pattern(seed, side)), { raw: { width: side, height: side, channels: 1 } })
    .jpeg({ quality: 95 })
    .toBuffer();
}

const FER_FOLDERS = ['angry', 'disgust', 'fear', 'happy', 'neutral', 'sad', 'surprise'] as const;

/** FER2013 as folders, one image a label and usage. */
export async function ferFiles(prefix = ''): Promise<Record<string, Uint8Array>> {
  const files: Record<string, Uint8Array> = {};
  let seed = 100;
  for (const label of FER_FOLDERS) {
    files[`${prefix}train/${label}/Training_${seed}.jpg`] = await jpeg(seed++);
    files[`${prefix}test/${label}/PublicTest_${seed}.jpg`] = await jpeg(seed++);
    files[`${prefix}test/${label}/PrivateTest_${seed}.jpg`] = await jpeg(seed++);
  }
  return files;
}

/** RAF-DB as DATASET/ folders with its label tables, one image a label and split. */
export async function rafFiles(prefix = 'DATASET/'): Promise<Record<string, string | Uint8Array>> {
  const files: Record<string, string | Uint8Array> = {};
  const tables = { train: 'image,label\n', test: 'image,label\n' };
  for (const split of ['train', 'test'] as const) {
    for (let label = 1; label <= 7; label++) {
      const name = `${split}_${String(label).padStart(5, '0')}_aligned.jpg`;
      files[`${prefix}${split}/${label}/${name}`] = await jpeg(
        200 + label + (split === 'test' ? 10 : 0),
        100,
      );
      tables[split] += `${name},${label}\n`;
    }
    files[`${prefix}${split}_labels.csv`] = tables[split];
  }
  return files;
}

/** RAF-DB in its official form, one image a label and split. */
export async function rafOfficialFiles(): Promise<Record<string, string | Uint8Array>> {
  const files: Record<string, string | Uint8Array> = {};
  let list = '';
  for (const split of ['train', 'test'])
    for (let label = 1; label <= 7; label++) {
      const stem = `${split}_${String(label).padStart(5, '0')}`;
      files[`Image/aligned/${stem}_aligned.jpg`] = await jpeg(300 + label + (split === 'test' ? 10 : 0), 100);
      list += `${stem}.jpg ${label}\n`;
    }
  files['EmoLabel/list_patition_label.txt'] = list;
  return files;
}

/** Rows `emotion,pixels,Usage` for FER2013's table. */
export const ferRow = (emotion: number | string, usage: string, seed: number, pixels = 2304): string =>
  `${emotion},${[...pattern(seed, 49).subarray(0, pixels)].join(' ')},${usage}`;

export const PIPE_HEADER =
  'ID|CITY|COUN|SUBJ|SEX|AGE|RELI|PRAC|FOCC|MOCC|FIEL|EMOT|WHEN|LONG|INTS|ERGO|TROPHO|TEMPER|EXPRES|MOVE|EXP1|EXP2|' +
  'EXP10|PARAL|CON|EXPC|PLEA|PLAN|FAIR|CAUS|COPING|MORL|SELF|RELA|VERBAL|NEUTRO|Field1|Field3|Field2|MYKEY|SIT|STATE|';

const EMOTIONS = ['', 'joy', 'fear', 'anger', 'sadness', 'disgust', 'shame', 'guilt'];

/** A row of ISEAR's original table. */
export function pipeRow(subject: string, label: string, text: string): string {
  const fields = new Array<string>(42).fill('1');
  fields[0] = subject;
  fields[2] = '20';
  fields[4] = '2';
  fields[5] = '33';
  fields[11] = String(EMOTIONS.indexOf(label));
  fields[36] = label;
  fields[40] = text;
  return `${fields.join('|')}|`;
}
