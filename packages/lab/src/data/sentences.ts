// Sentences written for mien (models/sentences.csv): what corpora hardly hold, such as irony, idioms, slips and plain talk.
import { MienError, randomStream } from 'mien-engine/base';
import { isLabel, type Label, readRecords } from 'mien/parts';

export interface WrittenSentence {
  readonly text: string;
  /** One label, or several of which each is right. */
  readonly labels: readonly Label[];
  /** What it was written for, such as `irony`. */
  readonly family: string;
  readonly split: 'train' | 'validation';
}

/**
 * Reads a CSV with the columns text, labels (separated by `|`) and family. A tenth of them, by row, is for
 * validation.
 * @throws MienError `file` when it cannot be read, `data` that names the row of what is wrong.
 */
export async function readSentences(file: string): Promise<WrittenSentence[]> {
  const draw = randomStream(0, 'sentences for validation');
  return (await readRecords(file)).map(({ record, row }) => {
    const { text = '', family = '' } = record;
    const labels = (record['labels'] ?? '').split('|');
    const wrong = labels.find((label) => !isLabel(label));
    if (text === '' || family === '' || wrong !== undefined)
      throw new MienError(
        'data',
        wrong !== undefined ? `unknown label "${wrong}"` : 'lacks text, labels or family',
        {
          file,
          row,
          hint: 'Expected the columns text, labels and family, labels separated by |.',
        },
      );
    const split = draw.uniform() < 0.1 ? 'validation' : 'train';
    return { text, labels: labels as Label[], family, split };
  });
}
