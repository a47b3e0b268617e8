// Reads FER2013 as a table of pixels (fer2013.csv, icml_face_data.csv), streamed because it is 300 MB of text.
import { CsvError } from 'csv-parse';
import { MienError, suggestion } from 'mien-engine/base';
import {
  csvRecords,
  type FaceItem,
  FER2013_NUMBERS,
  type LoadedFer2013,
  type LoadOptions,
  problems,
  readParts,
  sniffText,
} from 'mien/parts';

const SIDE = 48;
const PIXELS = SIDE * SIDE;
const USAGES = ['Training', 'PublicTest', 'PrivateTest'] as const;

const EXPECTED =
  'Expected the header `emotion,pixels,Usage` (fer2013.csv) or `emotion, Usage, pixels` (icml_face_data.csv).';

/** Whether a text starts with the header of FER2013's tables. */
export function isFerTable(start: string): boolean {
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
 * @throws MienError `data` with file and row when the file is not such a table or a row is bad.
 */
export async function loadFer2013Csv(file: string, options: LoadOptions = {}): Promise<LoadedFer2013> {
  const start = await sniffText(file);
  if (!isFerTable(start)) throw new MienError('data', foreign(start), { file, hint: EXPECTED });
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
      hint: EXPECTED,
      cause,
    });
  }
  if (items.length === 0) throw new MienError('data', 'holds no usable record', { file, hint: EXPECTED });
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

/** 48 × 48 grey values from space-separated numbers, or what is wrong with them. */
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
