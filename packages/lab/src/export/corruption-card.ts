// The card's section on corrupted pairs: accuracy and gate as one side gets worse.
import type { CorruptionPoint } from './corruption-curves.js';
import type { BundleEvaluation } from './evaluation.js';
import type { BundleManifest } from 'mien/parts/bundle';
import { corruptions } from '../modalities/list.js';
import { fraction, table } from './markdown.js';

const GATE =
  'The gate is its mean, the face’s share; only how it moves can be read, not that one half were even.';

export function corruptionSection(
  { corruption }: Pick<BundleEvaluation, 'corruption'>,
  { fusion }: Omit<BundleManifest, 'files'>,
): string[] {
  const [first] = corruption;
  if (!first || !fusion) return [];
  const names = [...new Set(corruption.map(({ name }) => name))];
  const sides = [...new Set(corruption.flatMap(({ of }) => of ?? []))];
  const at = (point: CorruptionPoint, name: string) =>
    corruption.find((one) => one.name === name && one.as === point.as && one.level === point.level)!;
  const rows = corruption
    .filter(({ name }) => name === first.name)
    .map((point) => [
      point.as === null ? 'nothing' : `${point.of}: ${point.as} ${fraction(point.level)}`,
      fraction(point.text),
      ...names.flatMap((name) => {
        const { face, product, fused, gate } = at(point, name);
        return [fraction(face), fraction(product), fraction(fused), gate === null ? '–' : fraction(gate)];
      }),
    ]);
  const faces = names.map((name) => name.replace(/^.* × /, ''));
  const head = [
    'corrupted',
    'text alone',
    ...faces.flatMap((name) => [`${name} alone`, 'product', fusion.head, 'gate']),
  ];
  return [
    '## When one side is bad',
    `Accuracy on ${first.n} test pairs of each set, of which one side is made worse.`,
    table(head, rows),
    `Levels: ${sides.map((side) => corruptions[side].note).join('; ')}. ${GATE}`,
  ];
}
