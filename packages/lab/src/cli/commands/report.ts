// `mien report`: one page with tables, figures and statistics from results folders, and the figures as files.
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { Command } from 'commander';
import { defined, MienError } from 'mien-engine/base';
import { bundledModel } from 'mien/cli';
import { inPackage } from '../../base/package.js';
import { interruption, type Output, outputOf, progressOf } from 'mien/cli';
import type { ReportOptions } from '../../report/report.js';
import { resultFolder } from '../options.js';

interface Options {
  readonly out: string;
  readonly data?: string;
  readonly bundle?: string;
  readonly explanation?: string;
  readonly comparison?: string;
  readonly open?: boolean;
}

export function defineReport(program: Command): void {
  program
    .command('report')
    .description(
      'make one HTML page with tables, figures and statistics from results, and the figures as files',
    )
    .argument('[dirs...]', 'folders written by `mien reproduce --out` (default: the last results)')
    .option(
      '--out <file>',
      'the page; SVG, PNG and CSV files are written to a folder beside it',
      'report.html',
    )
    .option('--data <dir>', 'folder with the data sets, to show the texts and faces behind points and errors')
    .option('--bundle <dir>', 'the model whose evaluation is shown (default: the bundled one)')
    .option(
      '--explanation <file>',
      'how its explanations were checked, as bench/explanation.ts kept it (default: of the bundled model)',
    )
    .option(
      '--comparison <file>',
      'its head beside others, the comparison.json of `mien compare` (default: of the bundled model)',
    )
    .option('--open', 'open the page when it is written')
    .option('--json', 'print the names of the written files as JSON')
    .action((dirs: string[], options: Options, command: Command) => run(dirs, options, outputOf(command)));
}

async function run(dirs: readonly string[], options: Options, output: Output): Promise<void> {
  const started = performance.now();
  const folders = dirs.length > 0 ? dirs : [lastResults()];
  const { writeHtmlReport } = await import('../../report/report.js');
  const { out, data } = options;
  const written = await writeHtmlReport({
    folders,
    out,
    ...defined({ data }),
    ...modelOf(options),
    progress: await progressOf(output),
    signal: interruption(),
  });
  output.result(
    written,
    () => `${written.file}\n${written.figures}: ${written.charts.length} charts as SVG, PNG and CSV`,
  );
  output.message(`Done in ${((performance.now() - started) / 1000).toFixed(0)} s.`);
  if (options.open) open(written.file, output);
}

/** By default the bundled model, if it is installed. */
function modelOf({ bundle, explanation, comparison }: Options): Pick<ReportOptions, 'model'> {
  if (bundle === undefined && !existsSync(bundledModel())) return {};
  const bundled = (name: string): string | undefined => {
    const file = inPackage(`models/${name}`);
    return bundle === undefined && existsSync(file) ? file : undefined;
  };
  const kept = {
    explanation: explanation ?? bundled('explanation.json'),
    comparison: comparison ?? bundled('comparison.json'),
  };
  return {
    model: {
      bundle: bundle ?? bundledModel(),
      ...defined({ explanation: kept.explanation, comparison: kept.comparison }),
    },
  };
}

function lastResults(): string {
  const folder = resultFolder();
  if (!existsSync(join(folder, 'results.json')))
    throw new MienError('usage', 'there are no results to report yet', {
      hint: 'Create them with mien reproduce, or specify a folder: mien report DIR.',
    });
  return folder;
}

/** Opens the page in the default browser; the report does not fail if this does. */
function open(file: string, output: Output): void {
  const [command, ...args] =
    process.platform === 'darwin'
      ? ['open']
      : process.platform === 'win32'
        ? ['cmd', '/c', 'start', '']
        : ['xdg-open'];
  const child = spawn(command!, [...args, resolve(file)], { detached: true, stdio: 'ignore' });
  child.on('error', () => output.warn(`no program was found to open ${file}`));
  child.unref();
}
