// Reads a configuration from a YAML or JSON file and from `--set path=value` on the command line.
import { readFile } from 'node:fs/promises';
import { LineCounter, parseDocument } from 'yaml';
import { MienError } from '../base/errors.js';
import { fileError } from '../base/files.js';
import { configPaths, parseConfig, unknownKey, type Config } from './config.js';

/** Where settings come from; later ones win: defaults, file, `set`. */
export interface ConfigSources {
  /** A `.yaml`, `.yml` or `.json` file. */
  readonly file?: string | undefined;
  /** Overrides such as `optimizer.learningRate=3e-4`, their values read as YAML. */
  readonly set?: readonly string[] | undefined;
}

/**
 * The configuration these sources make.
 * @throws MienError `file` when the file cannot be read, `format` when it is not YAML or JSON, `config` for an
 * unknown key (naming the nearest known one) or an unfit value.
 */
export async function loadConfig({ file, set = [] }: ConfigSources = {}): Promise<Config> {
  const fromFile = file === undefined ? {} : await readConfig(file);
  parseConfig(fromFile, file); // so that what is wrong in the file is reported as the file's
  return parseConfig(set.reduce(override, fromFile));
}

type Group = Readonly<Record<string, unknown>>;

const isGroup = (value: unknown): value is Group =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

async function readConfig(file: string): Promise<Group> {
  const text = await readFile(file, 'utf8').catch((cause: unknown) => {
    throw fileError('read', file, cause);
  });
  const value = parseYaml(text, { file }) ?? {};
  if (!isGroup(value)) throw new MienError('format', 'must hold settings, one `key: value` a line', { file });
  return value;
}

/** Parses YAML, of which JSON is a part. @throws MienError `format` with the place of the first error. */
function parseYaml(text: string, place: { file: string } | { field: string }): unknown {
  const lineCounter = new LineCounter();
  const document = parseDocument(text, { lineCounter, prettyErrors: false });
  const error = document.errors[0];
  if (error) {
    const row = 'file' in place ? { row: lineCounter.linePos(error.pos[0]).line } : {};
    throw new MienError('format', `is not valid YAML: ${error.message}`, { ...place, ...row });
  }
  try {
    return document.toJS({ maxAliasCount: 100 }) as unknown;
  } catch (cause) {
    throw new MienError('format', `cannot be read: ${(cause as Error).message}`, { ...place, cause });
  }
}

/** `settings` with one override applied. @throws MienError `usage` or `config`. */
export function override(settings: Group, assignment: string): Group {
  const equals = assignment.indexOf('=');
  const path = assignment.slice(0, equals).trim();
  if (equals < 1 || path === '')
    throw new MienError('usage', `"${assignment}" does not set anything`, {
      field: '--set',
      hint: 'Write path=value, for instance optimizer.learningRate=3e-4.',
    });
  if (!configPaths.includes(path)) throw unknownKey(path);
  const value = parseYaml(assignment.slice(equals + 1), { field: path });
  const assign = (group: Group, [key, ...rest]: readonly string[]): Group => {
    const inner = group[key!];
    return { ...group, [key!]: rest.length === 0 ? value : assign(isGroup(inner) ? inner : {}, rest) };
  };
  return assign(settings, path.split('.'));
}
