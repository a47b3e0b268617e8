// Options over defaults; an unknown key is an error that names the nearest known one.
import { MienError, suggestion } from 'mien-engine/base';

/**
 * `defaults` overridden by `options`; `undefined` keeps the default.
 * @param what names the options in the error
 * @throws MienError `config` for an unknown key.
 */
export function withDefaults<T extends object>(options: Partial<T>, defaults: T, what: string): T {
  const known = Object.keys(defaults);
  for (const key of Object.keys(options))
    if (!known.includes(key))
      throw new MienError('config', `unknown option "${key}" of ${what}`, {
        field: key,
        hint: suggestion(key, known),
      });
  const entries = Object.entries(options).filter(([, value]) => value !== undefined);
  return { ...defaults, ...Object.fromEntries(entries) } as T;
}
