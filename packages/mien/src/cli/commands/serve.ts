// `mien serve`: the model over HTTP, until it is told to stop.
import { InvalidArgumentError, type Command } from 'commander';
import { defined, MienError } from 'mien-engine/base';
import type { ServerSettings } from '../../server/settings.js';
import { collect, megapixels } from '../arguments.js';
import { interruption } from '../interrupt.js';
import { outputOf, type CommonOptions, type Output } from '../output.js';

type Options = Partial<ServerSettings> & { readonly bundle?: string };

const whole = (text: string): number => {
  const value = Number(text);
  if (text.trim() === '' || !Number.isSafeInteger(value) || value < 0)
    throw new InvalidArgumentError('it is a whole number from 0 on.');
  return value;
};
const mebibytes = (text: string): number => {
  const value = Number(text);
  if (!(value > 0)) throw new InvalidArgumentError('it is a number of mebibytes above 0.');
  return Math.round(value * 2 ** 20);
};
export function defineServe(program: Command): void {
  program
    .command('serve')
    .description('serve a model over HTTP; the bearer token it asks for is in MIEN_TOKEN')
    .option('--bundle <dir>', 'folder or address of a bundle (default: the bundled model)')
    .option('--host <address>', 'address to listen at (default: 127.0.0.1, this machine only)')
    .option('--port <n>', 'port to listen at; 0 takes a free one (default: 8080)', whole)
    .option('--processes <n>', 'processes that compute (default: one a core, at most 4)', whole)
    .option('--threads <n>', 'threads of each process (default: the cores shared out)', whole)
    .option('--max-batch <n>', 'items that are computed together (default: 16)', whole)
    .option('--max-wait <ms>', 'how long an item waits for company (default: 2)', whole)
    .option('--queue <n>', 'items that may wait; beyond that, 429 (default: 256)', whole)
    .option('--deadline <ms>', 'time for an answer; beyond that, 504 (default: 15000)', whole)
    .option('--max-body <MiB>', 'size of a request (default: 16)', mebibytes)
    .option('--max-pixels <MP>', 'size of an image in megapixels (default: 25)', megapixels)
    .option('--max-text <n>', 'length of a text in UTF-16 units (default: 20000)', whole)
    .option('--max-items <n>', 'items of a request (default: 64)', whole)
    .option('--cors <origin>', 'origin whose pages may call; may be given several times', collect, [])
    .option('--request-timeout <ms>', 'time for a request to arrive (default: 15000)', whole)
    .option('--drain-delay <ms>', 'how long it goes on accepting when told to stop (default: 500)', whole)
    .option('--drain-timeout <ms>', 'when it then cuts off what is not answered (default: 25000)', whole)
    .action((options: Options, command: Command) =>
      run(options, outputOf(command), command.optsWithGlobals<CommonOptions>()),
    );
}

async function run(options: Options, output: Output, { quiet = false }: CommonOptions): Promise<void> {
  const token = process.env['MIEN_TOKEN'];
  if (token === '')
    throw new MienError('usage', 'MIEN_TOKEN is set but empty', { hint: 'Unset it to ask for no token.' });
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
    `mien serves ${model} at ${url} (${processes} processes of ${threads} threads; ${url}/docs)`,
  );
  if (!stop.aborted) await new Promise((resolve) => stop.addEventListener('abort', resolve, { once: true }));
  const { cut } = await service.stop();
  if (cut > 0)
    throw new MienError('interrupted', `${cut} requests were cut off after ${settings.drainTimeout} ms`, {
      hint: 'A larger --drain-timeout gives them more time.',
    });
}
