// Checks on test items whether sets and abstention keep what validation promised; the card's section on it.
import { type Certainty, judged, leastConfidence, leastPosterior, type Scores } from 'mien/parts/evaluate';
import { setCoverage } from '../evaluate/conformal.js';
import { fraction, table } from './markdown.js';

export interface CertaintyTest {
  /** Which part of the bundle decides. */
  readonly name: 'text' | 'face' | 'voice' | 'fusion';
  /** On which test items. */
  readonly on: string;
  readonly n: number;
  readonly risks: readonly {
    readonly risk: number;
    /** Shares: of items that are answered, and of wrong ones among these; null where none is. */
    readonly answered: number;
    readonly wrong: number | null;
  }[];
  readonly sets: readonly {
    readonly wanted: number;
    readonly coverage: number;
    /** Mean number of labels in a set. */
    readonly size: number;
  }[];
}

const RISKS = [0.05, 0.1, 0.2];
const COVERAGES = [0.8, 0.9, 0.95];

/** Measures one part on test items' posteriors `[n, labels]`. */
export function certaintyTest(
  name: CertaintyTest['name'],
  on: string,
  certainty: Certainty,
  { truth, posteriors }: { readonly truth: Uint8Array; readonly posteriors: Scores },
): CertaintyTest {
  const items = judged(truth, posteriors);
  return {
    name,
    on,
    n: truth.length,
    risks: RISKS.map((risk) => {
      const least = leastConfidence(certainty, risk) ?? Infinity;
      const answered = items.filter(({ confidence }) => confidence >= least);
      const wrong = answered.filter(({ hit }) => hit === 0).length;
      return {
        risk,
        answered: answered.length / truth.length,
        wrong: answered.length > 0 ? wrong / answered.length : null,
      };
    }),
    sets: COVERAGES.map((wanted) => {
      const { coverage, size } = setCoverage(truth, posteriors, 1 - leastPosterior(certainty, wanted));
      return { wanted, coverage, size };
    }),
  };
}

/** The card's section. */
export function certaintySection(tests: readonly CertaintyTest[]): string[] {
  if (tests.length === 0) return [];
  const head = [
    'what decides',
    ...RISKS.map((risk) => `risk ${fraction(risk)}: answered, wrong`),
    ...COVERAGES.map((coverage) => `coverage ${fraction(coverage)}: held, labels`),
  ];
  const rows = tests.map(({ name, on, risks, sets }) => [
    `${name}, ${on}`,
    ...risks.map(({ answered, wrong }) => `${fraction(answered)}, ${wrong === null ? '–' : fraction(wrong)}`),
    ...sets.map(({ coverage, size }) => `${fraction(coverage)}, ${size.toFixed(2)}`),
  ]);
  return [
    '## How sure',
    table(head, rows),
    'Thresholds are from validation; this is what they come to on test items. _Risk_: answers are given from that confidence on at which validation’s errors, at the upper end of a 95% interval, are no more than the risk; the share of items answered, and of wrong ones among these. _Coverage_: the share of sets that hold the label, and their mean number of labels. A part that decides over faces of two sets keeps its promise over both together, not for each.',
  ];
}
