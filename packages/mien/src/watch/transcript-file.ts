// Reads a transcript from a table, such as the one that `mien watch --transcribe` writes: when which words are said.
import { defined, faultError, MienError } from 'mien-engine/base';
import { readChunks } from 'mien-engine/node';
import { cellText, checkColumn, foldName, isWrong } from '../data/columns.js';
import { rowsOf } from '../data/rows.js';
import type { TranscriptPart } from './spoken.js';

const COLUMNS = ['start', 'end', 'text'] as const;

/**
 * The parts of a transcript in CSV or JSONL, with the columns `start` and `end` in seconds and `text`; rows without words are
 * left out.
 * @throws MienError `data` that names the row that is none, `usage` for a missing column, `file` if it cannot be read.
 */
export async function readTranscript(file: string): Promise<TranscriptPart[]> {
  const parts: TranscriptPart[] = [];
  const check = (names: readonly string[]): void => {
    for (const name of COLUMNS) checkColumn(file, names, name);
  };
  for await (const { row, fault, ...read } of rowsOf(readChunks(file), { file, wanted: COLUMNS, check })) {
    if (fault) throw faultError(fault, { file, row });
    const { cells } = read as { readonly cells: ReadonlyMap<string, unknown> };
    const [start, end] = (['start', 'end'] as const).map((name) => seconds(cells.get(foldName(name))));
    const text = cellText(cells.get('text'));
    if (start === undefined || end === undefined || start > end || isWrong(text))
      throw new MienError('data', 'is not a part of a transcript', {
        ...defined({ file, row }),
        hint: 'Expected start and end in seconds, in this order, and a text.',
      });
    if (text?.trim()) parts.push({ start, end, text });
  }
  return parts;
}

/** A number of seconds, as JSON or as CSV has it. */
function seconds(cell: unknown): number | undefined {
  const value = typeof cell === 'string' && cell.trim() !== '' ? Number(cell) : cell;
  return typeof value === 'number' && Number.isFinite(value) && value >= 0 ? value : undefined;
}
