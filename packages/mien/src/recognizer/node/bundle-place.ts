// Where a bundle is, from whatever names it: a folder, a `file:` address, or the address of a folder over HTTP.
import { fileURLToPath } from 'node:url';
import { MienError, tagOf } from 'mien-engine/base';

const HINT = 'Give a folder, or the http(s) or file address of one.';

const refuse = (message: string, cause?: unknown): MienError =>
  new MienError('usage', message, { field: 'bundle', hint: HINT, cause });

/**
 * A path, or an address that begins with `http:` or `https:`.
 * @throws MienError `usage` for what names neither.
 */
export function placeOfBundle(bundle: unknown): string {
  // Not by class: a URL of another realm is one as well.
  const isUrl = tagOf(bundle) === 'URL';
  if (typeof bundle !== 'string' && !isUrl)
    throw refuse(`a bundle cannot be ${bundle === null ? 'null' : `a ${typeof bundle}`}`);
  const given = String(bundle).trim();
  if (given === '') throw refuse('the name of the bundle is empty');
  // A drive letter is no scheme.
  if (!/^(https?:|file:|[a-z][a-z\d+.-]+:\/\/)/i.test(given))
    return given.replace(/[\\/]manifest\.json$/, '');
  const url = parsed(given);
  if (url.protocol === 'http:' || url.protocol === 'https:') return url.href;
  if (url.protocol !== 'file:') throw refuse(`bundles are not read from ${url.protocol} addresses`);
  try {
    return fileURLToPath(url).replace(/[\\/]manifest\.json$/, '');
  } catch (cause) {
    throw refuse(`${given} is not the address of a folder (${(cause as Error).message})`, cause);
  }
}

function parsed(address: string): URL {
  try {
    return new URL(address);
  } catch (cause) {
    throw refuse(`${address} is not an address`, cause);
  }
}
