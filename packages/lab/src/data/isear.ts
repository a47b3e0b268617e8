// Reads ISEAR in the four forms in circulation, recognised by content, as one list of texts.
// Source: Scherer & Wallbott 1994; the forms are described in docs/data.md.
import { join } from 'node:path';
import { CsvError, parse } from 'csv-parse/sync';
import { defined, MienError, suggestion } from 'mien-engine/base';
import {
  ISEAR_NUMBERS,
  type IsearForm,
  isTextLabel,
  kindOf,
  type Lines,
  listFolder,
  type LoadedIsear,
  type DataSetOptions,
  problems,
  type Problems,
  readLines,
  sniffText,
  TEXT_LABELS,
  type TextItem,
  type TextLabel,
} from 'mien/parts/data';

/** In order of preference: only the original form is complete and identifies subjects. */
const FORMS: readonly IsearForm[] = ['pipe', 'sentiment-content', 'emotions-statements', 'headerless'];

const EXPECTED =
  'Expected ISEAR: the original table separated by `|` with columns ID, Field1 and SIT; a CSV with the header ' +
  '`sentiment,content` or `Emotions,Statements`; or a CSV of label,text without a header.';

/** Number of rows in the complete set. */
const PUBLISHED = 7666;

/**
 * Loads ISEAR from a file or a folder that contains it; of several forms the original one is preferred.
 * @throws MienError `file` if the path does not exist, `data` (with file and row) if it is not ISEAR or a row is invalid
 */
export async function loadIsear(path: string, options: DataSetOptions = {}): Promise<LoadedIsear> {
  const warnings: string[] = [];
  const { file, form } = await locate(path, warnings);
  const lines = await readLines(file);
  const reporter = problems(options);
  const items = (form === 'pipe' ? pipeRecords : csvRecords)(lines, file, form, reporter, warnings);
  if (items.length === 0) throw new MienError('data', 'contains no usable record', { file, hint: EXPECTED });
  if (items.length + reporter.skipped.length < PUBLISHED)
    warnings.push(`${file}: ${items.length} of ISEAR's ${PUBLISHED} texts (form ${form})`);
  if (form !== 'pipe')
    warnings.push(`${file}: this form does not identify subjects; splits cannot be subject-disjoint`);
  return { path: file, form, items, skipped: reporter.skipped, warnings };
}

/** The form of a file by its first line; undefined if it is not ISEAR. */
function recognizeIsear(start: string): IsearForm | undefined {
  const line = start.slice(0, start.search(/\r?\n|$/)).toLowerCase();
  const pipes = line.split('|').map((name) => name.trim());
  if (['id', 'field1', 'sit'].every((name) => pipes.includes(name))) return 'pipe';
  const [first = '', second = ''] = line.split(',').map((name) => name.replaceAll('"', '').trim());
  if (first === 'sentiment' && second === 'content') return 'sentiment-content';
  if (first === 'emotions' && second === 'statements') return 'emotions-statements';
  return line.includes(',') && (isTextLabel(first) || first === 'guit') ? 'headerless' : undefined;
}

async function locate(path: string, warnings: string[]): Promise<{ file: string; form: IsearForm }> {
  const kind = await kindOf(path);
  if (kind === 'missing')
    throw new MienError('file', 'no such file or folder', { file: path, hint: EXPECTED });
  if (kind === 'file') {
    const start = await sniffText(path);
    const form = recognizeIsear(start);
    if (form === undefined) throw new MienError('data', foreign(start), { file: path, hint: EXPECTED });
    return { file: path, form };
  }
  const { files, folders } = await listFolder(path);
  const found: { file: string; form: IsearForm }[] = [];
  let refused: unknown;
  for (const name of files.filter((name) => /\.(csv|txt|dat|tsv)$/i.test(name))) {
    const file = join(path, name);
    try {
      const form = recognizeIsear(await sniffText(file));
      if (form !== undefined) found.push({ file, form });
    } catch (error) {
      refused ??= error;
    }
  }
  found.sort((a, b) => FORMS.indexOf(a.form) - FORMS.indexOf(b.form));
  const [best, ...others] = found;
  if (best === undefined) {
    if (refused !== undefined) throw refused;
    const images = folders.some((name) => /^(train|test|dataset|image)$/i.test(name));
    throw new MienError(
      'data',
      images ? 'contains faces, not ISEAR; were two sets swapped?' : 'does not contain ISEAR',
      {
        file: path,
        hint: EXPECTED,
      },
    );
  }
  if (others.length > 0)
    warnings.push(
      `${path}: contains ISEAR in ${found.length} forms; ${best.file} (form ${best.form}) is used`,
    );
  return best;
}

/** Describes a file that is not ISEAR. */
function foreign(start: string): string {
  const line = start.slice(0, start.search(/\r?\n|$/));
  if (/\bpixels\b/.test(line)) return 'is a table of FER2013, not ISEAR; were two sets swapped?';
  if (/^image,label$/i.test(line.trim()) || /^(train|test)_\d+\S*\.jpg/.test(line))
    return "is a table of RAF-DB's labels, not ISEAR; were two sets swapped?";
  return `is not a form of ISEAR (first line: ${JSON.stringify(line.slice(0, 60))})`;
}

/** Undoes artefacts of the original export: `á` (and a following `|`) for a line break, `\` for a quotation mark. */
export function repairText(text: string): string {
  let repaired = text.replace(/\s*á\s*\|?\s*/g, '\n').replaceAll('|', ' ');
  if (repaired.includes('\\')) {
    // A field with quotation marks ends in one added by the export; within the field they are \ and \".
    repaired = repaired.replace(/"\s*$/, '').replaceAll('\\"', '"').replaceAll('\\', '"');
  }
  return repaired.trim();
}

interface Columns {
  readonly file: string;
  readonly row: number;
  readonly reporter: Problems;
  readonly warnings: string[];
}

/** The label as mien spells it; undefined, after reporting it, if it is unknown. */
function readLabel(name: string, { file, row, reporter, warnings }: Columns): TextLabel | undefined {
  const label = name.trim().toLowerCase();
  if (isTextLabel(label)) return label;
  if (label === 'guit') {
    warnings.push(`${file}, row ${row}: the label "guit" is read as guilt`);
    return 'guilt';
  }
  const hint = suggestion(label, TEXT_LABELS);
  reporter.report({ file, row, message: `unknown label ${JSON.stringify(name)}`, hint });
  return undefined;
}

const idOf = (record: number): string => `isear/${String(record).padStart(5, '0')}`;

function csvRecords(
  { text, faults }: Lines,
  file: string,
  form: IsearForm,
  reporter: Problems,
  warnings: string[],
): TextItem[] {
  let records: { record: string[]; info: { lines: number } }[];
  try {
    records = parse(text, {
      bom: true,
      info: true,
      relax_column_count: true,
      skip_empty_lines: true,
    }) as unknown as typeof records;
  } catch (cause) {
    const row = cause instanceof CsvError && typeof cause.lines === 'number' ? cause.lines : undefined;
    throw new MienError('data', `is not a valid CSV (${(cause as Error).message})`, {
      file,
      ...defined({ row }),
      hint: 'Is the file truncated, or a quotation mark not closed?',
      cause,
    });
  }
  const items: TextItem[] = [];
  const header = form === 'headerless' ? 0 : 1;
  let end = 0;
  records.forEach(({ record, info }, index) => {
    const row = end + 1;
    end = info.lines;
    if (index < header) return;
    const name = record[0];
    // In the form without a header, rows end in a comma and some commas of the text are not quoted.
    const content =
      form === 'headerless' ? record.slice(1).join(',').replace(/,$/, '') : record.slice(1, 2).join();
    if (name === undefined || record.length < 2 || (form !== 'headerless' && record.length > 2))
      return reporter.report({
        file,
        row,
        message: `${record.length} ${record.length === 1 ? 'field' : 'fields'}`,
        hint: 'Expected a label and a text, in quotation marks if it contains a comma.',
      });
    for (let line = row; line <= end; line++)
      if (faults.has(line)) return reporter.report({ file, row: line, ...faults.get(line)! });
    const label = readLabel(name, { file, row, reporter, warnings });
    if (label === undefined) return;
    items.push({ id: idOf(index + 1 - header), text: repairText(content), label, file, row });
  });
  return items;
}

/** The original form: without quoting, so that a `|` within SIT is detected by counting columns from both ends. */
function pipeRecords(
  { text, faults }: Lines,
  file: string,
  _form: IsearForm,
  reporter: Problems,
  warnings: string[],
): TextItem[] {
  const [head = '', ...lines] = text.split(/\r?\n/);
  const header = head.replace(/\|\s*$/, '').split('|');
  const column = (name: string): number => header.findIndex((field) => field.trim().toLowerCase() === name);
  const [id, emotion, label, situation] = ['id', 'emot', 'field1', 'sit'].map(column) as [
    number,
    number,
    number,
    number,
  ];
  const [country, sex, age] = ['coun', 'sex', 'age'].map(column) as [number, number, number];
  const behind = header.length - 1 - situation;
  const items: TextItem[] = [];
  lines.forEach((line, index) => {
    if (line === '') return;
    const row = index + 2;
    const fields = line.split('|');
    // Some rows, and some headers, lack the last separator.
    const end = fields.length - behind - (/\|\s*$/.test(line) ? 1 : 0);
    if (end <= situation)
      return reporter.report({
        file,
        row,
        message: `${fields.length - 1} columns`,
        hint: `Expected ${header.length}, separated by "|"; is the row truncated?`,
      });
    if (faults.has(row)) return reporter.report({ file, row, ...faults.get(row)! });
    const named = readLabel(fields[label]!, { file, row, reporter, warnings });
    if (named === undefined) return;
    const numbered = emotion < 0 ? named : ISEAR_NUMBERS[fields[emotion]!.trim()];
    if (numbered !== named)
      return reporter.report({
        file,
        row,
        message: `Field1 says ${named} and EMOT says ${fields[emotion]!} (${numbered ?? 'no label'})`,
        hint: 'Expected the same emotion in both columns (1 joy, 2 fear, 3 anger, 4 sadness, 5 disgust, 6 shame, 7 guilt).',
      });
    const years = Number(fields[age]);
    items.push({
      id: idOf(index + 1),
      text: repairText(fields.slice(situation, end).join('|')),
      label: named,
      subject: fields[id]!.trim(),
      ...defined({
        country: fields[country]?.trim(),
        sex: fields[sex]?.trim(),
        age: years > 0 ? years : undefined,
      }),
      file,
      row,
    });
  });
  return items;
}
