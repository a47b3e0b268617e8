// Reads FER2013 as folders of images, and decides which of its forms a path holds.
// Source: Goodfellow et al. 2013, "Challenges in representation learning"; the forms are described in docs/data.md.
import { join, parse } from 'node:path';
import { defined, MienError, suggestion } from 'mien-engine/base';
import { isFerTable, loadFer2013Csv } from './fer2013-csv.js';
import {
  type FaceItem,
  FER2013_FOLDERS,
  isImageName,
  kindOf,
  listFolder,
  type LoadedFer2013,
  type LoadOptions,
  problems,
  type Problems,
  sniffText,
} from 'mien/parts';

const EXPECTED =
  'Expected FER2013: folders train/ and test/, each with angry, disgust, fear, happy, neutral, sad and surprise; or ' +
  'the table fer2013.csv (emotion,pixels,Usage) or icml_face_data.csv.';

type Usage = NonNullable<FaceItem['usage']>;

/** Folder names of splits, in lower case, and what they say. */
const SPLIT_FOLDERS: Readonly<Record<string, { split: 'train' | 'test'; usage?: Usage }>> = {
  train: { split: 'train', usage: 'Training' },
  training: { split: 'train', usage: 'Training' },
  test: { split: 'test' },
  publictest: { split: 'test', usage: 'PublicTest' },
  privatetest: { split: 'test', usage: 'PrivateTest' },
};

/** Images of the published set. */
const PUBLISHED = { train: 28709, test: 7178 } as const;

/**
 * Loads FER2013 from its folders, from `fer2013.csv` or `icml_face_data.csv`, or from a folder that holds one.
 * Image files are only listed here; whether they can be decoded is found when they are read (`hashFaces`).
 * @throws MienError `file` when nothing is there, `data` (with file and row) when it is not FER2013 or an item is bad.
 */
export async function loadFer2013(path: string, options: LoadOptions = {}): Promise<LoadedFer2013> {
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

async function loadFolderOrTable(path: string, options: LoadOptions): Promise<LoadedFer2013> {
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
    rafdb ? 'is RAF-DB, not FER2013; were two sets swapped?' : 'FER2013 is not here',
    {
      file: path,
      hint: EXPECTED,
    },
  );
}

const isSplit = (name: string): boolean => Object.hasOwn(SPLIT_FOLDERS, name.toLowerCase());

async function loadFolders(root: string, options: LoadOptions): Promise<LoadedFer2013> {
  const reporter = problems(options);
  const items: FaceItem[] = [];
  for (const name of (await listFolder(root)).folders) {
    const split = SPLIT_FOLDERS[name.toLowerCase()];
    if (split !== undefined) await loadSplit(join(root, name), split, reporter, items);
  }
  for (const split of ['train', 'test'] as const)
    if (!items.some((item) => item.split === split))
      throw new MienError('data', `holds no ${split} images`, { file: root, hint: EXPECTED });
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
          message: `is ${named} by its name and ${split} by its folder`,
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
