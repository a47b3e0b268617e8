// Rows whose text an encoder cannot read are no examples of anything: they are found before training begins.
import { type DataSetOptions, problems } from 'mien/parts/data';
import { createTokenizer, readingOf } from 'mien/parts/encoders';
import type { PretrainedOptions } from '../encoders/pretrained.js';
import { readPretrainedText } from '../encoders/load.js';
import type { TextEncoderSpec } from '../encoders/profiles.js';
import type { Table } from '../data/table.js';

/**
 * The table without rows of whose text the encoder's tokenizer reads nothing.
 * @throws MienError `data` that names the first such row, unless they are passed over (`skipInvalid`), and as loading the
 *   tokenizer does.
 */
export async function readableTable(
  table: Table,
  spec: TextEncoderSpec,
  options: PretrainedOptions & DataSetOptions = {},
): Promise<Table> {
  if (table.rows.every(({ text }) => text === undefined)) return table;
  const { tokenizer } = await readPretrainedText(spec, options);
  const { encode } = createTokenizer(tokenizer.json, { maxTokens: spec.maxTokens, file: tokenizer.path });
  const reporter = problems(options);
  const rows = table.rows.filter(({ text, row }) => {
    if (text === undefined || readingOf(text, encode(text)).isEvidence) return true;
    const message = 'has a text of which the encoder can read nothing';
    reporter.report({ file: table.file, row, message });
    return false;
  });
  return { ...table, rows, skipped: [...table.skipped, ...reporter.skipped] };
}
