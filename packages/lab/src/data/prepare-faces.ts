// Gives every face its split or the reason why it has none, and counts what repeats where.
import { randomStream } from 'mien-engine/base';
import { findDuplicates } from './duplicates.js';
import type { FaceHash } from './hashing.js';
import { chooseGroups } from './splits.js';
import type {
  Assignment,
  DropReason,
  FaceDuplicates,
  FaceItem,
  ProtocolFace,
  ProtocolSettings,
  Repeats,
} from 'mien/parts';

/**
 * Assigns faces. Test images stay as published. `clean`: training images that are constant, or in one duplicate group
 * with a test image of either set, are dropped; of the others a part by set and label, whole duplicate groups at a
 * time, is validation. `paper`: nothing is dropped but what cannot be read, and validation is drawn image by image.
 */
export function assignFaces(
  items: readonly FaceItem[],
  hashes: ReadonlyMap<string, FaceHash>,
  settings: ProtocolSettings,
): { faces: ProtocolFace[]; duplicates: FaceDuplicates } {
  const hashOf = items.map(({ id }) => hashes.get(id));
  const { group, pairs } = findDuplicates(hashOf);
  const clean = settings.split === 'clean';
  const testPixels = new Set<string>();
  const testGroups = new Set<number>();
  items.forEach(({ split }, i) => {
    if (split !== 'test' || hashOf[i] === undefined) return;
    testPixels.add(hashOf[i].pixels);
    testGroups.add(group[i]!);
  });
  const problemOf = (i: number): DropReason | undefined => {
    const hash = hashOf[i];
    if (hash === undefined) return 'unreadable';
    if (!clean || items[i]!.split === 'test') return undefined;
    if (hash.constant) return 'constant';
    if (testPixels.has(hash.pixels)) return 'copy in a test split';
    return testGroups.has(group[i]!) ? 'near-duplicate in a test split' : undefined;
  };
  const problems = items.map((_, i) => problemOf(i));
  const training = items.flatMap(({ split, dataset, label }, index) =>
    split === 'train' && problems[index] === undefined
      ? [{ index, label: `${dataset} ${label}`, group: clean ? group[index]! : index }]
      : [],
  );
  const stream = randomStream(settings.seed, 'split/faces/validation');
  const chosen = chooseGroups(training, settings.validationFraction, stream);
  const validation = new Set(training.flatMap(({ index }, i) => (chosen[i] ? [index] : [])));
  const place = (i: number): Assignment => {
    const reason = problems[i];
    if (reason !== undefined) return { split: 'dropped', reason };
    return { split: validation.has(i) ? 'validation' : items[i]!.split };
  };
  const faces = items.map((item, i): ProtocolFace => ({
    item,
    label: item.label,
    group: group[i]!,
    sha256: hashOf[i]?.sha256 ?? '',
    ...place(i),
  }));
  return {
    faces,
    duplicates: {
      ...groupFigures(items, group, hashOf),
      mirroredPairs: pairs.filter(({ mirrored }) => mirrored).length,
      repeats: repeatFigures(items, group, hashOf),
    },
  };
}

function groupFigures(
  items: readonly FaceItem[],
  group: Int32Array,
  hashOf: readonly (FaceHash | undefined)[],
): Omit<FaceDuplicates, 'mirroredPairs' | 'repeats'> {
  const members = new Map<number, number[]>();
  group.forEach((key, i) => {
    const list = members.get(key);
    if (list === undefined) members.set(key, [i]);
    else list.push(i);
  });
  const groups = [...members.values()].filter((list) => list.length > 1);
  const seen = new Set<string>();
  const copies: Record<string, number> = {};
  items.forEach(({ dataset }, i) => {
    const hash = hashOf[i];
    if (hash === undefined) return;
    const key = `${dataset} ${hash.pixels}`;
    copies[dataset] = (copies[dataset] ?? 0) + (seen.has(key) ? 1 : 0);
    seen.add(key);
  });
  return {
    groups: groups.length,
    images: groups.reduce((sum, list) => sum + list.length, 0),
    largestGroup: groups.reduce((most, list) => Math.max(most, list.length), 1),
    disagreeing: groups.filter((list) => new Set(list.map((i) => items[i]!.label)).size > 1).length,
    copies,
  };
}

/** `FER2013 PrivateTest`, `RAF-DB train`, …: the published parts. */
const partOf = ({ dataset, usage, split }: FaceItem): string =>
  dataset === 'fer2013' ? `FER2013 ${usage ?? split}` : `RAF-DB ${split}`;

/** For every two parts that share images or groups, how many of the one repeat in the other; tests first. */
function repeatFigures(
  items: readonly FaceItem[],
  group: Int32Array,
  hashOf: readonly (FaceHash | undefined)[],
): Repeats[] {
  const parts = [...new Set(items.map(partOf))].sort();
  const order = [
    ...parts.filter((part) => /test/i.test(part)),
    ...parts.filter((part) => !/test/i.test(part)),
  ];
  const pixels = new Map(parts.map((part) => [part, new Set<string>()]));
  const groups = new Map(parts.map((part) => [part, new Set<number>()]));
  items.forEach((item, i) => {
    const hash = hashOf[i];
    if (hash === undefined || hash.constant) return;
    pixels.get(partOf(item))!.add(hash.pixels);
    groups.get(partOf(item))!.add(group[i]!);
  });
  const repeats: Repeats[] = [];
  order.forEach((from, rank) => {
    for (const to of order.slice(rank + 1)) {
      let [copies, near] = [0, 0];
      items.forEach((item, i) => {
        const hash = hashOf[i];
        if (hash === undefined || hash.constant || partOf(item) !== from) return;
        if (pixels.get(to)!.has(hash.pixels)) copies++;
        else if (groups.get(to)!.has(group[i]!)) near++;
      });
      if (copies + near > 0) repeats.push({ from, to, copies, near });
    }
  });
  return repeats;
}
