// `mien compare`: compares fusion heads on all tokens and regions of learned encoders.
import { join } from 'node:path';
import { type Command } from 'commander';
import { defined, MienError } from 'mien-engine/base';
import { collect, interruption, type Output, outputOf, progressOf, positiveInteger } from 'mien/cli';
import { commandLine, featureFolder } from '../options.js';
import type { ComparisonFile } from '../../report/comparison-file.js';

interface Options {
  readonly text: string;
  readonly face: string;
  readonly data?: string;
  readonly features: string;
  readonly heads: readonly string[];
  readonly rate: readonly string[];
  readonly trainFaces: number;
  readonly testFaces: number;
  readonly corruptedFaces: number;
  readonly maxTokens: number;
  readonly threads?: number;
  readonly config?: string;
  readonly set: readonly string[];
  readonly out: string;
  readonly skipInvalid?: boolean;
}

export function defineCompare(program: Command): void {
  program
    .command('compare')
    .description('compare fusion heads on tokens and regions of learned encoders, clean and corrupted')
    .requiredOption('--text <dir>', 'finished run of `mien learn text`')
    .requiredOption('--face <dir>', 'finished run of `mien learn face`')
    .option('--data <dir>', 'folder with isear, fer2013 and rafdb')
    .requiredOption('--out <dir>', 'folder of runs, which are resumed, comparison.json and comparison.md')
    .option('--features <dir>', 'folder of token states and feature maps', featureFolder())
    .option('--heads <name>', 'a head to compare; may be repeated (default: all)', collect, [])
    .option(
      '--rate <number>',
      'a learning rate to try; may be given several times (default: 1e-4, 3e-4, 1e-3)',
      collect,
      [],
    )
    .option('--train-faces <n>', 'training faces per label and set', positiveInteger, 200)
    .option('--test-faces <n>', 'validation and test faces per label and set', positiveInteger, 40)
    .option('--corrupted-faces <n>', 'training faces that are corrupted', positiveInteger, 800)
    .option('--max-tokens <n>', 'maximum number of tokens per text', positiveInteger, 48)
    .option('--threads <n>', 'threads of the encoders (default: one per core)', positiveInteger)
    .option('--config <file>', 'settings of the heads, YAML or JSON')
    .option('--set <path=value>', 'one setting of the heads', collect, [])
    .option('--skip-invalid', 'skip unreadable items and list them')
    .option('--json', 'print the comparison as JSON')
    .action((options: Options, command: Command) => run(options, commandLine(command), outputOf(command)));
}

async function run(options: Options, made: string, output: Output): Promise<void> {
  const { data, features, out, maxTokens, threads, skipInvalid = false } = options;
  if (data === undefined)
    throw new MienError('usage', 'no data: specify the folder with isear, fer2013 and rafdb as --data');
  const [
    { readLearnedFace, readLearnedText },
    { loadConfig },
    { openProtocol },
    { compareHeads, COMPARED_HEADS },
    { comparedFolder },
    { prepareComparison },
    { summarize },
    { renderComparison },
    { writeFileAtomic },
  ] = await Promise.all([
    import('../../learn/learned.js'),
    import('../../experiments/config.js'),
    import('../../features/prepared.js'),
    import('../../export/comparison/compare.js'),
    import('../../export/comparison/features.js'),
    import('../../export/comparison/prepare.js'),
    import('../../export/comparison/summary.js'),
    import('../../export/comparison/render.js'),
    import('mien-engine/node'),
  ]);
  const unknown = options.heads.find((name) => !COMPARED_HEADS.some((known) => known === name));
  if (unknown !== undefined)
    throw new MienError('usage', `unknown head "${unknown}"`, {
      hint: `Known: ${COMPARED_HEADS.join(', ')}.`,
    });
  const heads = COMPARED_HEADS.filter((name) => options.heads.length === 0 || options.heads.includes(name));
  const rates = (options.rate.length === 0 ? ['1e-4', '3e-4', '1e-3'] : options.rate).map(Number);
  if (!rates.every((rate) => rate > 0))
    throw new MienError('usage', 'a learning rate must be above 0', { field: '--rate' });
  // Checked before the data is hashed, which takes minutes.
  const text = await readLearnedText(options.text);
  const face = await readLearnedFace(options.face);
  const config = await loadConfig({ file: options.config, set: options.set });
  const progress = await progressOf(output);
  const signal = interruption();
  const { protocol } = await openProtocol({ data, dir: features, skipInvalid, progress });
  const prepared = await prepareComparison({
    text,
    face,
    protocol,
    labels: config.labels,
    maxTokens,
    progress,
    signal,
    ...defined({ threads }),
    faces: {
      train: options.trainFaces,
      validation: options.testFaces,
      test: options.testFaces,
      corrupted: options.corruptedFaces,
    },
    dir: comparedFolder(features),
  });
  const compared = await compareHeads({
    ...prepared,
    config,
    heads,
    rates,
    folder: join(out, 'runs'),
    progress,
    signal,
  });
  const summary = summarize(compared);
  const file = { format: 'mien-comparison', version: 1, command: made, ...summary } satisfies ComparisonFile;
  await writeFileAtomic(join(out, 'comparison.json'), `${JSON.stringify(file, null, 1)}\n`);
  await writeFileAtomic(join(out, 'comparison.md'), `${renderComparison(summary)}\n`);
  output.result(file, () => renderComparison(summary));
}
