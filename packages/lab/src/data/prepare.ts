// From loaded data sets to the protocol: cleaned and split, without duplicates across splits; pairing comes later.
import { defined, MienError, withDefaults } from 'mien-engine/base';
import { type Progress, silentProgress } from 'mien/parts/base';
import type {
  CountTable,
  DataSets,
  Protocol,
  ProtocolFace,
  ProtocolSettings,
  ProtocolText,
  SetCounts,
} from 'mien/parts/data';
import { type FaceHash, hashFaces } from './hashing.js';
import { assignFaces, assignTexts } from './assign.js';

export interface PrepareOptions extends ProtocolSettings {
  /** Skip images that cannot be decoded: they are dropped as `unreadable` and listed. */
  readonly skipInvalid: boolean;
  /** Hashes of an earlier run by face id: images whose bytes have not changed are not decoded. */
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
 * Cleans the loaded sets and splits them for training and test. `clean`: unusable texts are dropped, texts are split
 * 80/20 by label and subject, duplicate texts and faces are dropped from training, and a part of training is used for
 * validation with the same disjointness. `paper`: all texts 80/20 by label alone and all faces as published, including
 * duplicates.
 * @returns the protocol, and the hashes of the faces for the next run
 * @throws MienError `usage` for unknown options, `config` for fractions out of range, `data` for images that cannot be decoded
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
      ...defined({
        isear: sets.isear && countsOf(texts),
        fer2013: sets.fer2013 && countsOf(ofSet(faces, 'fer2013')),
        rafdb: sets.rafdb && countsOf(ofSet(faces, 'rafdb')),
      }),
    },
    ...defined({ faceDuplicates: items.length === 0 ? undefined : duplicates }),
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
    throw new MienError('config', `a seed must be a non-negative integer, got ${seed}`, { field: 'seed' });
  for (const [field, value] of Object.entries({ testFraction, validationFraction }))
    if (!(value > 0 && value < 1))
      throw new MienError('config', `a fraction must be between 0 and 1, got ${value}`, { field });
}

const ofSet = (faces: readonly ProtocolFace[], dataset: string): ProtocolFace[] =>
  faces.filter(({ item }) => item.dataset === dataset);

/** Number of items per split and label, and of dropped ones per reason and label; labels alphabetical. */
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

/** A protocol as plain JSON: ids, labels and splits of the items, without texts and images. */
export interface ProtocolRecord extends Omit<Protocol, 'texts' | 'faces' | 'corpora' | 'voices'> {
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
  const { corpora, voices: _voices, ...rest } = protocol;
  return {
    ...rest,
    ...defined({ corpora: corpora?.map(({ id, label, split }) => ({ id, label, split })) }),
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
