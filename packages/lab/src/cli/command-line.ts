// The command as it was typed, for files that say what made them; folders of this machine are left out.
import { basename } from 'node:path';
import type { Command } from 'commander';

/** `mien compare --text DIR --config compare.yaml`: options that were given, folders as `DIR`, files by name. */
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
