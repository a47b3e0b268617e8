// Points of corrupted pairs as curves, and what they say of the gate.
import type { CorruptionPoint } from '../model-file.js';

/** One way in which one side of a set's pairs is made worse; the clean pairs first, then by level. */
export interface CorruptionCurve {
  readonly name: string;
  readonly of: 'text' | 'face';
  readonly as: string;
  readonly points: readonly CorruptionPoint[];
}

export function corruptionCurves(all: readonly CorruptionPoint[]): CorruptionCurve[] {
  const curves = new Map<string, CorruptionCurve & { readonly points: CorruptionPoint[] }>();
  for (const point of all) {
    const { name, of, as } = point;
    if (of === null || as === null) continue;
    const key = `${name}, ${of}, ${as}`;
    const clean = all.filter((one) => one.name === name && one.of === null);
    const curve = curves.get(key) ?? { name, of, as, points: clean };
    curve.points.push(point);
    curves.set(key, curve);
  }
  return [...curves.values()].map((curve) => ({
    ...curve,
    points: [...curve.points].sort((a, b) => a.level - b.level),
  }));
}

/** Whether at every level the gate takes more from the side that was left alone than on clean pairs. */
export function turns({ of, points }: CorruptionCurve): boolean {
  const [clean, ...worse] = points;
  return worse.every(
    ({ gate }) =>
      gate !== null && clean!.gate !== null && (of === 'text' ? gate > clean!.gate : gate < clean!.gate),
  );
}

/** Fused accuracy minus that of the better side alone. */
export const marginOf = ({ fused, text, face }: CorruptionPoint): number => fused - Math.max(text, face);
