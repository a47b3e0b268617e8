// Assigns every ISEAR text and every face to a split, or drops it for a stated reason, and counts duplicates of faces.
import { randomStream } from 'mien-engine/base';
import {
  type Assignment,
  cleanTexts,
  type DropReason,
  type FaceDuplicates,
  type FaceItem,
  normalizeText,
  type ProtocolFace,
  type ProtocolSettings,
  type ProtocolText,
  type Repeats,
  type Split,
  type TextItem,
  textKey,
} from 'mien/parts/data';
import { findDuplicates, findTextRepeats } from './duplicates.js';
import type { FaceHash } from './hashing.js';
import { chooseGroups, groupsOf } from './splits.js';

/**
 * Assigns texts. `clean`: unusable texts are dropped (`cleanTexts`); the others are split by label and by subject (by
 * duplicate text if subjects are unknown); training texts repeated in validation or test, and validation texts repeated
 * in test, are dropped. `paper`: every text is used, split by label alone.
 */
export function assignTexts(items: readonly TextItem[], settings: ProtocolSettings): ProtocolText[] {
  const clean = settings.split === 'clean';
  const problems = clean ? cleanTexts(items) : items.map(() => undefined);
  const groups = clean
    ? groupsOf(
        items.map(({ subject, text }) =>
          subject === undefined ? `text ${textKey(text)}` : `subject ${subject}`,
        ),
      )
    : Int32Array.from(items, (_, index) => index);
  const kept = items.flatMap((item, index) =>
    problems[index] === undefined ? [{ index, label: item.label, group: groups[index]! }] : [],
  );
  const splits = new Map<number, Split>();
  const inTest = chooseGroups(kept, settings.testFraction, randomStream(settings.seed, 'split/isear/test'));
  const training = kept.filter((_, i) => !inTest[i]);
  const inValidation = chooseGroups(
    training,
    settings.validationFraction,
    randomStream(settings.seed, 'split/isear/validation'),
  );
  kept.forEach(({ index }, i) => splits.set(index, inTest[i] ? 'test' : 'train'));
  training.forEach(({ index }, i) => splits.set(index, inValidation[i] ? 'validation' : 'train'));
  const repeated = clean
    ? repeatedAcross(
        kept.map(({ index }) => ({ index, text: items[index]!.text })),
        splits,
      )
    : new Set<number>();

  const place = (index: number): Assignment => {
    const problem = problems[index];
    if (problem !== undefined) return { split: 'dropped', reason: problem };
    if (repeated.has(index)) return { split: 'dropped', reason: 'repeated in another split' };
    return { split: splits.get(index)! };
  };
  return items.map((item, index) => ({
    item,
    label: item.label,
    text: normalizeText(item.text),
    group: groups[index]!,
    ...place(index),
  }));
}

/** Texts that occur, exactly or nearly, in a split that precedes theirs (test, validation, training). */
function repeatedAcross(
  texts: readonly { readonly index: number; readonly text: string }[],
  splits: ReadonlyMap<number, Split>,
): Set<number> {
  const rank = { test: 0, validation: 1, train: 2 } as const;
  const repeats = findTextRepeats(texts.map(({ text }) => text));
  const rankOf = (position: number): number => rank[splits.get(texts[position]!.index)!];
  return new Set(
    texts.flatMap(({ index }, position) =>
      repeats[position]!.some((other) => rankOf(other) < rankOf(position)) ? [index] : [],
    ),
  );
}

/**
 * Assigns faces. Test splits stay as published. `clean`: training images that are constant, or in the duplicate group
 * of a test image of either set, are dropped; a part of the others, stratified by set and label and drawn in whole
 * duplicate groups, is used for validation. `paper`: only unreadable images are dropped, and validation images are
 * drawn individually.
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

/** Name of the published part that holds a face: `FER2013 PrivateTest`, `RAF-DB train`, …. */
const partOf = ({ dataset, usage, split }: FaceItem): string =>
  dataset === 'fer2013' ? `FER2013 ${usage ?? split}` : `RAF-DB ${split}`;

/** For every two parts that share images or groups, how many of one are repeated in the other; test parts first. */
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
