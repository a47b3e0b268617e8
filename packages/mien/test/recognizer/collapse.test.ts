// Groups of labels: posteriors of the answer and of every modality become posteriors over groups.
import { expect, test } from 'vitest';
import { collapsedResult, collapseOf } from '../../src/recognizer/collapse.js';
import type { Probabilities, Recognition } from '../../src/recognizer/types.js';

const LABELS = ['anger', 'fear', 'joy', 'surprise'];
const GROUPS: Readonly<Record<string, string | null>> = {
  anger: 'bad',
  fear: 'bad',
  joy: 'good',
  surprise: null,
};
const collapse = collapseOf(LABELS, (label) => GROUPS[label]!);
const side = (...values: readonly number[]) => ({
  label: 'anger',
  probabilities: Object.fromEntries(LABELS.map((label, i) => [label, values[i]!])) as Probabilities,
  logits: {},
});

test('the answer and each modality that there is are summed by group, without labels of none', () => {
  const result: Recognition = {
    ...side(0.1, 0.3, 0.4, 0.2),
    from: 'all',
    text: { ...side(0.5, 0.25, 0.25, 0), read: 1 },
    face: { ...side(0, 0, 0, 1), place: null },
    voice: { ...side(0.2, 0, 0.3, 0.5), seconds: 2 },
    warnings: [],
  };
  const { probabilities, text, face, voice, ...rest } = collapsedResult(result, collapse) as Recognition;
  const close = (found: Probabilities, bad: number) => {
    expect(Object.keys(found)).toEqual(['bad', 'good']);
    expect(found['bad']).toBeCloseTo(bad, 12);
    expect(found['good']).toBeCloseTo(1 - bad, 12);
  };
  close(probabilities, 0.5);
  close(text!.probabilities, 0.75);
  close(face!.probabilities, 0.5);
  close(voice!.probabilities, 0.4);
  expect([text!.read, face!.place, voice!.seconds, rest.from]).toEqual([1, null, 2, 'all']);
});

test('what is not there stays away, and failures are as they were', () => {
  const alone = collapsedResult({ ...side(1, 0, 0, 0), from: 'voice', warnings: [] }, collapse);
  expect(Object.keys(alone)).not.toContain('text');
  const failure = { error: { code: 'no-input', message: '' }, warnings: [] } as const;
  expect(collapsedResult(failure, collapse)).toBe(failure);
});
