// Options over defaults; a key that is not known is an error that names the nearest known one.
import { MienError, suggestion } from 'mien-engine/base';

/**
 * `defaults` with the given values laid over; `undefined` leaves the default.
 * @throws MienError `config` on an unknown key.
 */
export function withDefaults<T extends object>(given: Partial<T>, defaults: T, what: string): T {
  const known = Object.keys(defaults);
  for (const key of Object.keys(given))
    if (!known.includes(key))
      throw new MienError('config', `unknown option "${key}" of ${what}`, {
        field: key,
        hint: suggestion(key, known),
      });
  const entries = Object.entries(given).filter(([, value]) => value !== undefined);
  return { ...defaults, ...Object.fromEntries(entries) } as T;
}
