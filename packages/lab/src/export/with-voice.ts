// `mien export --voice`: a learned voice joins a bundle that reads texts and faces. Its other models, what they answer and
// what was measured of them stay as they are; the decision is built anew around the fusion head that it has.
import { embeddingWidth } from '../encoders/whisper.js';
import { defined, MienError, outputsOf, readModel } from 'mien-engine';
import { SPEECH_RATE } from 'mien/parts/audio';
import { type Progress, silentProgress } from 'mien/parts/base';
import {
  type BundleManifest,
  type Encoded,
  FILES,
  fusedIn,
  jointName,
  type JointOutput,
  modalitiesOf,
  openBundle,
  readBundle,
} from 'mien/parts/bundle';
import type { Protocol } from 'mien/parts/data';
import { scores, toPosteriors } from 'mien/parts/evaluate';
import { rebuild } from 'mien/parts/explain';
import type { SpeechItem } from '../data/speech.js';
import { fitCertainty } from '../evaluate/conformal.js';
import { readClips, temperatureOf } from '../learn/learn-voice.js';
import type { LearnedVoice } from '../learn/learned.js';
import { voiceLearnSettings } from '../learn/settings.js';
import { divideClips, type VoiceClips } from '../learn/voice-clips.js';
import type { CardFacts } from './card.js';
import { type CertaintyTest, certaintyTest } from './certainty-tests.js';
import { decisionModel, type DecisionHead } from './decision.js';
import { encodeFaces } from './encode-faces.js';
import type { BundleEvaluation } from './evaluation.js';
import { type Exported, writeWithCard } from './export.js';
import { trainingOf } from './facts.js';
import { indices } from './pair-tests.js';
import { passagesIn } from './passages.js';
import { type TripleTest, tripleTests } from './triple-tests.js';
import { learnedVoiceModel, withBias } from './voice.js';
import { type Clips, testVoice, type VoicePart, voiceRows } from './voice-tests.js';
import { voiceData } from './voice-card.js';

export interface AddVoiceOptions {
  /** Folder of the bundle. */
  readonly bundle: string;
  readonly voice: LearnedVoice;
  /** All clips of the corpora that the voice was trained on and held out. */
  readonly speech: readonly SpeechItem[];
  /** Whose test texts and faces the test clips are matched with; without it there are no triples. */
  readonly protocol?: Protocol | undefined;
  /** Name of the new bundle; by default that of the other. */
  readonly name?: string | undefined;
  /** The share of what the voice adds to words or a face that counts. */
  readonly weight?: number | undefined;
  /** Folder of the new bundle, which may be that of the other. */
  readonly out: string;
  readonly progress?: Progress;
}

/**
 * The weight of a voice by default, that of a face beside words. No data tell how often people's voices contradict their
 * words; docs/models.md says what is assumed.
 */
export const VOICE_WEIGHT = 0.3;

/** Clips by which the integer model's bias is fitted; more do not change it. */
const BIAS_CLIPS = 512;

/**
 * Writes the bundle with the voice.
 * @throws MienError `bundle` if the bundle cannot be read or was not made by `mien export` of a text and a face; `data` if the
 *   clips are not those that the voice was trained on.
 */
export async function addVoice(options: AddVoiceOptions): Promise<Exported> {
  const { voice, protocol, weight = VOICE_WEIGHT, out, progress = silentProgress } = options;
  const { before, models, numbers, passages } = await readMeasured(options.bundle);
  const clips = await clipsOf(voice, options.speech, progress);
  const { part, small, exact, rows } = await fitted(voice, clips, progress);
  const { fusion, terms, ...rest } = before;
  const manifest: Omit<BundleManifest, 'files'> = {
    ...rest,
    ...defined({ name: options.name }),
    voice: part,
    fusion: { ...fusion, weights: { ...fusion.weights, voice: weight } },
    terms: [...new Set([...terms, ...(voice.record.terms ?? [])])],
  };
  const files = {
    ...models,
    [FILES.voice]: small,
    [FILES.decision]: decisionModel(manifest, headOf(before, models[FILES.decision]!)),
  };
  const tests = await testVoice({ small, exact }, part, clips, rows, progress);
  const voices = { items: clips.test.items, ...rows.small.test };
  const triples = protocol ? await triplesOf({ manifest, files }, protocol, voices, progress) : [];
  const data = voiceData(clips.divided);
  const ofVoice = voices.items.length > 0 ? [voiceCertainty(part, voices)] : [];
  const evaluation: BundleEvaluation = {
    ...numbers.evaluation,
    certainty: [...numbers.evaluation.certainty.filter(({ name }) => name !== 'voice'), ...ofVoice],
    voice: { tests: tests.small, triples, data },
  };
  const card: CardFacts = {
    manifest,
    evaluation,
    reference: { ...numbers.reference, voice: { tests: tests.exact, triples: [], data } },
    passages: {
      ...passages,
      training: [
        ...passages.training.filter((line) => !line.startsWith('voice: ')),
        `voice: ${trainingOf(voice)}`,
      ],
    },
  };
  return writeWithCard(out, files, card);
}

type VoiceManifest = NonNullable<BundleManifest['voice']>;

/** The voice's models, in integers and in float32, their rows of validation and test clips, and its part of the manifest. */
async function fitted(voice: LearnedVoice, clips: ReadClips, progress: Progress) {
  const { labels, record } = voice;
  const { prior } = record.calibration ?? {};
  if (!prior)
    throw new MienError('weights', 'has no label distribution of its training', {
      file: voice.folder,
      hint: 'Train it again with this version of mien.',
    });
  // Training normalises the states of the last block that it used.
  const published = { ...voice, block: 'published' } as const;
  const exact = learnedVoiceModel(published, 'float32');
  const heard = async (
    what: string,
    model: Uint8Array,
    ...parts: (readonly Float32Array[])[]
  ): Promise<Encoded[]> => {
    progress.begin(what, parts.flat().length, 'clips');
    try {
      const rows: Encoded[] = [];
      for (const sounds of parts) rows.push(await voiceRows(model, sounds, progress));
      return rows;
    } finally {
      progress.end();
    }
  };
  const { training, validation, test } = clips;
  const [wanted] = await heard('training clips, float32', exact, training.sounds);
  const [found] = await heard('training clips, integers', learnedVoiceModel(published), training.sounds);
  const small = learnedVoiceModel(withBias(published, wanted!.logits, found!.logits));
  const rowsBy = async (what: string, model: Uint8Array): Promise<Record<VoicePart, Encoded>> => {
    const [ofValidation, ofTest] = await heard(what, model, validation.sounds, test.sounds);
    return { validation: ofValidation!, test: ofTest! };
  };
  const rows = {
    small: await rowsBy('voices, integers', small),
    exact: await rowsBy('voices, float32', exact),
  };

  const logits = rows.small.validation.logits.data;
  const truth = indices(validation.items, labels);
  const corpora = validation.items.map(({ corpus }) => corpus);
  const temperature = temperatureOf(logits, { labels: truth, corpora }, labels.length);
  const part: VoiceManifest = {
    model: FILES.voice,
    labels: [...labels],
    temperature,
    prior,
    certainty: fitCertainty(truth, toPosteriors(scores(labels.length, logits), temperature)),
    width: embeddingWidth(voice.config),
    sampleRate: SPEECH_RATE,
  };
  return { part, small, exact, rows };
}

/** What sets and abstention come to on test speakers. */
function voiceCertainty(
  { labels, temperature, certainty }: VoiceManifest,
  { items, logits }: { readonly items: readonly SpeechItem[]; readonly logits: Encoded['logits'] },
): CertaintyTest {
  const posteriors = toPosteriors(scores(labels.length, logits.data), temperature);
  return certaintyTest('voice', 'test speakers', certainty!, { truth: indices(items, labels), posteriors });
}

type Measured = Omit<BundleManifest, 'files'> & { readonly fusion: NonNullable<BundleManifest['fusion']> };

/** A bundle of texts and faces with what was measured of it; a voice that it has is left out. */
async function readMeasured(folder: string): Promise<{
  before: Measured;
  models: Readonly<Record<string, Uint8Array>>;
  numbers: Pick<CardFacts, 'evaluation' | 'reference'>;
  passages: CardFacts['passages'];
}> {
  const { manifest, files } = await readBundle(folder);
  const { files: _files, ...before } = manifest;
  const { [FILES.evaluation]: evaluation, [FILES.card]: card, ...models } = files;
  const { text, face, fusion } = before;
  if (!text || !face || !fusion || !evaluation || !card)
    throw new MienError('bundle', 'is not a bundle of texts and faces with its evaluation', {
      file: folder,
      hint: 'Name one that `mien export --text RUN --face RUN` made.',
    });
  const decode = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);
  return {
    before: { ...before, fusion },
    models,
    numbers: JSON.parse(decode(evaluation)) as Pick<CardFacts, 'evaluation' | 'reference'>,
    passages: passagesIn(decode(card), folder),
  };
}

/**
 * The bundle's fusion head as its decision computes it.
 * @throws MienError `bundle` if `decisionModel` did not build the decision around a head.
 */
function headOf(manifest: Measured, bytes: Uint8Array): DecisionHead {
  const model = readModel(bytes, FILES.decision);
  const nameOf = (output: JointOutput): string =>
    jointName(modalitiesOf(manifest), fusedIn(manifest), output);
  // What another prior changes is added to the head's logits.
  const last = model.nodes.find(({ outputs }) => outputs.includes(nameOf('logits')));
  if (last?.type !== 'Add')
    throw new MienError('bundle', 'has no fusion head that can be found', {
      file: FILES.decision,
      hint: 'Export the bundle with this version of mien.',
    });
  const logits = last.inputs[0]!;
  const all = new Set(outputsOf(bytes));
  return (embeddings) => {
    const { graph } = Object.values(embeddings)[0]!;
    const given = Object.fromEntries(
      Object.entries(embeddings).map(([name, value]) => [`${name} embedding`, value]),
    );
    const gates = (['gate', 'gates'] as const).filter((output) => all.has(nameOf(output)));
    const found = rebuild(graph, model, given, [logits, ...gates.map(nameOf)]);
    return {
      logits: found.get(logits)!,
      ...Object.fromEntries(gates.map((output) => [output, found.get(nameOf(output))!])),
    };
  };
}

interface ReadClips extends Record<'training' | 'validation' | 'test', Clips> {
  readonly divided: VoiceClips;
}

/** The clips as the training divided them; of its own, as many as fit the bias. */
async function clipsOf(
  { record, folder }: LearnedVoice,
  speech: readonly SpeechItem[],
  progress: Progress,
): Promise<ReadClips> {
  const divided = divideClips(speech, voiceLearnSettings.parse(record.settings));
  const { training, validation } = divided;
  const { items } = record;
  if (training.length !== items.training || validation.length !== items.validation)
    throw new MienError(
      'data',
      `has ${training.length} clips to train on and ${validation.length} to validate with; the voice had ${items.training} and ${items.validation}`,
      { file: folder, hint: 'Name the folder of speech that it was trained on as --speech.' },
    );
  const step = Math.max(1, Math.floor(training.length / BIAS_CLIPS));
  const read = async (some: readonly SpeechItem[]): Promise<Clips> => ({
    items: some,
    sounds: await readClips(some, progress),
  });
  return {
    divided,
    training: await read(training.filter((_, i) => i % step === 0)),
    validation: await read(validation),
    test: await read(divided.held),
  };
}

/** Clips of test speakers with ISEAR's test texts and RAF-DB's test faces. */
async function triplesOf(
  {
    manifest,
    files,
  }: {
    readonly manifest: Omit<BundleManifest, 'files'>;
    readonly files: Readonly<Record<string, Uint8Array>>;
  },
  protocol: Protocol,
  voices: Parameters<typeof tripleTests>[4],
  progress: Progress,
): Promise<TripleTest[]> {
  const texts = protocol.texts.filter(({ split }) => split === 'test');
  const faces = protocol.faces.filter(({ split, item }) => split === 'test' && item.dataset === 'rafdb');
  if (texts.length === 0 || faces.length === 0 || voices.items.length === 0) return [];
  const bundle = await openBundle({ ...manifest, files: {} }, files);
  try {
    progress.begin('test faces', faces.length, 'faces');
    const encoded = await encodeFaces(bundle, faces, undefined, progress);
    progress.end();
    return await tripleTests(
      bundle,
      'ISEAR × RAF-DB × voices',
      { items: texts, ...(await bundle.texts(texts.map(({ text }) => text))) },
      { items: faces, ...encoded },
      voices,
    );
  } finally {
    await bundle.dispose();
  }
}
