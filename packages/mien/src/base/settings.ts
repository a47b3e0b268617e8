// Settings described by a schema: read from plain data, from a YAML or JSON file, and from `path=value` overrides.
// Errors name the setting's path and the nearest known one.
import { LineCounter, parseDocument } from 'yaml';
import type { z } from 'zod';
import { defined, MienError, nearestName } from 'mien-engine/base';
import { readText } from 'mien-engine/node';

/** Where settings come from; later sources win: defaults, `instead`, file, `set`. */
export interface SettingsSources {
  /** Values that replace defaults, by key. */
  readonly instead?: Readonly<Record<string, unknown>> | undefined;
  /** A `.yaml`, `.yml` or `.json` file. */
  readonly file?: string | undefined;
  /** Overrides such as `optimizer.learningRate=3e-4`; values are parsed as YAML. */
  readonly set?: readonly string[] | undefined;
}

export interface Settings<T> {
  /** Every key, group or value, as a dotted path. */
  readonly paths: readonly string[];
  /**
   * Complete settings from plain data (as parsed from YAML or JSON); errors name `file` as its source.
   * @throws MienError `config` that names the key's full path, the expected value and, for an unknown key or value, the
   *   nearest known one.
   */
  parse(value: unknown, file?: string): T;
  /**
   * Merges the sources.
   * @throws MienError `file` when the file cannot be read, `format` when it is not YAML or JSON, `usage` for an override
   *   without a value, `config` as `parse` does.
   */
  load(sources?: SettingsSources): Promise<T>;
}

type Group = Readonly<Record<string, unknown>>;

const isGroup = (value: unknown): value is Group =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** Settings of a schema in which every value has a default. */
export function defineSettings<T>(schema: z.ZodType<T>): Settings<T> {
  const paths = pathsOf(schema.parse({}) as object);
  const parse: Settings<T>['parse'] = (value, file) => {
    const result = schema.safeParse(value, { reportInput: true });
    if (result.success) return result.data;
    const [issue] = result.error.issues;
    throw issue ? settingError(issue, paths, file) : result.error;
  };
  const load: Settings<T>['load'] = async ({ instead = {}, file, set = [] } = {}) => {
    const fromFile = file === undefined ? {} : await readGroup(file);
    parse(fromFile, file); // by itself first, so that its errors name the file
    const merged: Group = { ...instead, ...fromFile };
    return parse(set.reduce((settings, assignment) => override(settings, assignment, paths), merged));
  };
  return { paths, parse, load };
}

function pathsOf(group: object, prefix = ''): string[] {
  return Object.entries(group).flatMap(([key, value]: [string, unknown]) => {
    const path = prefix + key;
    return isGroup(value) ? [path, ...pathsOf(value, `${path}.`)] : [path];
  });
}

async function readGroup(file: string): Promise<Group> {
  const value = parseYaml(await readText(file), { file }) ?? {};
  if (!isGroup(value)) throw new MienError('format', 'must hold settings as `key: value` lines', { file });
  return value;
}

/** Parses YAML, of which JSON is a subset. @throws MienError `format` that locates the first error. */
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

/** Applies one override. @throws MienError `usage` when it sets nothing, `config` for an unknown key. */
function override(settings: Group, assignment: string, paths: readonly string[]): Group {
  const equals = assignment.indexOf('=');
  const path = assignment.slice(0, equals).trim();
  if (equals < 1 || path === '')
    throw new MienError('usage', `"${assignment}" is not of the form path=value`, {
      field: '--set',
      hint: 'For example: optimizer.learningRate=3e-4',
    });
  if (!paths.includes(path)) throw unknownKey(path, paths);
  const value = parseYaml(assignment.slice(equals + 1), { field: path });
  const assign = (group: unknown, [key, ...rest]: readonly string[]): unknown =>
    key === undefined
      ? value
      : { ...(isGroup(group) ? group : {}), [key]: assign(isGroup(group) ? group[key] : undefined, rest) };
  return assign(settings, path.split('.')) as Group;
}

const lastKey = (path: string): string => path.slice(path.lastIndexOf('.') + 1);

/**
 * The error for an unknown key. It suggests the nearest key of the same group, else one of the same name in another
 * group, else the nearest path.
 */
function unknownKey(path: string, paths: readonly string[], file?: string): MienError {
  const prefix = path.slice(0, path.length - lastKey(path).length);
  const siblings = paths.filter((known) => known === prefix + lastKey(known));
  const nearest = nearestName(lastKey(path), siblings.map(lastKey));
  const suggested =
    nearest === undefined
      ? (paths.find((known) => lastKey(known).toLowerCase() === lastKey(path).toLowerCase()) ??
        nearestName(path, paths))
      : prefix + nearest;
  const known = siblings.length > 0 ? siblings : paths.filter((candidate) => !candidate.includes('.'));
  return new MienError('config', 'there is no such setting', {
    ...defined({ file }),
    field: path,
    hint: suggested === undefined ? `Known: ${known.join(', ')}.` : `Did you mean "${suggested}"?`,
  });
}

/** An issue found by the schema as a MienError. */
function settingError(issue: z.core.$ZodIssue, paths: readonly string[], file?: string): MienError {
  const field = issue.path.join('.');
  const place = defined({ file, field: field || undefined });
  const got = JSON.stringify(issue.input);
  switch (issue.code) {
    case 'unrecognized_keys':
      return unknownKey([...issue.path, ...issue.keys.slice(0, 1)].join('.'), paths, file);
    case 'invalid_value': {
      const nearest = nearestName(String(issue.input), issue.values.map(String));
      return new MienError('config', `must be one of ${issue.values.join(', ')}; got ${got}`, {
        ...place,
        hint: nearest === undefined ? undefined : `Did you mean "${nearest}"?`,
      });
    }
    case 'invalid_type': {
      const inner = paths.filter((path) => path.startsWith(`${field}.`));
      const expected = issue.expected === 'object' ? 'a group of settings' : kinds[issue.expected];
      return new MienError('config', `must be ${expected ?? issue.expected}; got ${got}`, {
        ...place,
        hint: issue.expected === 'object' && inner.length > 0 ? `Known: ${inner.join(', ')}.` : undefined,
      });
    }
    case 'too_small':
      return new MienError(
        'config',
        `must be ${issue.inclusive ? 'at least' : 'above'} ${issue.minimum}${issue.origin === 'array' ? ' entries' : ''}; got ${got}`,
        place,
      );
    case 'too_big':
      return new MienError(
        'config',
        `must be ${issue.inclusive ? 'at most' : 'below'} ${issue.maximum}; got ${got}`,
        place,
      );
    default:
      return new MienError('config', `${issue.message}; got ${got}`, place);
  }
}

const kinds: Readonly<Record<string, string>> = {
  number: 'a number',
  int: 'a whole number',
  string: 'text',
  array: 'a list',
};
