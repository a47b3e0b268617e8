// Reads a transcript, when which words are said: a table, such as the one that `mien watch --transcribe` writes, or subtitles.
import { readFile } from 'node:fs/promises';
import { extname } from 'node:path';
import { badTextError, decodeLines, defined, faultError, MienError, notText } from 'mien-engine/base';
import { fileError, readChunks } from 'mien-engine/node';
import { cellText, checkColumn, foldName, isWrong } from '../data/columns.js';
import { rowsOf } from '../data/rows.js';
import type { TranscriptPart } from './spoken.js';
import { isSubtitles, readSubtitles } from './subtitles.js';

const COLUMNS = ['start', 'end', 'text'] as const;

/**
 * The parts of a transcript: CSV or JSONL with the columns `start` and `end` in seconds and `text`, or subtitles in SubRip
 * or WebVTT, recognised by content or by the extensions `.srt` and `.vtt`. Parts without words are left out.
 * @throws MienError `data` that names the row or line that is no part, `usage` for a missing column, `file` if it cannot be
 *   read.
 */
export async function readTranscript(file: string): Promise<TranscriptPart[]> {
  const bytes = await readFile(file).catch((cause: unknown) => {
    throw fileError('read', file, cause);
  });
  const { text, bad } = decodeLines(bytes);
  const lines = text.replace(/\r\n?/g, '\n');
  if (!isSubtitles(lines) && !/^\.(?:srt|vtt)$/i.test(extname(file))) return readTable(file);
  const fault = notText(bytes);
  if (fault) throw faultError(fault, { file });
  if (bad[0]) throw badTextError(file, bad[0]);
  return readSubtitles(lines, file);
}

async function readTable(file: string): Promise<TranscriptPart[]> {
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
