// `mien serve`: serves a model over HTTP until it is stopped.
import { InvalidArgumentError, type Command } from 'commander';
import { defined, MienError } from 'mien-engine/base';
import type { ServerSettings } from '../../server/settings.js';
import { collect, megapixels, wholeNumber } from '../arguments.js';
import { interruption } from '../run.js';
import { outputOf, type CommonOptions, type Output } from '../output.js';

type Options = Partial<ServerSettings> & { readonly bundle?: string };

const mebibytes = (text: string): number => {
  const value = Number(text);
  if (!(value > 0)) throw new InvalidArgumentError('Expected a number of mebibytes above 0.');
  return Math.round(value * 2 ** 20);
};

export function defineServe(program: Command): void {
  program
    .command('serve')
    .description('serve a model over HTTP; set MIEN_TOKEN to require a bearer token')
    .option('--bundle <dir>', 'folder or URL of a bundle (default: the bundled model)')
    .option('--host <address>', 'address to listen on (default: 127.0.0.1, this machine only)')
    .option('--port <n>', 'port to listen on; 0 picks a free one (default: 8080)', wholeNumber)
    .option('--processes <n>', 'inference processes (default: one per core, at most 4)', wholeNumber)
    .option('--threads <n>', 'threads per process (default: the cores divided among processes)', wholeNumber)
    .option('--max-batch <n>', 'largest batch in items (default: 16)', wholeNumber)
    .option(
      '--max-wait <ms>',
      'longest wait for a batch to fill while all processes compute (default: 0)',
      wholeNumber,
    )
    .option('--queue <n>', 'items that may wait; beyond that, 429 (default: 256)', wholeNumber)
    .option('--deadline <ms>', 'time to answer; beyond that, 504 (default: 15000)', wholeNumber)
    .option('--max-body <MiB>', 'largest request (default: 16)', mebibytes)
    .option('--max-pixels <MP>', 'largest image in megapixels (default: 25)', megapixels)
    .option('--max-text <n>', 'longest text in UTF-16 units (default: 20000)', wholeNumber)
    .option('--max-items <n>', 'most items per request (default: 64)', wholeNumber)
    .option('--cors <origin>', 'origin whose pages may send requests; repeatable', collect, [])
    .option('--request-timeout <ms>', 'time to receive a request (default: 15000)', wholeNumber)
    .option('--drain-delay <ms>', 'time to accept further requests when stopping (default: 500)', wholeNumber)
    .option(
      '--drain-timeout <ms>',
      'time to answer accepted requests when stopping (default: 25000)',
      wholeNumber,
    )
    .action((options: Options, command: Command) =>
      run(options, outputOf(command), command.optsWithGlobals<CommonOptions>()),
    );
}

async function run(options: Options, output: Output, { quiet = false }: CommonOptions): Promise<void> {
  const token = process.env['MIEN_TOKEN'];
  if (token === '')
    throw new MienError('usage', 'MIEN_TOKEN is set but empty', { hint: 'Unset it to require no token.' });
  const [{ startService }, { createLog }] = await Promise.all([
    import('../../server/serve.js'),
    import('../../server/log.js'),
  ]);
  const stop = interruption();
  const log = createLog((line) => void process.stdout.write(line), { quiet });
  const service = await startService({
    ...options,
    log,
    ...defined({ token }),
  });
  const { url, model, settings } = service;
  const { processes, threads } = settings;
  output.message(
    `mien serves ${model} at ${url} (${processes} processes with ${threads} threads each; ${url}/docs)`,
  );
  if (!stop.aborted) await new Promise((resolve) => stop.addEventListener('abort', resolve, { once: true }));
  const { cut } = await service.stop();
  if (cut > 0)
    throw new MienError('interrupted', `${cut} requests were cut off after ${settings.drainTimeout} ms`, {
      hint: 'Increase --drain-timeout to give them more time.',
    });
}
