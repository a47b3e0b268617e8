// `mien extract`: embeds all items of the data sets into feature stores, and merges parts filled by several machines.
import { Option, type Command } from 'commander';
import { defined, MienError } from 'mien-engine/base';
import { checkProfile, encodersOf } from '../encoders.js';
import { featureFolder } from '../options.js';
import { interruption, type Output, outputOf, jobShareOf, progressOf, wholeNumber } from 'mien/cli';
import type { Part } from '../../features/format.js';
import { SET_NAMES, type SetName, type StoreName } from '../../features/sets.js';
import type { FillResult } from '../../features/fill.js';
import type { MergeResult } from '../../features/merge.js';

interface Options {
  readonly data?: string;
  readonly out: string;
  readonly profile: string;
  readonly weights?: string;
  readonly offline?: boolean;
  readonly sets?: readonly SetName[];
  readonly split: 'clean' | 'paper';
  readonly corpora?: boolean;
  readonly voice?: string | true;
  readonly corrupted?: boolean;
  readonly states?: boolean;
  readonly processes?: number;
  readonly shard?: string;
  readonly shards?: string;
  readonly skipInvalid?: boolean;
}

function setList(text: string): SetName[] {
  return text.split(',').map((name) => {
    const set = SET_NAMES.find((known) => known === name.trim());
    if (set === undefined)
      throw new MienError('usage', `unknown data set "${name}"`, { hint: `Known: ${SET_NAMES.join(', ')}.` });
    return set;
  });
}

export function defineExtract(program: Command): void {
  const extract = program
    .command('extract')
    .description('embed the data sets into feature stores; resumes an interrupted run')
    .option('--data <dir>', 'folder with isear, fer2013 and rafdb')
    .option('--out <dir>', 'folder of the stores', featureFolder())
    .option(
      '--profile <name>',
      'encoders: frozen, paper, a profile file, or the folder of a bundle',
      'frozen',
    )
    .option('--weights <dir>', 'folder with the encoders’ weights, instead of the hub')
    .option('--offline', 'fetch nothing; use only local weights')
    .option('--sets <names>', 'only these sets, such as isear,rafdb', setList)
    .addOption(
      new Option('--split <kind>', 'the split stored beside the features')
        .choices(['clean', 'paper'])
        .default('clean'),
    )
    .option(
      '--corpora',
      'also embed texts of the folder’s other corpora, for pairs over labels that ISEAR lacks',
    )
    .option(
      '--voice [dir]',
      'also embed the folder’s recordings of RAVDESS, by Whisper or by the learned encoder in <dir>',
    )
    .option('--corrupted', 'also embed the test recordings made worse: with noise, and by telephone')
    .option('--states', 'also store token states and last feature maps (large)')
    .option(
      '--processes <n>',
      'child processes in which encoders of a profile compute (default: 0, this process)',
      wholeNumber,
    )
    .option('--shard <i/n>', 'fill only part i of n, i from 0')
    .option('--shards <n>', 'fill the part given by the index of a Kubernetes, Slurm or AWS Batch array')
    .option('--skip-invalid', 'skip unreadable rows and images and list them')
    .option('--json', 'print the result as JSON')
    .action((options: Options, command: Command) => run(options, outputOf(command)));
  extract
    .command('merge')
    .description('merge the parts filled by several machines')
    .argument('<dir>', 'folder of the merged stores')
    .argument('[parts...]', 'folders of the parts; by default <dir> itself')
    .option('--json', 'print the result as JSON')
    .action((dir: string, parts: string[], _options: unknown, command: Command) =>
      merge(dir, parts, outputOf(command)),
    );
}

async function run(options: Options, output: Output): Promise<void> {
  const part = jobShareOf(options);
  const { data } = options;
  if (data === undefined)
    throw new MienError('usage', 'no data: specify the folder with isear, fer2013 and rafdb as --data');
  const progress = await progressOf(output);
  const signal = interruption();
  const [{ extractFeatures }, { openProtocol }] = await Promise.all([
    import('../../features/extract.js'),
    import('../../features/prepared.js'),
  ]);
  await checkProfile(options.profile);
  const { out: dir, split, corpora = false, skipInvalid = false, voice } = options;
  const voices = voice !== undefined || options.sets?.includes('ravdess') === true;
  const { protocol } = await openProtocol({ data, dir, split, corpora, voices, skipInvalid, progress });
  for (const warning of protocol.warnings) output.warn(warning);
  for (const { file, row, reason } of protocol.skipped)
    output.message(`skipped ${file}${row === undefined ? '' : `, row ${row}`}: ${reason}`);
  const learned = typeof voice === 'string' ? voice : undefined;
  const encoders = await encodersOf({ ...options, voice: learned }, protocol);
  try {
    const results = await extractFeatures({
      protocol,
      encoders,
      dir,
      withStates: options.states === true,
      ...defined({ only: options.sets, part, corrupted: await corrupter(options) }),
      progress,
      signal,
    });
    output.result({ ...defined({ part }), stores: results }, () => render(results, part));
  } finally {
    await encoders.text?.dispose();
    await encoders.face?.dispose();
    await encoders.voice?.dispose();
  }
}

/** How test recordings are made worse, if they are to be. */
const corrupter = async ({ corrupted }: Options) =>
  corrupted ? (await import('../../modalities/test-voices.js')).testVoices : undefined;

async function merge(dir: string, parts: readonly string[], output: Output): Promise<void> {
  const { mergeFeatures } = await import('../../features/extract.js');
  const progress = await progressOf(output);
  const stores = await mergeFeatures(dir, parts.length > 0 ? parts : [dir], progress);
  const line = ({ dir, items, parts, shards }: MergeResult): string =>
    parts === 0
      ? `${dir}: nothing to merge, ${items} items in ${shards} shards are whole`
      : `${dir}: ${items} items in ${shards} shards, from ${parts} parts`;
  output.result({ stores }, () => stores.map(line).join('\n'));
}

function render(results: Readonly<Partial<Record<StoreName, FillResult>>>, part: Part | undefined): string {
  const line = (name: string, result: FillResult): string => {
    const { dir, items, computed, kept, damaged, unchanged } = result;
    const what =
      part === undefined
        ? `${items} items`
        : `part ${part.index} of ${part.of}, ${kept + computed} of ${items} items`;
    const repaired = damaged.length > 0 ? `, ${damaged.length} damaged shards made anew` : '';
    const done = unchanged
      ? 'nothing to do, all there'
      : `${computed} computed, ${kept} there already${repaired}`;
    return `${name}: ${what}, ${done}\n  ${dir}`;
  };
  return Object.entries(results)
    .map(([name, result]) => line(name, result))
    .join('\n');
}
