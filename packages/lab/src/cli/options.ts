// Shared by commands: the command line as recorded in files, default folders, names of heads, and the part of a store to
// fill.
import { homedir } from 'node:os';
import { basename, join } from 'node:path';
import type { Command } from 'commander';
import { MienError } from 'mien-engine/base';
import type { Part } from '../features/format.js';
import type { HeadName } from '../heads/heads.js';

/** `mien compare --text DIR --config compare.yaml`: the given options, with folders as `DIR` and files by name. */
export function commandLine(command: Command): string {
  const given = command.options.flatMap((option) => {
    const name = option.attributeName();
    if (command.getOptionValueSource(name) !== 'cli' || name === 'json') return [];
    const value: unknown = command.getOptionValue(name);
    if (value === true) return [option.long!];
    return [value].flat().flatMap((one) => [option.long!, shown(option.flags, String(one))]);
  });
  return ['mien', command.name(), ...given].join(' ');
}

const shown = (flags: string, value: string): string =>
  flags.includes('<dir>') ? 'DIR' : flags.includes('<file>') ? basename(value) : value;

/** Names of fused heads, listed here so that help does not load the modules that build them. */
export const FUSED_HEADS = [
  'concatenation',
  'gated',
  'gated-no-lstm',
  'static-gate',
  'tensor',
  'low-rank',
] as const satisfies readonly HeadName[];

/** Default folder of results, from which `mien report` reads them: `mien/results` in the user's cache folder (`XDG_CACHE_HOME`, else `~/.cache`). */
export const resultFolder = (env: NodeJS.ProcessEnv = process.env): string =>
  join(env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'mien', 'results');

/** Default folder of features, which are expensive and reused by later runs: `mien/features` in the user's cache folder (`XDG_CACHE_HOME`, else `~/.cache`). */
export const featureFolder = (env: NodeJS.ProcessEnv = process.env): string =>
  join(env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'mien', 'features');

const usage = (message: string, hint: string): MienError => new MienError('usage', message, { hint });

function wholeNumber(text: string, name: string): number {
  if (!/^\d{1,9}$/.test(text))
    throw usage(`${name} is "${text}"`, 'Expected a whole number, as in --shard 0/4 or --shards 4.');
  return Number(text);
}

/**
 * The part of a store to fill; undefined for the whole store. `--shard i/n` (i from 0) takes precedence; otherwise the
 * index is `JOB_COMPLETION_INDEX`, which Kubernetes sets in the pods of an Indexed Job, and n is `--shards` or
 * `JOB_COMPLETIONS`, which the job's author sets to its `completions`.
 * @throws MienError `usage` if one of the two numbers is missing or they are inconsistent
 */
export function partOf(
  options: { shard?: string | undefined; shards?: string | undefined },
  env: NodeJS.ProcessEnv = process.env,
): Part | undefined {
  const example = 'Parts are counted from 0: of four, --shard 0/4 to --shard 3/4.';
  if (options.shard !== undefined) {
    const match = /^(\d{1,9})\/(\d{1,9})$/.exec(options.shard);
    if (match === null) throw usage(`--shard is "${options.shard}", expected i/n`, example);
    return checked(Number(match[1]), Number(match[2]));
  }
  const index = env['JOB_COMPLETION_INDEX'];
  const of = options.shards ?? env['JOB_COMPLETIONS'];
  if (index === undefined) {
    if (options.shards === undefined) return undefined;
    throw usage('--shards needs JOB_COMPLETION_INDEX in the environment', `Or specify the part. ${example}`);
  }
  if (of === undefined)
    throw usage(
      'JOB_COMPLETION_INDEX is set, but not the number of parts',
      'Specify --shards n, or set JOB_COMPLETIONS to the completions of the job.',
    );
  return checked(wholeNumber(index, 'JOB_COMPLETION_INDEX'), wholeNumber(of, 'the number of parts'));

  function checked(i: number, n: number): Part {
    if (n < 1 || i >= n) throw usage(`there is no part ${i} of ${n}`, example);
    return { index: i, of: n };
  }
}
