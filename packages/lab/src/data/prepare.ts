// From loaded sets to the protocol: cleaned, split first and paired later, with nothing repeated across splits.
import { defined, MienError, withDefaults } from 'mien-engine/base';
import {
  type CountTable,
  type DataSets,
  type Progress,
  type Protocol,
  type ProtocolFace,
  type ProtocolSettings,
  type ProtocolText,
  type SetCounts,
  silentProgress,
} from 'mien/parts';
import type { FaceHash } from './hashing.js';
import { hashFaces } from './hashing.js';
import { assignFaces } from './prepare-faces.js';
import { assignTexts } from './prepare-texts.js';

export interface PrepareOptions extends ProtocolSettings {
  /** Pass over images that cannot be decoded: they are dropped as `unreadable` and listed. */
  readonly skipInvalid: boolean;
  /** Hashes of an earlier run (`Prepared.hashes`), by face id: images whose bytes did not change are not decoded. */
  readonly hashes: ReadonlyMap<string, FaceHash>;
  readonly progress: Progress;
}

export const DEFAULT_SETTINGS: ProtocolSettings = {
  split: 'clean',
  seed: 0,
  testFraction: 0.2,
  validationFraction: 0.1,
};

/**
 * Arranges the loaded sets for training and test. `clean`: unusable texts are dropped, texts
 * are split 80/20 by label and subject, repeated texts and copied or near-duplicate faces are dropped from training,
 * and a part of training is held out with the same disjointness. `paper`: all texts 80/20 by label alone and all faces
 * as published, with whatever repeats.
 * @returns the protocol, and the hashes of the faces to keep for the next time.
 * @throws MienError `usage` on unknown options, `config` on fractions out of range, `data` on images that cannot be decoded.
 */
export async function prepare(
  sets: DataSets,
  options: Partial<PrepareOptions> = {},
): Promise<{ protocol: Protocol; hashes: ReadonlyMap<string, FaceHash> }> {
  const {
    skipInvalid,
    hashes: known,
    progress,
    ...settings
  } = withDefaults<PrepareOptions>(
    options,
    { ...DEFAULT_SETTINGS, skipInvalid: false, hashes: new Map(), progress: silentProgress },
    'prepare',
  );
  checkSettings(settings);
  const loaded = [sets.isear, sets.fer2013, sets.rafdb].filter((set) => set !== undefined);
  const items = [...(sets.fer2013?.items ?? []), ...(sets.rafdb?.items ?? [])];
  const texts = assignTexts(sets.isear?.items ?? [], settings);
  const { hashes, skipped } = await hashFaces(items, { skipInvalid, known, progress });
  const { faces, duplicates } = assignFaces(items, hashes, settings);
  const protocol: Protocol = {
    settings,
    texts,
    faces,
    counts: {
      ...(sets.isear === undefined ? {} : { isear: countsOf(texts) }),
      ...(sets.fer2013 === undefined ? {} : { fer2013: countsOf(ofSet(faces, 'fer2013')) }),
      ...(sets.rafdb === undefined ? {} : { rafdb: countsOf(ofSet(faces, 'rafdb')) }),
    },
    ...(items.length === 0 ? {} : { faceDuplicates: duplicates }),
    skipped: [...loaded.flatMap((set) => set.skipped), ...skipped],
    warnings: loaded.flatMap((set) => set.warnings),
  };
  return { protocol, hashes };
}

function checkSettings({ split, seed, testFraction, validationFraction }: ProtocolSettings): void {
  if (split !== 'clean' && split !== 'paper')
    throw new MienError('config', `unknown split "${String(split)}"`, {
      field: 'split',
      hint: 'Known: clean, paper.',
    });
  if (!Number.isSafeInteger(seed) || seed < 0)
    throw new MienError('config', `a seed is a whole number from 0 on, got ${seed}`, { field: 'seed' });
  for (const [field, value] of Object.entries({ testFraction, validationFraction }))
    if (!(value > 0 && value < 1))
      throw new MienError('config', `a fraction lies between 0 and 1, got ${value}`, { field });
}

const ofSet = (faces: readonly ProtocolFace[], dataset: string): ProtocolFace[] =>
  faces.filter(({ item }) => item.dataset === dataset);

/** Items per split and label, and dropped ones per reason and label; labels in alphabetical order. */
export function countsOf(items: readonly (ProtocolText | ProtocolFace)[]): SetCounts {
  const labels = [...new Set(items.map(({ label }) => label))].sort();
  const table = (
    key: (item: ProtocolText | ProtocolFace) => string | undefined,
    rows: string[],
  ): CountTable => {
    const counts: Record<string, Record<string, number>> = {};
    const empty = (): Record<string, number> => Object.fromEntries(labels.map((label) => [label, 0]));
    for (const row of rows) counts[row] = empty();
    for (const item of items) {
      const row = key(item);
      if (row === undefined) continue;
      const found = (counts[row] ??= empty());
      found[item.label] = (found[item.label] ?? 0) + 1;
    }
    return counts;
  };
  return {
    total: items.length,
    splits: table(({ split }) => (split === 'dropped' ? undefined : split), ['train', 'validation', 'test']),
    dropped: table(({ reason }) => reason, []),
  };
}

/** A protocol as plain JSON: names, labels and places of the items, without texts and images. */
export interface ProtocolRecord extends Omit<Protocol, 'texts' | 'faces' | 'corpora'> {
  readonly texts: readonly Record<string, string | number>[];
  readonly faces: readonly Record<string, string | number>[];
  readonly corpora?: readonly Record<string, string>[];
}

export function protocolRecord(protocol: Protocol): ProtocolRecord {
  const place = ({
    item,
    label,
    split,
    reason,
    group,
  }: ProtocolText | ProtocolFace): Record<string, string | number> => ({
    id: item.id,
    label,
    split,
    ...defined({ reason }),
    group,
  });
  const { corpora, ...rest } = protocol;
  return {
    ...rest,
    ...(corpora ? { corpora: corpora.map(({ id, label, split }) => ({ id, label, split })) } : {}),
    texts: protocol.texts.map((text) => ({
      ...place(text),
      ...defined({ subject: text.item.subject }),
    })),
    faces: protocol.faces.map((face) => ({
      ...place(face),
      dataset: face.item.dataset,
      ...defined({ usage: face.item.usage }),
      sha256: face.sha256,
    })),
  };
}
