// The protocol of a data folder. Hashes of faces are stored between runs, since decoding fifty thousand unchanged images
// would take longer than everything else in a second run.
import { defined } from 'mien-engine/base';
import { join } from 'node:path';
import { z } from 'zod';
import { readJson } from 'mien-engine/node';
import { type Progress, silentProgress } from 'mien/parts/base';
import type { Protocol, ProtocolSettings, Split } from 'mien/parts/data';
import { pairTexts, prepareBesideIsear } from '../data/corpora/prepare.js';
import { loadCorpora } from '../data/corpora/read.js';
import type { PreparedCorpus } from '../data/corpora/definitions.js';
import type { FaceHash } from '../data/hashing.js';
import { openDataSets, type OpenedDataSets, type SetPaths } from '../data/open.js';
import { prepare } from '../data/prepare.js';
import { protocolVoices } from '../data/speech.js';
import { writeWhenNew } from './fill.js';

export interface ProtocolOptions extends Partial<ProtocolSettings> {
  /** Folder with the data sets. */
  readonly data: string;
  /** Paths of individual sets outside that folder. */
  readonly paths?: SetPaths;
  /** Folder of the features, in which the hashes are stored. */
  readonly dir: string;
  /** Whether to include texts of the folder's other corpora, for pairs over labels that ISEAR lacks. */
  readonly corpora?: boolean;
  /** Whether to include the folder's recordings of RAVDESS; the other sets may then be missing. */
  readonly voices?: boolean;
  readonly skipInvalid?: boolean;
  readonly progress?: Progress;
}

const HASHES_NAME = 'face-hashes.json';
const hashesSchema = z.record(
  z.string(),
  z.tuple([z.string(), z.string(), z.string(), z.union([z.literal(0), z.literal(1)])]),
);

/** Hashes of an earlier run; empty if there was none or its file is damaged, so that they are computed again. */
async function knownHashes(file: string): Promise<Map<string, FaceHash>> {
  const checked = hashesSchema.safeParse(await readJson(file).catch(() => ({})));
  const rows = Object.entries(checked.data ?? {});
  return new Map(
    rows.map(([id, [sha256, pixels, bits, constant]]) => [
      id,
      { sha256, pixels, bits, constant: constant === 1 },
    ]),
  );
}

export interface OpenedProtocol {
  readonly protocol: Protocol;
  readonly sets: OpenedDataSets;
  /** The other corpora of the folder, complete; empty if not requested. */
  readonly corpora: readonly PreparedCorpus[];
}

/**
 * Loads the data sets and cleans and splits them with `prepare`.
 * @throws MienError `file` and `data` as the loaders and `prepare`
 */
export async function openProtocol(options: ProtocolOptions): Promise<OpenedProtocol> {
  const {
    data,
    paths,
    dir,
    corpora: wantsCorpora = false,
    voices: wantsVoices = false,
    skipInvalid = false,
    progress = silentProgress,
    ...settings
  } = options;
  const spoken = wantsVoices ? await protocolVoices(data, { skipInvalid }) : undefined;
  const sets = await openDataSets(data, { skipInvalid, optional: wantsVoices, ...defined({ paths }) });
  const file = join(dir, HASHES_NAME);
  const known = await knownHashes(file);
  const prepared = await prepare(sets, { ...settings, skipInvalid, progress, hashes: known });
  const { hashes } = prepared;
  const protocol: Protocol = {
    ...prepared.protocol,
    ...defined({ voices: spoken?.voices }),
    skipped: [...prepared.protocol.skipped, ...(spoken?.skipped ?? [])],
  };
  const rows = [...hashes].map(([id, { sha256, pixels, bits, constant }]): [string, unknown] => [
    id,
    [sha256, pixels, bits, constant ? 1 : 0],
  ]);
  if (rows.length > 0) await writeWhenNew(file, JSON.stringify(Object.fromEntries(rows)));
  const corpora = wantsCorpora
    ? prepareBesideIsear(await loadCorpora(data, { skipInvalid }), protocol.texts)
    : [];
  if (corpora.length === 0) return { protocol, sets, corpora };
  const taken = (label: string, split: Split): number =>
    protocol.texts.filter((text) => text.label === label && text.split === split).length;
  return { protocol: { ...protocol, corpora: pairTexts(corpora, taken) }, sets, corpora };
}
