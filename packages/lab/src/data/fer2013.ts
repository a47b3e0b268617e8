// Reads FER2013 as folders of images or as a table of pixels (fer2013.csv, icml_face_data.csv), which is streamed
// because it is 300 MB of text.
// Source: Goodfellow et al. 2013, "Challenges in representation learning"; the forms are described in docs/data.md.
import { join, parse } from 'node:path';
import { CsvError } from 'csv-parse';
import { defined, MienError, suggestion } from 'mien-engine/base';
import {
  csvRecords,
  type FaceItem,
  FER2013_FOLDERS,
  FER2013_NUMBERS,
  isImageName,
  kindOf,
  listFolder,
  type LoadedFer2013,
  type DataSetOptions,
  problems,
  type Problems,
  readParts,
  sniffText,
} from 'mien/parts/data';

const EXPECTED =
  'Expected FER2013: folders train/ and test/, each with angry, disgust, fear, happy, neutral, sad and surprise; or ' +
  'the table fer2013.csv (emotion,pixels,Usage) or icml_face_data.csv.';

type Usage = NonNullable<FaceItem['usage']>;

/** Folder names of splits, in lower case. */
const SPLIT_FOLDERS: Readonly<Record<string, { split: 'train' | 'test'; usage?: Usage }>> = {
  train: { split: 'train', usage: 'Training' },
  training: { split: 'train', usage: 'Training' },
  test: { split: 'test' },
  publictest: { split: 'test', usage: 'PublicTest' },
  privatetest: { split: 'test', usage: 'PrivateTest' },
};

/** Number of images in the published set. */
const PUBLISHED = { train: 28709, test: 7178 } as const;

/**
 * Loads FER2013 from its folders, from `fer2013.csv` or `icml_face_data.csv`, or from a folder that contains one of them.
 * Image files are only listed here; they are decoded, and checked, later (`hashFaces`).
 * @throws MienError `file` if the path does not exist, `data` (with file and row) if it is not FER2013 or an item is
 *   invalid
 */
export async function loadFer2013(path: string, options: DataSetOptions = {}): Promise<LoadedFer2013> {
  const kind = await kindOf(path);
  if (kind === 'missing')
    throw new MienError('file', 'no such file or folder', { file: path, hint: EXPECTED });
  const loaded =
    kind === 'file' ? await loadFer2013Csv(path, options) : await loadFolderOrTable(path, options);
  const count = (split: 'train' | 'test'): number =>
    loaded.items.reduce((sum, item) => sum + (item.split === split ? 1 : 0), 0);
  const [train, test] = [count('train'), count('test')];
  if (train === PUBLISHED.train && test === PUBLISHED.test) return loaded;
  const note = `${path}: ${train} training and ${test} test images; FER2013 has ${PUBLISHED.train} and ${PUBLISHED.test}`;
  return { ...loaded, warnings: [...loaded.warnings, note] };
}

async function loadFolderOrTable(path: string, options: DataSetOptions): Promise<LoadedFer2013> {
  const { files, folders } = await listFolder(path);
  const inside = [path, ...folders.filter((name) => !isSplit(name)).map((name) => join(path, name))];
  for (const root of inside)
    if ((await listFolder(root)).folders.some(isSplit)) return loadFolders(root, options);
  for (const name of files.filter((file) => /\.csv$/i.test(file))) {
    const file = join(path, name);
    if (isFerTable(await sniffText(file))) return loadFer2013Csv(file, options);
  }
  const rafdb = folders.some((name) => /^(emolabel|image)$/i.test(name));
  throw new MienError(
    'data',
    rafdb ? 'is RAF-DB, not FER2013; were two sets swapped?' : 'does not contain FER2013',
    {
      file: path,
      hint: EXPECTED,
    },
  );
}

const isSplit = (name: string): boolean => Object.hasOwn(SPLIT_FOLDERS, name.toLowerCase());

async function loadFolders(root: string, options: DataSetOptions): Promise<LoadedFer2013> {
  const reporter = problems(options);
  const items: FaceItem[] = [];
  for (const name of (await listFolder(root)).folders) {
    const split = SPLIT_FOLDERS[name.toLowerCase()];
    if (split !== undefined) await loadSplit(join(root, name), split, reporter, items);
  }
  for (const split of ['train', 'test'] as const)
    if (!items.some((item) => item.split === split))
      throw new MienError('data', `contains no ${split} images`, { file: root, hint: EXPECTED });
  return { path: root, form: 'folders', items, skipped: reporter.skipped, warnings: [] };
}

async function loadSplit(
  folder: string,
  { split, usage }: { split: 'train' | 'test'; usage?: Usage },
  reporter: Problems,
  items: FaceItem[],
): Promise<void> {
  const { folders } = await listFolder(folder);
  if (folders.length > 0 && folders.every((name) => /^[1-7]$/.test(name)))
    throw new MienError(
      'data',
      'has the folders 1–7 of RAF-DB, not those of FER2013; were two sets swapped?',
      {
        file: folder,
        hint: EXPECTED,
      },
    );
  for (const name of ['angry', 'disgust', 'fear', 'happy', 'neutral', 'sad', 'surprise'])
    if (!folders.some((found) => FER2013_FOLDERS[found.toLowerCase()] === FER2013_FOLDERS[name]))
      reporter.report({ file: join(folder, name), message: 'the folder is missing', hint: EXPECTED });
  for (const name of folders) {
    const label = FER2013_FOLDERS[name.toLowerCase()];
    if (label === undefined) {
      const hint = suggestion(name, Object.keys(FER2013_FOLDERS));
      reporter.report({ file: join(folder, name), message: `unknown label ${JSON.stringify(name)}`, hint });
      continue;
    }
    for (const image of (await listFolder(join(folder, name))).files) {
      const file = join(folder, name, image);
      if (!isImageName(image)) {
        reporter.report({ file, message: 'is not an image', hint: 'Expected only image files here.' });
        continue;
      }
      const stem = parse(image).name;
      const named = /^(Training|PublicTest|PrivateTest)_/.exec(stem)?.[1] as Usage | undefined;
      if (named !== undefined && (named === 'Training') !== (split === 'train')) {
        reporter.report({
          file,
          message: `its name says ${named}, its folder ${split}`,
          hint: 'Expected Training_… in train and PublicTest_… or PrivateTest_… in test.',
        });
        continue;
      }
      const known = named ?? usage;
      items.push({
        id: `fer2013/${split}/${label}/${stem}`,
        label,
        dataset: 'fer2013',
        split,
        ...defined({ usage: known }),
        image: { kind: 'file', path: file },
        file,
      });
    }
  }
}

const SIDE = 48;
const PIXELS = SIDE * SIDE;
const USAGES = ['Training', 'PublicTest', 'PrivateTest'] as const;

const TABLE_EXPECTED =
  'Expected the header `emotion,pixels,Usage` (fer2013.csv) or `emotion, Usage, pixels` (icml_face_data.csv).';

/** Whether a text starts with the header of one of FER2013's tables. */
function isFerTable(start: string): boolean {
  const names = headerOf(start);
  return ['emotion', 'pixels', 'usage'].every((name) => names.includes(name));
}

const headerOf = (start: string): string[] =>
  start
    .slice(0, start.search(/\r?\n|$/))
    .split(',')
    .map((name) => name.replaceAll('"', '').trim().toLowerCase());

/**
 * Loads FER2013 from one of its tables; the pixels (83 MB for the whole set) stay in memory.
 * @throws MienError `data` with file and row if the file is not such a table or a row is invalid
 */
async function loadFer2013Csv(file: string, options: DataSetOptions = {}): Promise<LoadedFer2013> {
  const start = await sniffText(file);
  if (!isFerTable(start)) throw new MienError('data', foreign(start), { file, hint: TABLE_EXPECTED });
  const names = headerOf(start);
  const [emotion, pixels, usage] = ['emotion', 'pixels', 'usage'].map((name) => names.indexOf(name)) as [
    number,
    number,
    number,
  ];
  const reporter = problems(options);
  const items: FaceItem[] = [];
  const counts = { Training: 0, PublicTest: 0, PrivateTest: 0 };
  let row = 1;

  const take = (record: readonly string[]): void => {
    const report = (message: string, hint: string): void => reporter.report({ file, row, message, hint });
    if (record.length !== names.length)
      return report(`${record.length} fields`, `Expected ${names.length}: ${names.join(', ')}.`);
    const number = record[emotion]!.trim();
    const label = FER2013_NUMBERS[number];
    if (label === undefined)
      return report(
        `unknown label ${JSON.stringify(number)}`,
        'Expected 0 angry, 1 disgust, 2 fear, 3 happy, 4 sad, 5 surprise or 6 neutral.',
      );
    const named = record[usage]!.trim();
    const known = USAGES.find((name) => name === named);
    if (known === undefined)
      return report(`unknown usage ${JSON.stringify(named)}`, suggestion(named, USAGES));
    const image = readPixels(record[pixels]!);
    if (typeof image === 'string') return report(image, `Expected ${PIXELS} numbers 0–255 (48×48).`);
    counts[known]++;
    items.push({
      id: `fer2013/${known}/${String(counts[known]).padStart(5, '0')}`,
      label,
      dataset: 'fer2013',
      split: known === 'Training' ? 'train' : 'test',
      usage: known,
      image: { kind: 'pixels', width: SIDE, height: SIDE, data: image },
      file,
      row,
    });
  };

  try {
    for await (const { record, info } of csvRecords(readParts(file), { from: 2 })) {
      row = info.lines;
      take(record);
    }
  } catch (cause) {
    if (!(cause instanceof CsvError)) throw cause;
    throw new MienError('data', `is not a valid CSV (${cause.message})`, {
      file,
      row: row + 1,
      hint: TABLE_EXPECTED,
      cause,
    });
  }
  if (items.length === 0)
    throw new MienError('data', 'contains no usable record', { file, hint: TABLE_EXPECTED });
  return { path: file, form: 'csv', items, skipped: reporter.skipped, warnings: [] };
}

function foreign(start: string): string {
  const line = start.slice(0, start.search(/\r?\n|$/));
  if (/\bSIT\b.*\|/.test(line) || /^"?(sentiment|emotions)"?,"?(content|statements)/i.test(line))
    return 'is ISEAR, not FER2013; were two sets swapped?';
  if (/^image,label$/i.test(line.trim()) || /^(train|test)_\d+\S*\.jpg/.test(line))
    return "is a table of RAF-DB's labels, not FER2013; were two sets swapped?";
  return `is not a table of FER2013 (first line: ${JSON.stringify(line.slice(0, 60))})`;
}

/** 48 × 48 grey values from space-separated numbers, or a message if they are invalid. */
function readPixels(text: string): Uint8Array | string {
  const data = new Uint8Array(PIXELS);
  let count = 0;
  let value = -1;
  for (let i = 0; i <= text.length; i++) {
    const code = i < text.length ? text.charCodeAt(i) : 32;
    if (code >= 48 && code <= 57) {
      value = (value < 0 ? 0 : value * 10) + code - 48;
      if (value > 255) return `pixel ${count + 1} is above 255`;
    } else if (code === 32 || code === 9) {
      if (value >= 0) {
        if (count < PIXELS) data[count] = value;
        count++;
        value = -1;
      }
    } else return `pixel ${count + 1} is not a number`;
  }
  return count === PIXELS ? data : `${count} pixels`;
}
