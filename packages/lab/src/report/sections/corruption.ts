// Robustness of the bundled fusion: accuracy and gate as text or face is corrupted by increasing degrees.
import { corruptionPanel } from '../figures/model.js';
import type { CurvePoint, ModelFacts } from '../model-file.js';
import type { ModalityCorruptions } from '../../modalities/corruption.js';
import { corruptions } from '../../modalities/list.js';
import { pairingNote, share } from '../tables.js';
import { madeBy } from './model.js';
import { type Block, formatPoints, points, type Section, slug } from './section.js';

/** What the levels of a corruption measure; a file may be of a version that knows others. */
const unitOf = (of: string | null, as: string): string =>
  (corruptions as Readonly<Record<string, ModalityCorruptions>>)[of ?? '']?.kinds[as]?.unit ?? 'level';

export function corruptionReport({ evaluation, fusion, name: model }: ModelFacts): Section {
  const curves = groupCurves(evaluation.corruption);
  const head = fusion?.head ?? 'fused';
  const sets = [...new Set(curves.map(({ name }) => name))];
  return {
    id: 'corruption',
    title: 'When one side is bad',
    blocks:
      curves.length === 0
        ? [{ text: 'This model’s evaluation has no corrupted pairs.' }]
        : [
            ...inWords(curves, fusion?.training === 'corrupted').map((text): Block => ({ text })),
            ...sets.map((set): Block => ({
              figure: {
                id: `corruption-${slug(set)}`,
                title: `${set}: accuracy and gate as one side gets worse`,
                caption:
                  `Accuracy of ${model} on ${curves[0]?.clean.n} test pairs whose text or face is corrupted by degrees, also of either ` +
                  'side alone and of the product of posteriors; below, the gate’s mean, the face’s share. At the left end the pairs are clean. ' +
                  'Only changes of the gate can be interpreted: one half does not mean equal weight.',
                notes: [pairingNote],
                panels: curves
                  .filter(({ name }) => name === set)
                  .map(({ of, as, points: curve }) =>
                    corruptionPanel(
                      `corruption-${slug(set)}-${slug(as)}`,
                      `${of}: ${as}`,
                      unitOf(of, as),
                      head,
                      curve,
                    ),
                  ),
              },
            })),
            madeBy('corruption'),
          ],
  };
}

function inWords(curves: readonly CorruptionCurve[], trainedOnCorrupted: boolean): string[] {
  const gated = curves.filter(({ clean }) => clean.gate !== null);
  const astray = gated.filter((curve) => !turns(curve));
  const worse = curves.flatMap((curve) => curve.points.slice(1).map((point) => ({ curve, point })));
  const lowest = worse.reduce((least, one) => (marginOf(one.point) < marginOf(least.point) ? one : least));
  const behind = worse.filter(({ point }) => marginOf(point) < 0).length;
  const product = worse.map(({ point: { fused, product: other } }) => fused - other);
  const mean = product.reduce((sum, value) => sum + value, 0) / product.length;
  const gate = [
    gated.length === 0
      ? 'This head has no gate.'
      : astray.length === 0
        ? `The gate turns to the better side: in all ${gated.length} curves, at every level, it gives the intact side more weight than on clean pairs.`
        : `The gate turns to the better side in ${gated.length - astray.length} of ${gated.length} curves, and not in ${astray.map(({ name, of, as }) => `${name}, ${of}, ${as}`).join('; ')}.`,
    ...gatesInWords(gated),
    trainedOnCorrupted
      ? 'This fusion was trained on pairs some of which were corrupted; the heads of the paper’s tables, above, were trained on clean pairs.'
      : 'This fusion was trained on clean pairs.',
  ];
  const accuracy = [
    `At ${behind} of the ${worse.length} points the fused answer is less accurate than the better side alone, by ${points(Math.max(0, -marginOf(lowest.point)))} points at most` +
      (behind === 0
        ? '.'
        : ` (${lowest.curve.name}, ${lowest.curve.as} ${share(lowest.point.level)}: ${share(lowest.point.fused)} against ${share(Math.max(lowest.point.text, lowest.point.face))}).`),
    `It differs from the product of posteriors, which cannot tell that a side is bad, by ${formatPoints({ mean, low: null, high: null })} points in the mean over corrupted points.`,
  ];
  return [gate.join(' '), accuracy.join(' ')];
}

/** The range of the gate on each set, at the ends of its curves. */
function gatesInWords(gated: readonly CorruptionCurve[]): string[] {
  return [...new Set(gated.map(({ name }) => name))].map((set) => {
    const curves = gated.filter(({ name }) => name === set);
    const gates = (of: 'text' | 'face') =>
      curves.filter((curve) => curve.of === of).map((curve) => curve.points.at(-1)!.gate!);
    return (
      `On ${set} its mean, the face’s share, goes from ${share(curves[0]?.clean.gate ?? NaN)} up to ${share(Math.max(...gates('text')))} ` +
      `where the text is worst and down to ${share(Math.min(...gates('face')))} where the face is.`
    );
  });
}

// Points of corrupted pairs as curves, and how the gate behaves on them.

/** One corruption of one side of a set's pairs; the clean pairs first, then by level. */
export interface CorruptionCurve {
  readonly name: string;
  readonly of: 'text' | 'face';
  readonly as: string;
  readonly clean: CurvePoint;
  /** The clean pairs first. */
  readonly points: readonly CurvePoint[];
}

export function groupCurves(all: readonly CurvePoint[]): CorruptionCurve[] {
  const curves = new Map<string, CorruptionCurve & { readonly points: CurvePoint[] }>();
  for (const point of all) {
    const { name, of, as } = point;
    if (of === null || as === null) continue;
    const key = `${name}, ${of}, ${as}`;
    const clean = all.find((one) => one.name === name && one.of === null);
    if (clean === undefined) continue;
    const curve = curves.get(key) ?? { name, of, as, clean, points: [clean] };
    curve.points.push(point);
    curves.set(key, curve);
  }
  return [...curves.values()].map((curve) => ({
    ...curve,
    points: [...curve.points].sort((a, b) => a.level - b.level),
  }));
}

/** Whether at every level the gate gives the intact side more weight than on clean pairs. */
export function turns({ of, clean, points }: CorruptionCurve): boolean {
  const before = clean.gate;
  return points
    .slice(1)
    .every(({ gate }) => gate !== null && before !== null && (of === 'text' ? gate > before : gate < before));
}

/** Fused accuracy minus that of the better side alone. */
export const marginOf = ({ fused, text, face }: CurvePoint): number => fused - Math.max(text, face);
