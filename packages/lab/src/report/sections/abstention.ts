// The bundled model's guarantees on test items: withheld answers at a stated risk, and sets that contain the label.
import { keptPanel, type Kept } from '../figures/model.js';
import type { ModelFacts } from '../model-file.js';
import { pairingNote, share } from '../tables.js';
import { madeBy } from './model.js';
import { points, type Section } from './section.js';

const partOf = ({ name, on }: ModelFacts['evaluation']['certainty'][number]): string => `${name}, ${on}`;
const REQUESTED = { risk: 'requested error rate', coverage: 'coverage asked for' };

export function abstentionSection({ evaluation: { certainty } }: ModelFacts): Section {
  const risks = certainty.flatMap((one) => one.risks.map((risk) => ({ part: partOf(one), ...risk })));
  const sets = certainty.flatMap((one) => one.sets.map((set) => ({ part: partOf(one), ...set })));
  const right = { align: 'right' } as const;
  return {
    id: 'abstention',
    title: 'When the model may refuse to answer',
    blocks:
      certainty.length === 0
        ? [{ text: 'This model’s evaluation has no figures on abstention.' }]
        : [
            { text: inWords(risks, sets) },
            {
              figure: {
                id: 'abstention',
                title: 'Requested and measured on test items',
                caption:
                  'Above the dashed line in the first chart, answers are wrong more often than requested; below it in the third, ' +
                  'sets contain the label less often. The second and the fourth show the cost: how many items get an answer, and how ' +
                  'many labels a set has.',
                notes: [pairingNote],
                panels: [
                  keptPanel(
                    'abstention-risk',
                    'wrong answers',
                    risks.flatMap(({ part, risk, wrong }): Kept[] =>
                      wrong === null ? [] : [{ part, requested: risk, measured: wrong }],
                    ),
                    { requested: REQUESTED.risk, measured: 'wrong, of the answers', diagonal: true },
                  ),
                  keptPanel(
                    'abstention-answered',
                    'items answered',
                    risks.map(({ part, risk, answered }) => ({ part, requested: risk, measured: answered })),
                    { requested: REQUESTED.risk, measured: 'share answered' },
                  ),
                  keptPanel(
                    'abstention-coverage',
                    'sets that contain the label',
                    sets.map(({ part, wanted, coverage }) => ({
                      part,
                      requested: wanted,
                      measured: coverage,
                    })),
                    { requested: REQUESTED.coverage, measured: 'share that contains it', diagonal: true },
                  ),
                  keptPanel(
                    'abstention-size',
                    'labels in a set',
                    sets.map(({ part, wanted, size }) => ({ part, requested: wanted, measured: size })),
                    { requested: REQUESTED.coverage, measured: 'mean number of labels' },
                  ),
                ],
              },
            },
            {
              table: {
                id: 'abstention',
                title: 'Risks and coverages, requested and measured',
                columns: [
                  { header: 'What decides' },
                  { header: 'asked', ...right },
                  { header: 'answered', ...right },
                  { header: 'wrong', ...right },
                  { header: 'coverage asked', ...right },
                  { header: 'measured', ...right },
                  { header: 'labels a set', ...right },
                ],
                groups: certainty.map((one) => ({
                  heading: `${partOf(one)}, ${one.n.toLocaleString('en-US')} test ${one.on.includes('×') ? 'pairs' : 'items'}`,
                  rows: one.risks.map(({ risk, answered, wrong }, i) => {
                    const set = one.sets[i];
                    return [
                      one.name,
                      share(risk),
                      share(answered),
                      wrong === null ? '–' : share(wrong),
                      ...(set ? [share(set.wanted), share(set.coverage), set.size.toFixed(2)] : []),
                    ];
                  }),
                })),
                notes: [
                  'Thresholds are from validation items. Risk: answers are given above the confidence at which the error rate on validation, at the upper end of a 95% interval, does not exceed the risk. Coverage: the share of sets that contain the label. For a part that reads faces of two data sets, both hold over the two together, not for each.',
                ],
              },
            },
            madeBy('certainty'),
          ],
  };
}

function inWords(
  risks: readonly { readonly risk: number; readonly wrong: number | null }[],
  sets: readonly { readonly part: string; readonly wanted: number; readonly coverage: number }[],
): string {
  const over = risks.filter(({ risk, wrong }) => wrong !== null && wrong > risk).length;
  const short = sets.filter(({ wanted, coverage }) => coverage < wanted);
  const furthest = short.toSorted((a, b) => a.coverage - a.wanted - (b.coverage - b.wanted))[0];
  return (
    'The recogniser can be asked to answer only where its errors stay below a stated share, or to return a set of labels that contains the true one with a stated probability. ' +
    `On test items the error rate exceeds the requested one in ${over} of ${risks.length} cases, and sets contain the label less often than requested in ${short.length} of ${sets.length}` +
    (furthest
      ? `, by ${points(furthest.wanted - furthest.coverage)} points at most (${furthest.part}, ${share(furthest.wanted)} requested).`
      : '.')
  );
}
