// Finds the three data sets in a folder or at given paths, and reports which are missing.
import { join } from 'node:path';
import { defined, MienError } from 'mien-engine/base';
import { loadFer2013 } from './fer2013.js';
import { loadIsear } from './isear.js';
import { loadRafdb } from './rafdb.js';
import { type DataSets, kindOf, listFolder, type LoadedFer2013, type DataSetOptions } from 'mien/parts/data';
import { isVoteTableName, joinVotes, readVotes } from './votes.js';

type SetName = 'isear' | 'fer2013' | 'rafdb';

/** Paths of the sets and of FER+'s votes; sets without a path are not loaded. */
export type SetPaths = Readonly<Partial<Record<SetName | 'votes', string>>>;

export interface OpenOptions extends DataSetOptions {
  /** Paths that take precedence over those found in the folder. */
  readonly paths?: SetPaths;
  /** Do not throw if there is none of the sets. */
  readonly optional?: boolean;
}

export interface OpenedDataSets extends DataSets {
  /** Names of the sets that are neither in the folder nor given by a path. */
  readonly missing: readonly SetName[];
}

const SETS: readonly SetName[] = ['isear', 'fer2013', 'rafdb'];

/** Folder names, compared without case, hyphens, underscores, dots and spaces. */
const SPELLINGS: Readonly<Record<SetName, readonly string[]>> = {
  isear: ['isear'],
  fer2013: ['fer2013', 'fer', 'icmlfacedata'],
  rafdb: ['rafdb', 'raf'],
};

/**
 * Finds the sets in a folder: subfolders (or files) named `isear`, `fer2013` and `rafdb`, in any spelling.
 * @throws MienError `file` if the folder does not exist or is a file
 */
export async function findDataSets(dir: string): Promise<SetPaths> {
  if ((await kindOf(dir)) !== 'folder')
    throw new MienError('file', 'no such folder', {
      file: dir,
      hint: 'Expected a folder with isear/, fer2013/ and rafdb/.',
    });
  const { files, folders } = await listFolder(dir);
  const plain = (name: string): string =>
    name
      .toLowerCase()
      .replace(/\.csv$/, '')
      .replace(/[-_. ]/g, '');
  const found: Partial<Record<SetName | 'votes', string>> = {};
  for (const set of SETS) {
    const name = [...folders, ...files.filter((file) => /\.csv$/i.test(file))].find((entry) =>
      SPELLINGS[set].includes(plain(entry)),
    );
    if (name !== undefined) found[set] = join(dir, name);
  }
  const votes = await findVotes([
    dir,
    ...VOTE_FOLDERS.flatMap((name) => folders.filter((f) => plain(f) === name)).map((name) =>
      join(dir, name),
    ),
  ]);
  if (votes !== undefined) found.votes = votes;
  return found;
}

/** Subfolders searched for votes. */
const VOTE_FOLDERS = ['faces', 'ferplus', 'fer2013', 'fer'];

/** The first table of votes in these folders. */
async function findVotes(folders: readonly string[]): Promise<string | undefined> {
  for (const folder of folders) {
    const name = (await listFolder(folder)).files.find(isVoteTableName);
    if (name !== undefined) return join(folder, name);
  }
  return undefined;
}

async function loadVoted(
  fer2013: string,
  votes: string | undefined,
  options: DataSetOptions,
): Promise<LoadedFer2013> {
  const set = await loadFer2013(fer2013, options);
  return votes === undefined ? set : joinVotes(set, await readVotes(votes));
}

/**
 * Loads the sets of a folder (`undefined`: only those in `paths`).
 * @throws MienError `file` if there is none (unless `optional`), and errors of the loaders
 */
export async function openDataSets(
  dir: string | undefined,
  options: OpenOptions = {},
): Promise<OpenedDataSets> {
  const paths = { ...(dir === undefined ? {} : await findDataSets(dir)), ...options.paths };
  const missing = SETS.filter((set) => paths[set] === undefined);
  if (missing.length === SETS.length && options.optional !== true)
    throw new MienError('file', 'contains none of the data sets', {
      ...defined({ file: dir }),
      hint: 'Expected a folder with isear/, fer2013/ or rafdb/, or a path for each.',
    });
  const { isear, fer2013, votes, rafdb } = paths;
  return {
    ...defined({
      isear: isear === undefined ? undefined : await loadIsear(isear, options),
      fer2013: fer2013 === undefined ? undefined : await loadVoted(fer2013, votes, options),
      rafdb: rafdb === undefined ? undefined : await loadRafdb(rafdb, options),
    }),
    missing,
  };
}
