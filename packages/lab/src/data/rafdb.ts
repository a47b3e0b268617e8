// Reads RAF-DB's single-label ("basic") part as DATASET/ folders and in its official form.
// Source: Li, Deng & Du 2017, "Reliable crowdsourcing and deep locality-preserving learning".
import { join, parse } from 'node:path';
import { defined, MienError } from 'mien-engine/base';
import {
  type FaceItem,
  type FaceLabel,
  findFolder,
  isImageName,
  kindOf,
  listFolder,
  type LoadedRafdb,
  type DataSetOptions,
  problems,
  type Problems,
  RAFDB_NUMBERS,
  readLines,
  sniffText,
} from 'mien/parts/data';

const EXPECTED =
  'Expected RAF-DB: DATASET/ with train/1 … train/7 and test/1 … test/7; or the official Image/aligned/ with ' +
  'EmoLabel/list_patition_label.txt.';
const NUMBERS = 'Expected 1 surprise, 2 fear, 3 disgust, 4 happiness, 5 sadness, 6 anger or 7 neutral.';

/** Number of images in the published single-label part. */
const PUBLISHED = { train: 12271, test: 3068 } as const;

/**
 * Loads RAF-DB from the folder that contains `DATASET/` (or train/ and test/), or `Image/` and `EmoLabel/`.
 * @throws MienError `file` if the path does not exist, `data` (with file and row) if it is not RAF-DB or an item is
 *   invalid
 */
export async function loadRafdb(path: string, options: DataSetOptions = {}): Promise<LoadedRafdb> {
  const kind = await kindOf(path);
  if (kind === 'missing')
    throw new MienError('file', 'no such file or folder', { file: path, hint: EXPECTED });
  if (kind === 'file') {
    const pixels = /\bpixels\b/.test((await sniffText(path)).slice(0, 200));
    const message = pixels
      ? 'is a table of FER2013, not RAF-DB; were two sets swapped?'
      : 'is a file, not a folder';
    throw new MienError('data', message, { file: path, hint: EXPECTED });
  }
  const loaded = await loadFrom(path, options);
  const count = (split: 'train' | 'test'): number =>
    loaded.items.reduce((sum, item) => sum + (item.split === split ? 1 : 0), 0);
  const [train, test] = [count('train'), count('test')];
  for (const [split, number] of [
    ['train', train],
    ['test', test],
  ] as const)
    if (number === 0)
      throw new MienError('data', `contains no ${split} images`, { file: path, hint: EXPECTED });
  if (train === PUBLISHED.train && test === PUBLISHED.test) return loaded;
  const note = `${path}: ${train} training and ${test} test images; RAF-DB's single-label part has ${PUBLISHED.train} and ${PUBLISHED.test}`;
  return { ...loaded, warnings: [...loaded.warnings, note] };
}

async function loadFrom(path: string, options: DataSetOptions): Promise<LoadedRafdb> {
  const roots = [path, await findFolder(path, 'dataset'), await findFolder(path, 'basic')];
  for (const root of roots) {
    if (root === undefined) continue;
    const [train, test] = [await findFolder(root, 'train'), await findFolder(root, 'test')];
    if (train !== undefined && test !== undefined) return loadFolders(root, { train, test }, options);
    const [image, labels] = [await findFolder(root, 'image'), await findFolder(root, 'emolabel')];
    if (image !== undefined && labels !== undefined) return loadOfficial(root, image, labels, options);
  }
  const fer = (await listFolder(path)).files.some((name) => /^(fer2013|icml_face_data)\.csv$/i.test(name));
  throw new MienError(
    'data',
    fer ? 'is FER2013, not RAF-DB; were two sets swapped?' : 'does not contain RAF-DB',
    {
      file: path,
      hint: EXPECTED,
    },
  );
}

/** `train_00001_aligned.jpg` and `train_00001.jpg` are both `train_00001`. */
const stemOf = (name: string): string => parse(name).name.replace(/_aligned$/, '');

function face(stem: string, label: FaceLabel, split: 'train' | 'test', file: string, row?: number): FaceItem {
  const image = { kind: 'file', path: file } as const;
  return { id: `rafdb/${stem}`, label, dataset: 'rafdb', split, image, file, ...defined({ row }) };
}

async function loadFolders(
  root: string,
  folders: { train: string; test: string },
  options: DataSetOptions,
): Promise<LoadedRafdb> {
  const reporter = problems(options);
  const warnings: string[] = [];
  const items: FaceItem[] = [];
  for (const split of ['train', 'test'] as const) {
    const folder = folders[split];
    const numbers = (await listFolder(folder)).folders;
    if (numbers.some((name) => /^(angry|happy|sad|surprise)$/i.test(name)))
      throw new MienError('data', 'has the folders of FER2013, not those of RAF-DB; were two sets swapped?', {
        file: folder,
        hint: EXPECTED,
      });
    const table = await labelTable(root, split, reporter);
    if (table === undefined)
      warnings.push(`${join(root, `${split}_labels.csv`)}: not found; labels are taken from the folders`);
    for (const number of ['1', '2', '3', '4', '5', '6', '7'])
      if (!numbers.includes(number))
        reporter.report({ file: join(folder, number), message: 'the folder is missing', hint: EXPECTED });
    for (const number of numbers) {
      const label = RAFDB_NUMBERS[number];
      if (label === undefined) {
        const message = `unknown label ${JSON.stringify(number)}`;
        reporter.report({ file: join(folder, number), message, hint: NUMBERS });
        continue;
      }
      for (const name of (await listFolder(join(folder, number))).files) {
        const file = join(folder, number, name);
        const listed = table?.get(stemOf(name));
        table?.delete(stemOf(name));
        if (!isImageName(name))
          reporter.report({ file, message: 'is not an image', hint: 'Expected only image files here.' });
        else if (listed !== undefined && listed.number !== number)
          reporter.report({
            file: listed.file,
            row: listed.row,
            message: `${name} has label ${listed.number} here, but is in folder ${number}`,
            hint: 'Expected the table and the folders to agree.',
          });
        else items.push(face(stemOf(name), label, split, file));
      }
    }
    for (const [stem, { file, row }] of table ?? [])
      reporter.report({
        file,
        row,
        message: `the image ${stem} is missing`,
        hint: `Expected it in ${folder}.`,
      });
  }
  return { path: root, form: 'folders', items, skipped: reporter.skipped, warnings };
}

interface Listed {
  readonly number: string;
  readonly file: string;
  readonly row: number;
}

/** The rows of `train_labels.csv` or `test_labels.csv` by stem; undefined if the file does not exist. */
async function labelTable(
  root: string,
  split: string,
  reporter: Problems,
): Promise<Map<string, Listed> | undefined> {
  const file = join(root, `${split}_labels.csv`);
  if ((await kindOf(file)) !== 'file') return undefined;
  return readLabels(file, ',', reporter, true);
}

/** Lines of `name label`, by stem; invalid ones are reported. */
async function readLabels(
  file: string,
  separator: ',' | ' ',
  reporter: Problems,
  header: boolean,
): Promise<Map<string, Listed>> {
  const { text, faults } = await readLines(file);
  const table = new Map<string, Listed>();
  text.split(/\r?\n/).forEach((line, index) => {
    if (line.trim() === '' || (header && index === 0 && /^image/i.test(line))) return;
    const [name = '', number = ''] = line.split(separator).map((field) => field.trim());
    const row = index + 1;
    const fault = faults.get(row);
    if (fault) reporter.report({ file, row, ...fault });
    else if (!/\.(jpe?g|png)$/i.test(name))
      reporter.report({
        file,
        row,
        message: `no image name in ${JSON.stringify(line.slice(0, 60))}`,
        hint: EXPECTED,
      });
    else if (RAFDB_NUMBERS[number] === undefined)
      reporter.report({ file, row, message: `unknown label ${JSON.stringify(number)}`, hint: NUMBERS });
    else table.set(stemOf(name), { number, file, row });
  });
  return table;
}

async function loadOfficial(
  root: string,
  image: string,
  labels: string,
  options: DataSetOptions,
): Promise<LoadedRafdb> {
  const aligned = await findFolder(image, 'aligned');
  if (aligned === undefined)
    throw new MienError('data', 'has no folder aligned/', {
      file: image,
      hint: 'The aligned 100×100 faces are used; unpack aligned.zip there.',
    });
  const list = (await listFolder(labels)).files.find((name) => /^list_par?tition_label\.txt$/i.test(name));
  if (list === undefined)
    throw new MienError('file', 'no such file', {
      file: join(labels, 'list_patition_label.txt'),
      hint: EXPECTED,
    });
  const reporter = problems(options);
  const byStem = new Map(
    (await listFolder(aligned)).files.filter(isImageName).map((name) => [stemOf(name), name]),
  );
  const items: FaceItem[] = [];
  for (const [stem, { number, file, row }] of await readLabels(join(labels, list), ' ', reporter, false)) {
    const name = byStem.get(stem);
    const split = /^(train|test)_/.exec(stem)?.[1] as 'train' | 'test' | undefined;
    if (split === undefined)
      reporter.report({
        file,
        row,
        message: `the name ${stem} gives no split`,
        hint: 'Expected train_… or test_….',
      });
    else if (name === undefined)
      reporter.report({
        file,
        row,
        message: `the image of ${stem} is missing`,
        hint: `Expected it in ${aligned}.`,
      });
    else items.push(face(stem, RAFDB_NUMBERS[number]!, split, join(aligned, name), row));
  }
  return { path: root, form: 'official', items, skipped: reporter.skipped, warnings: [] };
}
