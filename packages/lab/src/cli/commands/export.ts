// `mien export`: exports learned encoders as a bundle that can be loaded anywhere.
import { existsSync } from 'node:fs';
import { cp } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { Option, type Command } from 'commander';
import { MienError } from 'mien-engine/base';
import { featureFolder, FUSED_HEADS, shareOf } from '../options.js';
import { bundledModel, collect, interruption, type Output, outputOf, progressOf } from 'mien/cli';
import { inPackage } from '../../base/package.js';
import type { Exported } from '../../export/export.js';
import type { AddVoiceOptions } from '../../export/with-voice.js';
import type { HeadName } from '../../heads/heads.js';

interface Options {
  readonly text?: string;
  readonly face?: string;
  readonly voice?: string;
  readonly words?: string;
  readonly bundle?: string;
  readonly voiceWeight?: number;
  readonly data?: string;
  readonly speech?: string;
  readonly votes?: string;
  readonly features: string;
  readonly name?: string;
  readonly head: HeadName;
  readonly fusionPairs: 'corrupted' | 'clean';
  readonly mirror: boolean;
  readonly pairs?: string;
  readonly pairsName?: string;
  readonly mapping?: string;
  readonly collapse?: string;
  readonly config?: string;
  readonly set: readonly string[];
  readonly out: string;
  readonly skipInvalid?: boolean;
}

export function defineExport(program: Command): void {
  program
    .command('export')
    .description('export learned encoders as a bundle: small ONNX files, fusion, calibration, model card')
    .option('--text <dir>', 'finished run of `mien learn text`; without --face, a bundle for texts only')
    .option('--face <dir>', 'finished run of `mien learn face`; without --text, a bundle for faces only')
    .option(
      '--voice <dir>',
      'finished run of `mien learn voice`: joins --text and --face, or --bundle; without them, a bundle for voices only',
    )
    .option(
      '--bundle <dir>',
      'a bundle of texts and faces that --voice joins; its other models stay as they are',
    )
    .option(
      '--voice-weight <share>',
      'how much of what a voice adds to words or a face counts (default: .3)',
      shareOf,
    )
    .option(
      '--words <weights>',
      'adds transcribing of speech, 42 MB: openai/whisper-tiny.en, or a folder of it; without an encoder, to the bundle in ' +
        '--out, or to a copy of --bundle or the bundled one',
    )
    .option(
      '--data <dir>',
      'folder with isear, fer2013 and rafdb, and for a text encoder that knows neutral and surprise, other corpora',
    )
    .option('--votes <file>', 'FER+ votes, with which faces are also evaluated (default: beside the data)')
    .option('--speech <dir>', 'folder of the corpora that the voice was trained on (default: that of --data)')
    .requiredOption('--out <dir>', 'the bundle; an existing one is replaced')
    .option('--features <dir>', 'folder of learned features', featureFolder())
    .option('--name <name>', 'name of the bundle (default: "lite", or that of --bundle)')
    .addOption(new Option('--head <name>', 'fusion head').choices(FUSED_HEADS).default('gated'))
    .addOption(
      new Option(
        '--fusion-pairs <kind>',
        'what fusion is trained on: pairs with some sides corrupted, or clean',
      )
        .choices(['corrupted', 'clean'])
        .default('corrupted'),
    )
    .option(
      '--pairs <file>',
      'a table of pairs that nobody matched (columns text, image, text_label, image_label), for the card',
    )
    .option('--pairs-name <name>', 'name of these pairs')
    .option(
      '--mapping <file>',
      'maps labels of the pairs to the model’s or to groups; null leaves a label out',
    )
    .option('--collapse <file>', 'maps the model’s labels to groups of the pairs; null leaves a label out')
    .option('--no-mirror', 'encode each face once, without its mirror image: twice as fast')
    .option('--config <file>', 'settings of the fusion head, YAML or JSON')
    .option('--set <path=value>', 'one setting of the fusion head', collect, [])
    .option('--skip-invalid', 'skip unreadable items and list them')
    .option('--json', 'print the evaluation as JSON')
    .action(async (options: Options, command: Command) => {
      const { text, face, voice, words, bundle, out } = options;
      const output = outputOf(command);
      const alone = words !== undefined && [text, face, voice].every((encoder) => encoder === undefined);
      if (!alone) await run(options, output);
      if (words === undefined) return;
      const manifest = await withWords(words, out, bundle);
      const told = `${out}: ${sizeOf(manifest)}, words included`;
      if (alone) output.result({ manifest }, () => told);
      else output.message(told);
    });
}

/** Adds the files for words to a bundle; if there is none yet, to a copy of another, by default the bundled one. */
async function withWords(
  weights: string,
  out: string,
  bundle: string = bundledModel(),
): Promise<Exported['manifest']> {
  const [{ addWords }, { readPretrainedWords }, { whisperTiny }] = await Promise.all([
    import('../../export/words.js'),
    import('../../encoders/load-words.js'),
    import('../../encoders/load-voice.js'),
  ]);
  const isOnHub = weights === whisperTiny.id && !existsSync(weights);
  const pretrained = await readPretrainedWords(isOnHub ? whisperTiny : { ...whisperTiny, folder: weights });
  if (!existsSync(join(out, 'manifest.json'))) await cp(bundle, out, { recursive: true });
  return addWords(out, pretrained);
}

async function run(options: Options, output: Output): Promise<void> {
  const { text, face, voice, bundle, data, votes, features, skipInvalid = false } = options;
  if (bundle !== undefined) return joined(options, bundle, output);
  if (text === undefined || face === undefined) return single(options, output);
  if (data === undefined)
    throw new MienError('usage', 'no data: specify the folder with isear, fer2013 and rafdb as --data');
  const [
    { readLearnedFace, readLearnedText },
    { loadConfig },
    { exportBundle },
    { openProtocol },
    { readBehaviour },
    { labelsInCommon, TEXT_LABELS },
  ] = await Promise.all([
    import('../../learn/learned.js'),
    import('../../experiments/config.js'),
    import('../../export/export.js'),
    import('../../features/prepared.js'),
    import('../../data/sentences.js'),
    import('mien/parts/data'),
  ]);
  // Checked before the data is hashed, which takes minutes.
  const learned = { text: await readLearnedText(text), face: await readLearnedFace(face) };
  const heard = voice === undefined ? undefined : await voiceOf(voice, options, output);
  const labels = labelsInCommon({ text: learned.text.labels, face: learned.face.labels });
  const config = await loadConfig({ instead: { labels }, file: options.config, set: options.set });
  const progress = await progressOf(output);
  const signal = interruption();
  const paths = votes === undefined ? {} : { votes };
  const inIsear: readonly string[] = TEXT_LABELS;
  const opened = await openProtocol({
    data,
    paths,
    dir: features,
    skipInvalid,
    progress,
    corpora: config.labels.some((label) => !inIsear.includes(label)),
  });
  const behaviour = await readBehaviour(inPackage('models/behaviour.csv'));
  const { protocol, corpora } = opened;
  const { out, name = 'lite' } = options;
  const given = { ...options, ...learned, name, protocol, corpora, config, behaviour };
  const alone = await exportBundle({ ...given, progress, signal });
  const paired = options.pairs === undefined ? alone : await withPairs(alone, options.pairs, options, output);
  const exported = heard ? await heard({ bundle: out, protocol }) : paired;
  output.result(exported, () => render(exported, out));
}

/** A voice joins a bundle that is there. With data there are also triples of its test texts and faces. */
async function joined(options: Options, bundle: string, output: Output): Promise<void> {
  const { text, face, voice, data, features, out, skipInvalid = false } = options;
  if (text !== undefined || face !== undefined || voice === undefined)
    throw new MienError(
      'usage',
      'only a voice joins a bundle: specify --voice with --bundle, and no other run',
    );
  const heard = await voiceOf(voice, options, output);
  const progress = await progressOf(output);
  const { openProtocol } = await import('../../features/prepared.js');
  const opened =
    data === undefined ? undefined : await openProtocol({ data, dir: features, skipInvalid, progress });
  const exported = await heard({ bundle, protocol: opened?.protocol });
  output.result(exported, () => render(exported, out));
}

/** What adds a voice to a bundle, its run and its corpora read. */
async function voiceOf(
  run: string,
  { speech, data, name, voiceWeight: weight, out, skipInvalid = false }: Options,
  output: Output,
): Promise<(to: Pick<AddVoiceOptions, 'bundle' | 'protocol'>) => Promise<Exported>> {
  const folder = speech ?? data;
  if (folder === undefined)
    throw new MienError('usage', 'no speech: specify the folder of its corpora as --speech');
  const [{ addVoice }, { readLearnedVoice }, { loadAllSpeech }] = await Promise.all([
    import('../../export/with-voice.js'),
    import('../../learn/learned.js'),
    import('../../data/speech.js'),
  ]);
  const voice = await readLearnedVoice(run);
  const corpora = await loadAllSpeech(folder, { skipInvalid });
  const progress = await progressOf(output);
  return (to) =>
    addVoice({ voice, speech: corpora.flatMap(({ items }) => items), name, weight, out, progress, ...to });
}

/** A bundle for one modality: nothing is paired, so that no data is needed. */
async function single({ text, face, voice, name = 'lite', out }: Options, output: Output): Promise<void> {
  const given = [text, face, voice].filter((folder) => folder !== undefined);
  if (given.length > 1)
    throw new MienError('usage', 'a voice joins a text and a face, or a bundle of both', {
      hint: 'Specify --text and --face, or --bundle, or --voice alone.',
    });
  const [{ exportSingle }, { readLearnedFace, readLearnedText, readLearnedVoice }] = await Promise.all([
    import('../../export/single.js'),
    import('../../learn/learned.js'),
  ]);
  const encoder =
    text !== undefined
      ? { text: await readLearnedText(text) }
      : face !== undefined
        ? { face: await readLearnedFace(face) }
        : voice !== undefined
          ? { voice: await readLearnedVoice(voice) }
          : undefined;
  if (encoder === undefined)
    throw new MienError(
      'usage',
      'no encoder: specify finished runs as --text, --face or both, or one as --voice',
    );
  const manifest = await exportSingle({ encoder, name, out });
  output.result({ manifest }, () => `${out}: ${sizeOf(manifest)}`);
}

/** Adds the evaluation on unmatched pairs to the bundle's evaluation and card. */
async function withPairs(
  exported: Exported,
  data: string,
  options: Options,
  output: Output,
): Promise<Exported> {
  const [{ addAligned }, { measureAligned }] = await Promise.all([
    import('../../export/export.js'),
    import('mien/cli'),
  ]);
  const { mapping, collapse, out: bundle } = options;
  const { aligned } = await measureAligned({ data, bundle, mapping, collapse }, output);
  return addAligned(options.out, exported, {
    name: options.pairsName ?? basename(dirname(data)),
    ...aligned,
  });
}

function render({ manifest, evaluation, reference }: Exported, out: string): string {
  const lines = evaluation.tests.map(({ name, accuracy, n }, i) => {
    const float = reference.tests[i]!.accuracy.mean;
    return `${name}: ${accuracy.mean.toFixed(4)} of ${n} items (float32 ${float.toFixed(4)})`;
  });
  for (const { name, accuracy, n } of evaluation.voice?.tests.filter(({ as }) => !as) ?? [])
    lines.push(`${name}: ${accuracy.mean.toFixed(4)} of ${n} clips`);
  return [...lines, `${out}: ${sizeOf(manifest)}`].join('\n');
}

function sizeOf({ files }: Exported['manifest']): string {
  const total = Object.values(files).reduce((sum, { bytes }) => sum + bytes, 0);
  return `${(total / 1e6).toFixed(1)} MB in ${Object.keys(files).length} files`;
}
