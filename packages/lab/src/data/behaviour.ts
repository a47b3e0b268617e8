// Behaviour items: short sentences that test one capability each, with the labels that pass and those that are absurd.
// In the manner of Ribeiro et al. 2020 (CheckList).
import { MienError } from 'mien-engine/base';
import { isLabel, readRecords } from 'mien/parts';

export interface BehaviourItem {
  readonly text: string;
  /** Labels that pass. */
  readonly accept: readonly string[];
  /** Labels that are plainly wrong; others are misses. */
  readonly reject: readonly string[];
  readonly capability: string;
}

/** How many items of a capability pass. */
export interface BehaviourResult {
  readonly capability: string;
  readonly items: number;
  readonly passed: number;
  /** Answered with a label that is plainly wrong. */
  readonly rejected: number;
}

/**
 * Reads a CSV with the columns text, accept, reject and capability, labels separated by `|`.
 * @throws MienError `file` when it cannot be read, `data` that names the row of what is wrong.
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

/** By capability, in the order of the items, and of all items as `all`, from the label that each was answered with. */
export function behaviourResults(
  items: readonly BehaviourItem[],
  answers: readonly string[],
): BehaviourResult[] {
  const found = new Map<string, { items: number; passed: number; rejected: number }>();
  items.forEach(({ capability, accept, reject }, i) => {
    for (const name of [capability, 'all']) {
      const counts = found.get(name) ?? { items: 0, passed: 0, rejected: 0 };
      counts.items++;
      if (accept.includes(answers[i]!)) counts.passed++;
      if (reject.includes(answers[i]!)) counts.rejected++;
      found.set(name, counts);
    }
  });
  const { all, ...rest } = Object.fromEntries(found);
  return [...Object.entries(rest), ...(all ? [['all', all] as const] : [])].map(([capability, counts]) => ({
    capability,
    ...counts,
  }));
}
