// Loads corpora of acted speech from folders of recordings with their original names, in whatever format they are.
import { readFile } from 'node:fs/promises';
import { extname, join, parse } from 'node:path';
import { MienError, randomStream } from 'mien-engine/base';
import { fileError, sha256, sha256File } from 'mien-engine/node';
import { AudioError, decodeAudio, levelled, trimSilence } from 'mien/parts/audio';
import {
  type FaceLabel,
  kindOf,
  listFolder,
  type DataSetOptions,
  problems,
  type ProtocolVoice,
  type ProtocolVoices,
  type Skipped,
  type Split,
} from 'mien/parts/data';
import {
  readSpeechName,
  SPEECH_CORPORA,
  SPEECH_CORPUS_NAMES,
  type SpeechCorpusName,
  type SpeechName,
} from './speech-names.js';
import { chooseGroups } from './splits.js';

/** One labelled clip. */
export interface SpeechItem extends Omit<SpeechName, 'leftOut'> {
  /** `ravdess/03-01-05-02-02-01-02` */
  readonly id: string;
  readonly corpus: SpeechCorpusName;
  readonly label: FaceLabel;
  readonly file: string;
}

/** A corpus as it was read. */
export interface SpeechCorpus {
  readonly name: SpeechCorpusName;
  /** The folder. */
  readonly path: string;
  /** In the order of their ids, without copies. */
  readonly items: readonly SpeechItem[];
  /** Clips that are no items, by reason: without one of the seven labels, sung, or a copy of an earlier clip. */
  readonly dropped: Readonly<Record<string, number>>;
  readonly skipped: readonly Skipped[];
}

const EXTENSIONS = new Set(['.wav', '.opus', '.ogg', '.oga', '.flac', '.mp3']);
const isRecording = (name: string): boolean => EXTENSIONS.has(extname(name).toLowerCase());

const plain = (name: string): string => name.toLowerCase().replace(/[-_. ]/g, '');

/**
 * Folders of corpora in a folder and in its subfolder `speech`, by their names.
 * @throws MienError `file` when the folder is missing or a file.
 */
export async function findSpeech(dir: string): Promise<{ name: SpeechCorpusName; path: string }[]> {
  if ((await kindOf(dir)) !== 'folder') throw new MienError('file', 'no such folder', { file: dir });
  const found: { name: SpeechCorpusName; path: string }[] = [];
  const look = async (folder: string): Promise<void> => {
    for (const entry of (await listFolder(folder)).folders) {
      const name = SPEECH_CORPUS_NAMES.find((one) => SPEECH_CORPORA[one].folders.includes(plain(entry)));
      if (name !== undefined && !found.some((one) => one.name === name))
        found.push({ name, path: join(folder, entry) });
      else if (folder === dir && plain(entry) === 'speech') await look(join(folder, entry));
    }
  };
  await look(dir);
  return found.sort((a, b) => (a.name < b.name ? -1 : 1));
}

/** Sorted paths of the recordings in a folder and its subfolders. */
async function recordingsIn(folder: string): Promise<string[]> {
  const { files, folders } = await listFolder(folder);
  const inside = [];
  for (const name of folders) inside.push(...(await recordingsIn(join(folder, name))));
  return [...files.filter(isRecording).map((name) => join(folder, name)), ...inside];
}

/**
 * Loads a corpus from its folder and subfolders. Of clips whose files are equal, the first by id is kept.
 * @throws MienError `file` when a file cannot be read, `data` when a name is not one of the corpus, or nothing is there.
 */
export async function loadSpeech(
  name: SpeechCorpusName,
  path: string,
  options: DataSetOptions = {},
): Promise<SpeechCorpus> {
  const { title, labels, copies = [] } = SPEECH_CORPORA[name];
  const reporter = problems(options);
  const dropped: Record<string, number> = {};
  const drop = (reason: string): void => void (dropped[reason] = (dropped[reason] ?? 0) + 1);
  const items = new Map<string, SpeechItem>();
  for (const file of await recordingsIn(path)) {
    const stem = parse(file).name;
    const read = readSpeechName(stem);
    if (read?.corpus !== name) {
      const other = read && SPEECH_CORPORA[read.corpus].title;
      reporter.report({
        file,
        message: other ? `is a name of ${other}, not of ${title}` : `is no name of ${title}`,
        hint: 'Clips are labelled by their original names.',
      });
      continue;
    }
    const { leftOut, ...about } = read.name;
    const label = labels[about.source];
    if (leftOut !== undefined) drop(leftOut);
    else if (!label) drop(`no label (${about.source})`);
    // The published archive of RAVDESS holds every actor twice, and people unpack a set beside itself.
    else if (items.has(stem)) drop('same name');
    else if (copies.includes(stem)) drop('copy of another clip');
    else items.set(stem, { id: `${name}/${stem}`, corpus: name, label, file, ...about });
  }
  if (items.size === 0)
    throw new MienError('data', `holds no clip of ${title}`, {
      file: path,
      hint: `Expected recordings (${[...EXTENSIONS].join(', ')}) with their original names.`,
    });
  const kept: SpeechItem[] = [];
  const seen = new Set<string>();
  for (const item of [...items.values()].sort((a, b) => (a.id < b.id ? -1 : 1))) {
    const bytes = await readFile(item.file).catch((cause: unknown) => {
      throw fileError('read', item.file, cause);
    });
    const hash = sha256(bytes);
    if (seen.has(hash)) drop('copy of another clip');
    else kept.push(item);
    seen.add(hash);
  }
  return { name, path, items: kept, dropped, skipped: reporter.skipped };
}

/**
 * The sound of a clip as encoders are to hear it, at 16 kHz: without the silence at both ends, which names the corpus, and
 * at one level, which would give away the label (RAVDESS's angry clips are 16 dB louder than its neutral ones).
 * @throws What `decodeAudio` throws.
 */
export async function readClip({ file }: Pick<SpeechItem, 'file'>): Promise<Float32Array> {
  const { samples } = await decodeAudio(file);
  return levelled(trimSilence(samples));
}

/** As `readClip`, of a file's bytes. @throws AudioError that names the file */
export async function clipOf(bytes: Uint8Array, file: string): Promise<Float32Array> {
  const { samples } = await decodeAudio(bytes).catch((cause: unknown) => {
    if (!(cause instanceof AudioError)) throw cause;
    throw new AudioError(cause.fault, cause.reason, { file, hint: cause.hint, cause });
  });
  return levelled(trimSilence(samples));
}

/**
 * RAVDESS's speakers whom experiments validate and test with, two women and two men; `mien learn voice` holds out the same
 * (configs/learn-voice.yaml), so that a learned encoder has not heard the test either.
 */
export const RAVDESS_SPEAKERS = {
  validation: ['23', '24'],
  test: ['19', '20', '21', '22'],
} as const satisfies ProtocolVoices['speakers'];

/**
 * RAVDESS's recordings in a folder or its subfolder `speech`, split by speaker.
 * @throws MienError `file` if there is no RAVDESS, and as `loadSpeech` does
 */
export async function protocolVoices(
  dir: string,
  options: DataSetOptions = {},
): Promise<{ readonly voices: ProtocolVoices; readonly skipped: readonly Skipped[] }> {
  const found = (await findSpeech(dir)).find(({ name }) => name === 'ravdess');
  if (found === undefined)
    throw new MienError('file', 'contains no recordings of RAVDESS', {
      file: dir,
      hint: 'Expected a folder ravdess/ in it, or in its subfolder speech/.',
    });
  const { items, dropped, skipped } = await loadSpeech('ravdess', found.path, options);
  const voices: ProtocolVoice[] = [];
  for (const { id, label, speaker, file } of items)
    voices.push({ id, label, speaker, split: splitOf(speaker), file, sha256: await sha256File(file) });
  return { voices: { items: voices, speakers: RAVDESS_SPEAKERS, dropped }, skipped };
}

function splitOf(speaker: string): Split {
  const { validation, test }: ProtocolVoices['speakers'] = RAVDESS_SPEAKERS;
  return test.includes(speaker) ? 'test' : validation.includes(speaker) ? 'validation' : 'train';
}

const speakerOf = ({ corpus, speaker }: SpeechItem): string => `${corpus} ${speaker}`;

/** Speakers of some clips, sorted. */
export const speakersOf = (items: readonly SpeechItem[]): string[] =>
  [...new Set(items.map(speakerOf))].sort();

/**
 * Splits clips by speaker, so that nobody is heard in two splits: about `testFraction` of the clips are for testing, and
 * `validationFraction` of the others for validation, with every label's share as near to it as whole speakers allow.
 */
export function assignSpeech(
  items: readonly SpeechItem[],
  {
    seed,
    testFraction = 0.2,
    validationFraction = 0.1,
  }: { seed: number; testFraction?: number; validationFraction?: number },
): Split[] {
  const speakers = speakersOf(items);
  const grouped = items.map((item) => ({ label: item.label, group: speakers.indexOf(speakerOf(item)) }));
  const test = chooseGroups(grouped, testFraction, randomStream(seed, 'split/speech/test'));
  const rest = grouped.flatMap((item, i) => (test[i] ? [] : [{ ...item, i }]));
  const chosen = chooseGroups(rest, validationFraction, randomStream(seed, 'split/speech/validation'));
  const validation = new Set(rest.flatMap(({ i }, k) => (chosen[k] ? [i] : [])));
  return items.map((_, i) => (test[i] ? 'test' : validation.has(i) ? 'validation' : 'train'));
}

/** The fold of each clip in cross-validation by speaker: as many successive speakers in each of `count` folds. */
export function speakerFolds(items: readonly SpeechItem[], count: number): number[] {
  const speakers = speakersOf(items);
  if (count > speakers.length)
    throw new MienError('config', `${speakers.length} speakers do not make ${count} folds`);
  return items.map((item) => Math.floor((speakers.indexOf(speakerOf(item)) * count) / speakers.length));
}

/** What `mien data` shows of a corpus. */
export interface SpeechCounts {
  readonly name: SpeechCorpusName;
  readonly path: string;
  readonly clips: number;
  readonly speakers: number;
  /** Clips by label, alphabetical. */
  readonly labels: Readonly<Record<string, number>>;
  readonly splits: Readonly<Record<Split, number>>;
  readonly dropped: Readonly<Record<string, number>>;
}

export function speechCounts({ name, path, items, dropped }: SpeechCorpus, seed: number): SpeechCounts {
  const labels: Record<string, number> = {};
  for (const label of items.map((item) => item.label).sort()) labels[label] = (labels[label] ?? 0) + 1;
  const splits = { train: 0, validation: 0, test: 0 };
  for (const split of assignSpeech(items, { seed })) splits[split]++;
  return { name, path, clips: items.length, speakers: speakersOf(items).length, labels, splits, dropped };
}

/** Loads all corpora of speech in a folder and in its subfolder `speech`. @throws As `findSpeech` and `loadSpeech`. */
export async function loadAllSpeech(dir: string, options: DataSetOptions = {}): Promise<SpeechCorpus[]> {
  const corpora: SpeechCorpus[] = [];
  for (const { name, path } of await findSpeech(dir)) corpora.push(await loadSpeech(name, path, options));
  return corpora;
}
