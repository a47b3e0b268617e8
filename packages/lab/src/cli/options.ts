// Shared by commands: shares, the command line as recorded in files, default folders, and names of heads.
import { homedir } from 'node:os';
import { basename, join } from 'node:path';
import { type Command, InvalidArgumentError } from 'commander';
import type { HeadName } from '../heads/heads.js';

/** A number from 0 to 1. */
export function shareOf(text: string): number {
  const value = Number(text);
  if (text.trim() === '' || !(value >= 0 && value <= 1))
    throw new InvalidArgumentError('Expected a number from 0 to 1.');
  return value;
}

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
