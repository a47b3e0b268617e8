// Reads FER+'s votes for FER2013's images and joins them to its items.
// Source: Barsoum et al. 2016, "Training deep networks for facial expression recognition with crowd-sourced label
// distribution"; the two forms of the table are described in docs/data.md.
import { readFile } from 'node:fs/promises';
import { parse } from 'node:path';
import { CsvError, parse as parseCsv } from 'csv-parse/sync';
import { MienError } from 'mien-engine/base';
import { fileError } from 'mien-engine/node';
import {
  FACE_LABELS,
  type FaceItem,
  type FaceLabel,
  type FaceVotes,
  FER2013_FOLDERS,
  type LoadedFer2013,
  sniffText,
} from 'mien/parts/data';

/** Columns of both forms, in lower case, and what they count votes for. */
const COLUMNS: Readonly<Record<string, FaceLabel | 'contempt' | 'unknown' | 'noFace'>> = {
  neutral: 'neutral',
  happiness: 'joy',
  surprise: 'surprise',
  sadness: 'sadness',
  anger: 'anger',
  disgust: 'disgust',
  fear: 'fear',
  contempt: 'contempt',
  unknown: 'unknown',
  nf: 'noFace',
};

const EXPECTED =
  'Expected `file,rows,neutral,…,NF` (ferplus.csv) or the official `Usage,Image name,neutral,…,NF` (fer2013new.csv).';

/** Votes by the image's label and file name, or by row of each part of FER2013. */
export type VoteTable =
  | { readonly form: 'files'; readonly path: string; readonly votes: ReadonlyMap<string, FaceVotes> }
  | {
      readonly form: 'rows';
      readonly path: string;
      readonly votes: Readonly<Record<NonNullable<FaceItem['usage']>, readonly FaceVotes[]>>;
    };

/** Whether a file name is that of a table of votes. */
export const isVoteTableName = (name: string): boolean => /^(ferplus|fer2013new)\.csv$/i.test(name);

/**
 * Reads a table of votes: `ferplus.csv`, by file name, or the official one, whose rows are those of `fer2013.csv`.
 * @throws MienError `data` with file and row if it is neither or a row is invalid, `file` if it cannot be read
 */
export async function readVotes(path: string): Promise<VoteTable> {
  await sniffText(path);
  const text = await readFile(path, 'utf8').catch((cause: unknown) => {
    throw fileError('read', path, cause);
  });
  let rows: string[][];
  try {
    rows = parseCsv(text, { bom: true, relax_column_count: true, skip_empty_lines: true });
  } catch (cause) {
    if (!(cause instanceof CsvError)) throw cause;
    throw new MienError('data', `is not a valid CSV (${cause.message})`, {
      file: path,
      hint: EXPECTED,
      cause,
    });
  }
  const header = rows[0]!.map((name) => name.trim().toLowerCase());
  const places = Object.keys(COLUMNS).map((column) => header.indexOf(column));
  const [file, usage] = [header.indexOf('file'), header.indexOf('usage')];
  if (places.includes(-1) || (file < 0 && usage < 0))
    throw new MienError('data', 'is not a table of FER+ votes', { file: path, hint: EXPECTED });

  const read = (record: readonly string[], row: number): FaceVotes => {
    const counts = Object.fromEntries(
      Object.values(COLUMNS).map((name, i) => {
        const field = record[places[i]!]?.trim() ?? '';
        if (!/^\d+$/.test(field))
          throw new MienError('data', `${JSON.stringify(field)} is not a number of votes`, {
            file: path,
            row,
            field: header[places[i]!]!,
            hint: EXPECTED,
          });
        return [name, Number(field)];
      }),
    ) as Record<FaceLabel | 'contempt' | 'unknown' | 'noFace', number>;
    const { contempt, unknown, noFace, ...labels } = counts;
    return { labels, contempt, unknown, noFace };
  };

  if (file >= 0) {
    const votes = new Map<string, FaceVotes>();
    rows.slice(1).forEach((record, i) => {
      const name = keyOf(record[file] ?? '');
      if (name === '' || votes.has(name))
        throw new MienError('data', name === '' ? 'has no file name' : `lists ${name} a second time`, {
          file: path,
          row: i + 2,
          hint: EXPECTED,
        });
      votes.set(name, read(record, i + 2));
    });
    return { form: 'files', path, votes };
  }
  const votes = {
    Training: [] as FaceVotes[],
    PublicTest: [] as FaceVotes[],
    PrivateTest: [] as FaceVotes[],
  };
  rows.slice(1).forEach((record, i) => {
    const part = votes[record[usage]!.trim() as keyof typeof votes];
    if (part === undefined)
      throw new MienError('data', `unknown usage ${JSON.stringify(record[usage])}`, {
        file: path,
        row: i + 2,
        hint: 'Expected Training, PublicTest or PrivateTest.',
      });
    part.push(read(record, i + 2));
  });
  return { form: 'rows', path, votes };
}

/** Label and file name, without extension, of a path; the label because a few file names occur under two labels. */
function keyOf(path: string): string {
  const [folder = '', name = ''] = path.trim().replaceAll('\\', '/').split('/').slice(-2);
  const label = FER2013_FOLDERS[folder.toLowerCase()];
  return label === undefined ? '' : `${label}/${parse(name).name}`;
}

/**
 * FER2013 with the votes for each item: joined by file name if it consists of image files, by row if it is a table.
 * @throws MienError `data` if the two forms cannot be joined
 */
export function joinVotes(set: LoadedFer2013, table: VoteTable): LoadedFer2013 {
  const [needed, name] = set.form === 'csv' ? ['rows', 'fer2013new.csv'] : ['files', 'ferplus.csv'];
  if (table.form !== needed)
    throw new MienError(
      'data',
      `cannot be joined to FER2013 as ${set.form === 'csv' ? 'a table' : 'folders'}`,
      {
        file: table.path,
        hint: `Use ${name}: ${set.form === 'csv' ? 'its rows are those of fer2013.csv' : 'it names the images'}.`,
      },
    );
  const find = table.form === 'files' ? byFile(table.votes) : byRow(set, table);
  let missing = 0;
  const items = set.items.map((item): FaceItem => {
    const votes = find(item);
    if (votes === undefined) missing++;
    return votes === undefined ? item : { ...item, votes };
  });
  if (missing === items.length)
    throw new MienError('data', 'has no votes for any of the images', { file: table.path, hint: EXPECTED });
  const note = `${table.path}: no votes for ${missing} of ${items.length} images of FER2013`;
  return { ...set, items, warnings: missing === 0 ? set.warnings : [...set.warnings, note] };
}

const byFile =
  (votes: ReadonlyMap<string, FaceVotes>) =>
  ({ file }: FaceItem): FaceVotes | undefined =>
    votes.get(keyOf(file));

function byRow(set: LoadedFer2013, { path, votes }: Extract<VoteTable, { form: 'rows' }>) {
  for (const usage of Object.keys(votes) as (keyof typeof votes)[]) {
    const count = set.items.filter((item) => item.usage === usage).length;
    if (count !== votes[usage].length)
      throw new MienError('data', `has ${votes[usage].length} rows of ${usage}, ${set.path} has ${count}`, {
        file: path,
        hint: 'Rows are joined by their order: both tables must be complete.',
      });
  }
  return ({ id, usage }: FaceItem): FaceVotes | undefined =>
    usage === undefined ? undefined : votes[usage][Number(id.split('/').at(-1)) - 1];
}

/** The choice with the most votes; undefined for a tie. */
export function majorityOf({ labels, contempt, unknown, noFace }: FaceVotes): FaceMajority | undefined {
  const all = Object.entries({ ...labels, contempt, unknown, noFace }) as [FaceMajority, number][];
  const most = Math.max(...all.map(([, count]) => count));
  const chosen = all.filter(([, count]) => count === most);
  return chosen.length === 1 ? chosen[0]![0] : undefined;
}

export type FaceMajority = FaceLabel | 'contempt' | 'unknown' | 'noFace';

/**
 * The distribution of the votes over the seven labels, in their order; undefined if the majority is contempt, unknown or
 * no face. Labels with fewer than `least` votes are ignored as outliers, as by FER+'s authors.
 */
export function voteDistribution(votes: FaceVotes, least = 2): number[] | undefined {
  const majority = majorityOf(votes);
  if (majority === 'contempt' || majority === 'unknown' || majority === 'noFace') return undefined;
  const counts = FACE_LABELS.map((label) => (votes.labels[label] >= least ? votes.labels[label] : 0));
  const total = counts.reduce((a, b) => a + b, 0);
  return total === 0 ? undefined : counts.map((count) => count / total);
}
