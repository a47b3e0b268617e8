// Sentences written for mien: training sentences for what corpora rarely contain, such as irony, idioms and typing errors
// (models/sentences.csv), and behaviour tests, which check one capability each (models/behaviour.csv).
// Behaviour tests follow Ribeiro et al. 2020, "Beyond accuracy: behavioral testing of NLP models with CheckList".
import { MienError, randomStream } from 'mien-engine/base';
import { isLabel, type Label, readRecords } from 'mien/parts/data';

export interface WrittenSentence {
  readonly text: string;
  /** One label, or several if each of them is correct. */
  readonly labels: readonly Label[];
  /** The phenomenon it represents, such as `irony`. */
  readonly family: string;
  readonly split: 'train' | 'validation';
}

/**
 * Reads a CSV with the columns text, labels (separated by `|`) and family. A tenth of the rows is used for validation.
 * @throws MienError `file` when it cannot be read, `data` with the invalid row.
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

export interface BehaviourItem {
  readonly text: string;
  /** Labels that pass. */
  readonly accept: readonly string[];
  /** Labels that are clearly wrong; all others count as misses. */
  readonly reject: readonly string[];
  readonly capability: string;
}

/** Results of one capability. */
export interface BehaviourResult {
  readonly capability: string;
  readonly items: number;
  readonly passed: number;
  /** Items answered with a label of `reject`. */
  readonly rejected: number;
}

/**
 * Reads a CSV with the columns text, accept, reject and capability, labels separated by `|`.
 * @throws MienError `file` when it cannot be read, `data` with the invalid row.
 */
export async function readBehaviour(file: string): Promise<BehaviourItem[]> {
  const records = await readRecords(file);
  return records.map(({ record, row }) => {
    const list = (column: string): string[] => (record[column] ?? '').split('|').filter((one) => one !== '');
    const [accept, reject] = [list('accept'), list('reject')];
    const wrong = [...accept, ...reject].find((label) => !isLabel(label));
    if (!record['text'] || !record['capability'] || accept.length === 0 || wrong !== undefined)
      throw new MienError(
        'data',
        wrong === undefined ? 'lacks text, accept or capability' : `unknown label "${wrong}"`,
        {
          file,
          row,
          hint: 'Expected the columns text, accept, reject and capability, labels separated by |.',
        },
      );
    return { text: record['text'], accept, reject, capability: record['capability'] };
  });
}

/** Results by capability, in the order of the items, and for all items as `all`; `answers[i]` is the label given to item i. */
export function behaviourResults(
  items: readonly BehaviourItem[],
  answers: readonly string[],
): BehaviourResult[] {
  const found = new Map<string, { items: number; passed: number; rejected: number }>();
  items.forEach(({ capability, accept, reject }, i) => {
    const answer = answers[i] ?? '';
    for (const name of [capability, 'all']) {
      const counts = found.get(name) ?? { items: 0, passed: 0, rejected: 0 };
      counts.items++;
      if (accept.includes(answer)) counts.passed++;
      if (reject.includes(answer)) counts.rejected++;
      found.set(name, counts);
    }
  });
  const { all, ...rest } = Object.fromEntries(found);
  return [...Object.entries(rest), ...(all ? [['all', all] as const] : [])].map(([capability, counts]) => ({
    capability,
    ...counts,
  }));
}
